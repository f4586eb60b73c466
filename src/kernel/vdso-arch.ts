import { join, pack } from './elf-writer.js';
import { hwprobeFunction } from './vdso-hwprobe.js';

/** Bytes of one function, filled up with what traps. */
export const FUNCTION_SIZE = 16;

/** The vDSO of one architecture: what it offers, and how that is written for its CPUs. */
export interface VdsoArch {
  /** e_machine of its ELF file (EM_*). */
  readonly machine: number;
  /** The version of all its symbols. */
  readonly version: string;
  /** What the functions are called beside `__vdso_` and their name: by the name alone, too. */
  readonly plainNames: boolean;
  /** Functions, and the number of the system call that each makes. */
  readonly functions: readonly (readonly [string, number])[];
  /** How many of them, the first ones, have no call frames. */
  readonly frameless: number;
  /** The code of one. */
  code(nr: number): Uint8Array;
  /** One more behind them, which answers some questions itself: its name and code. */
  readonly longer?: readonly [name: string, code: () => Uint8Array];
  /** From the return address's column to the instructions of the CIE, and what the FDE needs no more. */
  readonly cie: readonly number[];
}

/**
 * A time page that says VDSO_CLOCKMODE_NONE has Linux's functions make the same calls.
 * @see arch/x86/entry/vdso/vdso.lds.S
 */
export const VDSO_X86_64: VdsoArch = {
  machine: 62,
  version: 'LINUX_2.6',
  plainNames: true,
  functions: [
    ['clock_gettime', 228],
    ['gettimeofday', 96],
    ['clock_getres', 229],
    ['time', 201],
    ['getcpu', 309],
  ],
  frameless: 0,
  // mov eax, nr; syscall; ret
  code(nr) {
    const bytes = new Uint8Array(FUNCTION_SIZE).fill(0xcc);
    bytes.set(join(pack([1, 0xb8], [4, nr]), Uint8Array.of(0x0f, 0x05, 0xc3)));
    return bytes;
  },
  // Nothing is ever pushed, so the caller's frame begins 8 bytes above rsp: DW_CFA_def_cfa rsp 8,
  // DW_CFA_offset rip at cfa-8. Version 1, "zR", data alignment -8, pc-relative.
  cie: [1, 0x7a, 0x52, 0, 1, 0x78, 16, 1, 0x1b, 0x0c, 7, 8, 0x90, 1, 0, 0],
};

/**
 * Where signal handlers return to lies here: riscv has no sa_restorer. An unwinder knows that function by
 * its two instructions, so it has no call frames. It is the first: an unwinder looks for those of the byte
 * before a return address.
 * @see arch/riscv/kernel/vdso/vdso.lds.S, rt_sigreturn.S
 */
export const VDSO_RISCV64: VdsoArch = {
  machine: 243,
  version: 'LINUX_4.15',
  plainNames: false,
  functions: [
    ['rt_sigreturn', 139],
    ['clock_gettime', 113],
    ['gettimeofday', 169],
    ['clock_getres', 114],
    ['getcpu', 168],
    ['flush_icache', 259],
  ],
  frameless: 1,
  longer: ['riscv_hwprobe', hwprobeFunction],
  // li a7, nr; ecall; ret; ebreak
  code: (nr) => pack([4, (nr << 20) | 0x893], [4, 0x73], [4, 0x8067], [4, 0x100073]),
  // The return address is in ra, and the caller's frame begins at sp: DW_CFA_def_cfa sp 0.
  cie: [1, 0x7a, 0x52, 0, 1, 0x7c, 1, 1, 0x1b, 0x0c, 2, 0, 0, 0, 0, 0],
};

/** Where a function lies in the image, from its start. */
export function vdsoFunction({ functions }: VdsoArch, name: string): number {
  const index = functions.findIndex(([each]) => each === name);
  return VDSO_TEXT + index * FUNCTION_SIZE;
}

/** Where the functions begin: in the second page, behind the tables. */
export const VDSO_TEXT = 4096;
