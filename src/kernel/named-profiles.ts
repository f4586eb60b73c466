import { DEFAULT_PROFILE, type KernelProfile } from './profile.js';

/** What Linux 6.12 does otherwise than 6.18. */
const LINUX_6_12: KernelProfile = {
  ...DEFAULT_PROFILE,
  release: '6.12.0',
  memNeedsMm: false,
  perfmonReads: false,
  remembersDumpable: false,
  mremapSeveral: false,
  guardRegions: 'none',
  thpAlignment: 'large',
};

/** What Linux 6.6 does otherwise than 6.12. */
const LINUX_6_6: KernelProfile = {
  ...LINUX_6_12,
  release: '6.6.0',
  thpAlignment: 'none',
  mapDroppable: false,
  procmapQuery: false,
  pagemapScan: false,
  missingSyscalls: ['mseal'],
};

/** What Linux 6.1 does otherwise than 6.6; it has memfd_secret only where a boot parameter asks for it. */
const LINUX_6_1: KernelProfile = {
  ...LINUX_6_6,
  release: '6.1.0',
  processVmGrowsStack: true,
  missingSyscalls: [...LINUX_6_6.missingSyscalls, 'fchmodat2', 'memfd_secret'],
};

/** What Linux 5.15 does otherwise than 6.1. */
const LINUX_5_15: KernelProfile = { ...LINUX_6_1, release: '5.15.0', execAddsArgument: false };

/**
 * gVisor as it was in 2020: a /proc without mem, no process_vm calls, and no call newer than Linux 4.4 but
 * a few. Its own accounting of memory, its own order of access checks and its other files are not imitated.
 * @see pkg/sentry/fsimpl/proc/task.go and pkg/sentry/syscalls/linux/linux64.go of that year
 */
const GVISOR_2020: KernelProfile = {
  ...LINUX_5_15,
  release: '4.4.0',
  version: '#1 SMP Sun Jan 10 15:06:54 PST 2016',
  missingSyscalls: [
    ...['process_vm_readv', 'process_vm_writev', 'renameat2', 'copy_file_range', 'execveat'],
    ...[
      'pkey_alloc',
      'pkey_free',
      'pkey_mprotect',
      'pidfd_send_signal',
      'pidfd_open',
      'pidfd_getfd',
    ],
    ...['clone3', 'close_range', 'openat2', 'faccessat2', 'fchmodat2', 'process_madvise'],
    ...['process_mrelease', 'memfd_secret', 'mseal'],
    ...['landlock_create_ruleset', 'landlock_add_rule', 'landlock_restrict_self'],
  ],
  pidEntries: [
    ...['auxv', 'cgroup', 'cmdline', 'comm', 'environ', 'exe', 'fd', 'fdinfo', 'gid_map', 'io'],
    ...['maps', 'mountinfo', 'mounts', 'ns', 'oom_score', 'oom_score_adj', 'smaps', 'stat'],
    ...['statm', 'status', 'task', 'uid_map'],
  ],
};

/** The kernels that have a name, as they were released: what went to a stable series later is not in them. */
export const PROFILES = {
  'linux-6.18': DEFAULT_PROFILE,
  'linux-6.12': LINUX_6_12,
  'linux-6.6': LINUX_6_6,
  'linux-6.1': LINUX_6_1,
  'linux-5.15': LINUX_5_15,
  'gvisor-2020': GVISOR_2020,
} as const satisfies Record<string, KernelProfile>;

/** The name of a kernel. */
export type ProfileName = keyof typeof PROFILES;
