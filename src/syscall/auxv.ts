import { PAGE_SIZE } from '../../assembly/abi/page.js';
import {
  AT_BASE,
  AT_CLKTCK,
  AT_EGID,
  AT_ENTRY,
  AT_EUID,
  AT_EXECFN,
  AT_FLAGS,
  AT_GID,
  AT_HWCAP,
  AT_HWCAP2,
  AT_MINSIGSTKSZ,
  AT_NULL,
  AT_PAGESZ,
  AT_PHDR,
  AT_PHENT,
  AT_PHNUM,
  AT_PLATFORM,
  AT_RANDOM,
  AT_RSEQ_ALIGN,
  AT_RSEQ_FEATURE_SIZE,
  AT_SECURE,
  AT_SYSINFO_EHDR,
  AT_UID,
} from '../kernel/auxvec.js';
import type { Cred } from '../kernel/cred.js';
import { RSEQ_ALIGN, RSEQ_END } from '../kernel/rseq.js';
import type { StackPlaces } from './initial-stack.js';

/** sizeof(Elf64_Phdr) */
const PHDR_SIZE = 56;
/** Ticks a second that times(2) counts in (USER_HZ). */
const USER_HZ = 100;

/** What exec needs to know of an architecture. */
export interface ExecArch {
  /** EM_* */
  readonly machine: number;
  /** AT_PLATFORM; null for none. */
  readonly platform: string | null;
  readonly hwcap: number;
  /** AT_HWCAP2; null where the architecture has none. */
  readonly hwcap2: number | null;
  /** AT_MINSIGSTKSZ: bytes a signal frame takes at most. */
  readonly minsigstksz: number;
}

/** The architectures whose programs can be started. hwcap of riscv: the letters of imafdc. */
export const EXEC_ARCHES: Readonly<Record<'x86_64' | 'riscv64' | 'aarch64', ExecArch>> = {
  x86_64: { machine: 62, platform: 'x86_64', hwcap: 0x178bfbff, hwcap2: 2, minsigstksz: 3632 },
  riscv64: { machine: 243, platform: null, hwcap: 0x112d, hwcap2: null, minsigstksz: 1088 },
  aarch64: { machine: 183, platform: 'aarch64', hwcap: 3, hwcap2: 0, minsigstksz: 4720 },
};

/** Where the parts of a program lie that is about to run. */
export interface MappedProgram {
  /** Its program headers, and how many there are. */
  readonly phdr: number;
  readonly phnum: number;
  readonly entry: number;
  /** Its interpreter; 0 for none. */
  readonly base: number;
  /** The vDSO; 0 for none. */
  readonly vdso: number;
  /** Whether it runs with more rights than its caller had. */
  readonly secureexec: boolean;
}

/**
 * The auxiliary vector of a new program: pairs of words with AT_NULL, in the kernel's order.
 * @see fs/binfmt_elf.c, create_elf_tables()
 */
export function makeAuxv(
  arch: ExecArch,
  program: MappedProgram,
  { uid, euid, gid, egid }: Readonly<Cred>,
  places: StackPlaces,
): number[] {
  const { phdr, phnum, entry, base, vdso, secureexec } = program;
  return [
    ...(vdso === 0 ? [] : [AT_SYSINFO_EHDR, vdso]),
    ...[AT_MINSIGSTKSZ, arch.minsigstksz, AT_HWCAP, arch.hwcap],
    ...[AT_PAGESZ, PAGE_SIZE, AT_CLKTCK, USER_HZ],
    ...[AT_PHDR, phdr, AT_PHENT, PHDR_SIZE, AT_PHNUM, phnum],
    ...[AT_BASE, base, AT_FLAGS, 0, AT_ENTRY, entry],
    ...[AT_UID, uid, AT_EUID, euid, AT_GID, gid, AT_EGID, egid],
    ...[AT_SECURE, Number(secureexec), AT_RANDOM, places.random],
    ...(arch.hwcap2 === null ? [] : [AT_HWCAP2, arch.hwcap2]),
    ...[AT_EXECFN, places.path],
    ...(arch.platform === null ? [] : [AT_PLATFORM, places.platform]),
    ...[AT_RSEQ_FEATURE_SIZE, RSEQ_END, AT_RSEQ_ALIGN, RSEQ_ALIGN, AT_NULL, 0],
  ];
}
