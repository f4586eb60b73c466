import { LATEST_MM_RULES, type MmRules } from '../mm/limits.js';

/**
 * When reads and writes of /proc/PID/mem use FOLL_FORCE: the boot parameter proc_mem.force_override
 * (K-116).
 */
export type ForceOverride = 'always' | 'ptrace' | 'never';

/**
 * What differs from one kernel to the next: names, boot parameters, and rules that a release changed. Each
 * rule tells where Linux changed it; docs/profiles.md has the sources.
 */
export interface KernelProfile extends MmRules {
  /** uname -r. */
  readonly release: string;
  /** uname -v. */
  readonly version: string;
  /** uname -n. */
  readonly nodename: string;
  /** proc_mem.force_override= (6.12); kernels before it are `always`. */
  readonly forceOverride: ForceOverride;
  /** kernel.yama.ptrace_scope of a kernel with Yama; null: without it (K-053). */
  readonly yama: 0 | 1 | 2 | 3 | null;
  /** CONFIG_LSM_MMAP_MIN_ADDR, bytes: the lowest address a hint leads to (K-504). */
  readonly lsmMmapMinAddr: number;
  /**
   * Memory and swap, bytes: a single larger request is refused under vm.overcommit_memory 0
   * (K-549).
   */
  readonly totalRam: number;
  /**
   * Reads of untouched private memory show one shared page of zeros (K-163). A few kernels, of virtual
   * machines mostly, run without it and allocate.
   */
  readonly zeroPage: boolean;
  /**
   * CONFIG_MEM_SOFT_DIRTY: clear_refs, pagemap, PAGEMAP_SCAN and smaps tell which pages were written
   * since the bits were cleared, as checkpointing needs it.
   */
  readonly softDirty: boolean;
  /** mem and the like of a task without memory: ESRCH (6.16), or they open and read nothing (K-031). */
  readonly memNeedsMm: boolean;
  /** CAP_PERFMON suffices to read another's maps and the like, whoever it is (6.13, K-041). */
  readonly perfmonReads: boolean;
  /** A task that left its memory is judged by what its dumpable was (6.18.y), or not at all (K-047). */
  readonly remembersDumpable: boolean;
  /** process_vm_readv and process_vm_writev grow a stack that they reach below (until 6.4, K-173). */
  readonly processVmGrowsStack: boolean;
  /** The ioctl PROCMAP_QUERY of maps (6.11, K-611). */
  readonly procmapQuery: boolean;
  /** The ioctl PAGEMAP_SCAN of pagemap (6.7). */
  readonly pagemapScan: boolean;
  /** execve without arguments gives the program one empty argument (5.18, K-608). */
  readonly execAddsArgument: boolean;
  /** Calls that the kernel does not have: ENOSYS. */
  readonly missingSyscalls: readonly string[];
  /** The names in /proc/PID and /proc/PID/task/TID; null: all that Linux has. */
  readonly pidEntries: readonly string[] | null;
}

/**
 * The kernel this library follows and checks itself against: Linux 6.18 on x86-64,
 * force_override=always.
 */
export const DEFAULT_PROFILE: KernelProfile = {
  ...LATEST_MM_RULES,
  release: '6.18.44',
  version: '#1 SMP PREEMPT_DYNAMIC',
  nodename: 'procmem',
  forceOverride: 'always',
  yama: null,
  lsmMmapMinAddr: 65536,
  totalRam: 16 * 2 ** 30,
  zeroPage: true,
  memNeedsMm: true,
  perfmonReads: true,
  remembersDumpable: true,
  processVmGrowsStack: false,
  procmapQuery: true,
  pagemapScan: true,
  execAddsArgument: true,
  missingSyscalls: [],
  pidEntries: null,
  softDirty: false,
};
