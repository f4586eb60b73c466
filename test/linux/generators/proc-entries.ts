import * as abi from '../abi.js';

/** How an opened entry of /proc/PID is tried. */
export type Use =
  /** Read; the text differs between runs, so it goes where nobody looks. */
  | 'read'
  /** Read, and compared: the text says the same everywhere. */
  | 'compare'
  /** A write of one of `texts`. */
  | 'write'
  | 'mem'
  | 'pagemap'
  | 'list';

/** An entry of /proc/PID, and what can be done with it. */
export interface ProcEntry {
  readonly name: string;
  readonly uses: readonly Use[];
  /** What may be written. */
  readonly texts?: readonly string[];
}

const CLEAR_REFS = ['1', '2', '3', '4', '5', '0', '6', 'x', '', '1\n', '99999999999', '-1'];

/** The entries that every process has and every emulation should. */
export const ENTRIES: readonly ProcEntry[] = [
  { name: 'mem', uses: ['mem'] },
  { name: 'mem', uses: ['mem'] },
  { name: 'mem', uses: ['mem'] },
  { name: 'maps', uses: ['read'] },
  { name: 'smaps', uses: ['read'] },
  { name: 'smaps_rollup', uses: ['read'] },
  { name: 'environ', uses: ['read'] },
  { name: 'auxv', uses: ['read'] },
  { name: 'pagemap', uses: ['pagemap'] },
  { name: 'status', uses: ['read'] },
  { name: 'stat', uses: ['read'] },
  { name: 'statm', uses: ['read'] },
  { name: 'cmdline', uses: ['read'] },
  {
    name: 'comm',
    uses: ['compare', 'write'],
    texts: ['name', 'a longer name than fits', '', 'x\n'],
  },
  { name: 'clear_refs', uses: ['write'], texts: CLEAR_REFS },
  { name: 'io', uses: ['read'] },
  { name: 'syscall', uses: ['read'] },
  { name: 'stack', uses: ['read'] },
  { name: 'personality', uses: ['compare'] },
  { name: 'limits', uses: ['read'] },
  { name: 'wchan', uses: ['read'] },
  { name: 'uid_map', uses: ['compare'] },
  { name: 'gid_map', uses: ['compare'] },
  { name: 'setgroups', uses: ['compare'] },
  { name: 'fd', uses: ['list'] },
  { name: 'fdinfo', uses: ['list'] },
  { name: 'task', uses: ['list'] },
  { name: 'ns', uses: ['list'] },
  { name: 'map_files', uses: ['list'] },
  { name: '', uses: ['list'] },
];

/** Entries of a process that are looked at now and then. */
export const RARE_ENTRIES: readonly ProcEntry[] = [
  { name: 'numa_maps', uses: ['read'] },
  { name: 'timers', uses: ['read'] },
  { name: 'timerslack_ns', uses: ['read'] },
  { name: 'coredump_filter', uses: ['read'] },
  { name: 'oom_score_adj', uses: ['read'] },
  { name: 'oom_score', uses: ['read'] },
  { name: 'projid_map', uses: ['read'] },
  { name: 'mountinfo', uses: ['read'] },
  { name: 'mounts', uses: ['read'] },
  { name: 'cgroup', uses: ['read'] },
  { name: 'loginuid', uses: ['read'] },
  { name: 'schedstat', uses: ['read'] },
];

/** Symbolic links below /proc/PID. */
export const LINKS: readonly string[] = [
  'exe',
  'cwd',
  'root',
  'ns/user',
  'ns/mnt',
  'ns/pid',
  'fd/9999',
];

/** Ways to open an entry. */
export const OPEN_FLAGS: readonly number[] = [
  abi.O_RDONLY,
  abi.O_RDONLY,
  abi.O_RDONLY,
  abi.O_RDWR,
  abi.O_RDWR,
  abi.O_WRONLY,
  abi.O_PATH,
  3,
  abi.O_RDONLY | abi.O_DIRECTORY,
  abi.O_RDWR | abi.O_TRUNC,
  abi.O_RDONLY | abi.O_NOATIME,
  abi.O_RDWR | abi.O_APPEND,
  abi.O_CREAT | abi.O_RDWR,
  abi.O_CREAT | abi.O_EXCL | abi.O_RDWR,
  abi.O_RDONLY | abi.O_NOFOLLOW,
  abi.O_RDWR | abi.O_DIRECT,
];
