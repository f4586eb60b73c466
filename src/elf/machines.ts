import { EM_AARCH64, EM_RISCV, EM_X86_64 } from './format.js';

/** What cores of one architecture have that those of another have not. */
export interface ElfMachine {
  /** As uname -m has it. */
  readonly name: 'x86-64' | 'aarch64' | 'riscv64';
  /** e_machine. */
  readonly em: number;
  /** Bytes of elf_gregset_t, the registers in NT_PRSTATUS. */
  readonly regsSize: number;
  /** Where in them stack pointer and program counter are. */
  readonly spOffset: number;
  readonly pcOffset: number;
  /** Bytes that NT_FPREGSET must have. */
  readonly fpregsSize: number;
  /** Where its user space ends, at most. */
  readonly userEnd: number;
}

/**
 *     x86-64    struct user_regs_struct: r15 … rip at 128 … rsp at 152 … gs
 *     aarch64   struct user_pt_regs: x0 … x30, sp, pc, pstate; user space of 48 bits, 52 with LVA
 *     riscv64   struct user_regs_struct: pc, ra, sp … t6; sv39, sv48, and sv57 below 2^47 unless asked
 */
const MACHINES: readonly ElfMachine[] = [
  {
    name: 'x86-64',
    em: EM_X86_64,
    regsSize: 27 * 8,
    spOffset: 19 * 8,
    pcOffset: 16 * 8,
    fpregsSize: 512,
    userEnd: 2 ** 47,
  },
  {
    name: 'aarch64',
    em: EM_AARCH64,
    regsSize: 34 * 8,
    spOffset: 31 * 8,
    pcOffset: 32 * 8,
    fpregsSize: 528,
    userEnd: 2 ** 52,
  },
  {
    name: 'riscv64',
    em: EM_RISCV,
    regsSize: 32 * 8,
    spOffset: 2 * 8,
    pcOffset: 0,
    fpregsSize: 260,
    userEnd: 2 ** 47,
  },
];

/** The architecture of an e_machine; null for one that is not known. */
export function elfMachine(em: number): ElfMachine | null {
  return MACHINES.find((machine) => machine.em === em) ?? null;
}

/** The architecture whose general registers take so many bytes. */
export function machineOfRegs(size: number): ElfMachine | null {
  return MACHINES.find(({ regsSize }) => regsSize === size) ?? null;
}

/** Those that are known, for messages: `x86-64 (62), …`. */
export function knownMachines(): string {
  return MACHINES.map(({ name, em }) => `${name} (${em})`).join(', ');
}
