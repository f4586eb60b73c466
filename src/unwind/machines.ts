import type { Registers } from './registers.js';
import { RBP, registersFromUser, RIP, RSP } from './registers.js';

/** What unwinding has to know of a processor. Registers go by their DWARF numbers. */
export interface UnwindMachine {
  readonly name: 'x86-64' | 'aarch64' | 'riscv64';
  /** Registers kept, the program counter included. */
  readonly count: number;
  readonly pc: number;
  readonly sp: number;
  readonly fp: number;
  /** The register that a call leaves its return address in; null where it is pushed. */
  readonly link: number | null;
  /** Bits of a return address; above them aarch64 may have signed it. */
  readonly addressBits: number;
  /** A frame pointer's frame: bytes from it to the caller's, to the return address, and to the caller's sp. */
  readonly frame: { readonly fp: bigint; readonly ra: bigint; readonly sp: bigint };
  /** The registers of a thread in a core, as NT_PRSTATUS has them. */
  registers(regs: Uint8Array): Registers;
}

/** System V ABI, AMD64 supplement. */
export const X86_64: UnwindMachine = {
  name: 'x86-64',
  count: 17,
  pc: RIP,
  sp: RSP,
  fp: RBP,
  link: null,
  addressBits: 64,
  frame: { fp: 0n, ra: 8n, sp: 16n },
  registers: registersFromUser,
};

/** DWARF for the Arm 64-bit Architecture: x0 … x30, sp, pc. The core's order is the same. */
const AARCH64: UnwindMachine = {
  name: 'aarch64',
  count: 33,
  pc: 32,
  sp: 31,
  fp: 29,
  link: 30,
  addressBits: 48,
  frame: { fp: 0n, ra: 8n, sp: 16n },
  registers: (regs) => words(regs, 33),
};

/** RISC-V DWARF specification: x0 … x31; the core has the program counter where x0 would be. */
const RISCV64: UnwindMachine = {
  name: 'riscv64',
  count: 33,
  pc: 32,
  sp: 2,
  fp: 8,
  link: 1,
  addressBits: 64,
  frame: { fp: -16n, ra: -8n, sp: 0n },
  registers: (regs) => {
    const [pc = 0n, ...others] = words(regs, 32);
    return [0n, ...others, pc];
  },
};

/** The processor whose threads have so many bytes of registers in a core; null for one not known. */
export function unwindMachineOf(regsSize: number): UnwindMachine | null {
  return { 216: X86_64, 272: AARCH64, 256: RISCV64 }[regsSize] ?? null;
}

function words(regs: Uint8Array, count: number): (bigint | null)[] {
  const view = new DataView(regs.buffer, regs.byteOffset, regs.byteLength);
  return Array.from({ length: count }, (_, i) => view.getBigUint64(i * 8, true));
}
