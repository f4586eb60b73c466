/**
 * When reads and writes of /proc/PID/mem use FOLL_FORCE: the boot parameter proc_mem.force_override
 * (K-116).
 */
export type ForceOverride = 'always' | 'ptrace' | 'never';

/**
 * What the builder of a kernel chooses: its name and the boot parameters. Security modules are
 * chosen by installing them.
 */
export interface KernelProfile {
  /** uname -r. */
  readonly release: string;
  /** uname -v. */
  readonly version: string;
  /** uname -n. */
  readonly nodename: string;
  /** proc_mem.force_override=. */
  readonly forceOverride: ForceOverride;
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
}

/**
 * The kernel this library follows and checks itself against: Linux 6.18 on x86-64,
 * force_override=always.
 */
export const DEFAULT_PROFILE: KernelProfile = {
  release: '6.18.44',
  version: '#1 SMP PREEMPT_DYNAMIC',
  nodename: 'procmem',
  forceOverride: 'always',
  lsmMmapMinAddr: 65536,
  totalRam: 16 * 2 ** 30,
  zeroPage: true,
  softDirty: false,
};
