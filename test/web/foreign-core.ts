// Cores of processors that this machine is not: a page of code, and a thread that stopped in it.
import { Machine, PROT_EXEC, PROT_READ, PROT_WRITE } from '../../src/index.js';

/** A processor with a few of its instructions. */
export interface ForeignCode {
  readonly arch: string;
  /** Bytes of its registers in a core, and where in them the program counter is. */
  readonly regsSize: number;
  readonly pcOffset: number;
  readonly code: Uint8Array;
  /** Bytes from the start to where the thread stopped. */
  readonly stopped: number;
  /** The instructions by their mnemonics, as objdump has them too. */
  readonly mnemonics: readonly string[];
  /** Bytes from the start to what the call leads to. */
  readonly target: number;
}

function words(...values: number[]): Uint8Array {
  return new Uint8Array(new Uint32Array(values).buffer);
}

function halves(...values: number[]): Uint8Array {
  return new Uint8Array(new Uint16Array(values).buffer);
}

/** A function that calls the one behind it. */
export const FOREIGN: readonly ForeignCode[] = [
  {
    arch: 'aarch64',
    regsSize: 272,
    pcOffset: 32 * 8,
    code: words(0xa9bf7bfd, 0x910003fd, 0x94000003, 0xa8c17bfd, 0xd65f03c0),
    stopped: 8,
    mnemonics: ['stp', 'mov', 'bl', 'ldp', 'ret'],
    target: 20,
  },
  {
    arch: 'riscv64',
    regsSize: 256,
    pcOffset: 0,
    // Two instructions of 16 bits come first: what follows lies at no multiple of 4 and 8.
    code: halves(0x1141, 0xe406, 0x00ef, 0x00a0, 0x0141, 0x8082),
    stopped: 4,
    mnemonics: ['c.addi', 'c.sdsp', 'jal', 'c.addi', 'c.jr'],
    target: 14,
  },
];

/** The core of a process that runs the code, and where in it the code begins. */
export async function foreignCore(
  foreign: ForeignCode,
): Promise<{ core: Uint8Array; start: number }> {
  const task = (await Machine.create()).spawn({ comm: foreign.arch, uid: 1000 });
  const addr = task.mmap({ length: 4096, prot: PROT_READ | PROT_WRITE | PROT_EXEC });
  task.store(addr, foreign.code);
  const regs = new Uint8Array(foreign.regsSize);
  new DataView(regs.buffer).setBigUint64(foreign.pcOffset, addr + BigInt(foreign.stopped), true);
  task.struct.regs = regs;
  return { core: task.writeCore(), start: Number(addr) };
}
