import { inheritedMdwe } from '../mm/mdwe.js';
import { Mm } from '../mm/mm.js';
import type { Core } from '../wasm/core.js';
import type { UserNamespace } from './userns.js';

/**
 * Nobody but the privileged may look: the inode's owner is root (K-012) and ptrace needs
 * CAP_SYS_PTRACE (K-046).
 */
export const SUID_DUMP_DISABLE = 0;
/** Its user may look. */
export const SUID_DUMP_USER = 1;

/** One of SUID_DUMP_* (include/linux/sched/coredump.h). */
export type Dumpable = 0 | 1 | 2;

/** Anonymous memory, private and shared, ELF headers and private huge pages. */
const MMF_DUMP_FILTER_DEFAULT = 0x33;

const NO_AUXV = new Uint8Array(0);

/** The program a memory runs: what /proc/PID/exe leads to. A mm holds one reference. */
export interface ExeFile {
  /** Path at the time of the exec, absolute. */
  readonly path: string;
  get(): void;
  put(): void;
}

/**
 * The memory of a process with what the kernel decides about it.
 * @see include/linux/mm_types.h, struct mm_struct
 */
export class MmStruct extends Mm {
  /** Set by prctl, commitCreds() and exec; shared by all users of the memory (K-301). */
  dumpable: Dumpable = SUID_DUMP_USER;
  /**
   * Namespace of the task that ran the exec, or one above it that sees the program's owner (K-307);
   * never changes later.
   */
  userNs: UserNamespace;
  /** The program's file; null before the first exec and once the last user is gone. */
  exeFile: ExeFile | null = null;
  /**
   * The auxiliary vector as /proc/PID/auxv gives it: pairs of 64-bit words, AT_NULL included
   * (K-607). Replaced as a whole: copies of the memory share it.
   */
  auxv: Readonly<Uint8Array> = NO_AUXV;
  /** Where a program that was loaded into it by execve(2) begins to run (start_thread()). */
  entry = 0;
  /** What handlers return to where no restorer is given: __vdso_rt_sigreturn; 0 without a vDSO. */
  sigreturn = 0;

  /**
   * What a core file of it holds: bits of /proc/PID/coredump_filter (MMF_DUMP_*); inherited by
   * fork.
   */
  dumpFilter = MMF_DUMP_FILTER_DEFAULT;

  /** PR_SET_THP_DISABLE: 1 no huge pages, 3 none but where advised; inherited by fork. */
  thpDisable = 0;
  /** PR_SET_MEMORY_MERGE: all of it may be merged by KSM; inherited by fork. */
  memoryMerge = false;

  /** Registrations of membarrier(), as bits; inherited by fork. */
  membarriers = 0;

  /** Makes an empty memory with one user. */
  constructor(core: Core, userNs: UserNamespace) {
    super(core);
    this.userNs = userNs;
  }

  /** Gives the program's file, taking a reference on it. */
  setExeFile(file: ExeFile | null): void {
    file?.get();
    this.exeFile?.put();
    this.exeFile = file;
  }

  /**
   * Drops a user; the last one frees the memory and the program's file.
   * @see kernel/fork.c, __mmput()
   */
  override mmput(): void {
    super.mmput();
    if (!this.alive) this.setExeFile(null);
  }
}

/**
 * Copies a memory for fork: the pages copy-on-write, and all the kernel knows of it.
 * @throws {LinuxError} ENOMEM: no room for the page tables; nothing is left behind
 * @see kernel/fork.c, dup_mm()
 */
export function dupMm(old: MmStruct): MmStruct {
  const mm = new MmStruct(old.core, old.userNs);
  mm.dumpable = old.dumpable;
  mm.dumpFilter = old.dumpFilter;
  mm.thpDisable = old.thpDisable;
  mm.memoryMerge = old.memoryMerge;
  mm.mdwe = inheritedMdwe(old.mdwe);
  mm.auxv = old.auxv;
  mm.membarriers = old.membarriers;
  mm.sigreturn = old.sigreturn;
  mm.setExeFile(old.exeFile);
  try {
    mm.copyFrom(old);
  } catch (error) {
    mm.mmput();
    throw error;
  }
  return mm;
}
