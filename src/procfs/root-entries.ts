import type { TaskStruct } from '../kernel/task.js';
import { byteString } from '../vfs/byte-string.js';
import type { Dentry } from '../vfs/dentry.js';
import type { Vfs } from '../vfs/vfs.js';
import { procCreateSingle, procSingle } from './generic.js';
import { showMeminfo } from './meminfo.js';
import { sysctlDirectory } from './proc-sysctl.js';
import { mountsLink, netLink } from './self.js';
import type { FileOperations } from '../vfs/file.js';
import { showVmstat } from './vmstat.js';

/** The one CPU. It has no name and no speed of its own, only what every x86-64 has. */
const CPUINFO = [
  'processor\t: 0',
  'vendor_id\t: GenuineIntel',
  'cpu family\t: 6',
  'model\t\t: 0',
  'model name\t: procmem',
  'stepping\t: 0',
  'physical id\t: 0',
  'siblings\t: 1',
  'core id\t\t: 0',
  'cpu cores\t: 1',
  'apicid\t\t: 0',
  'initial apicid\t: 0',
  'fpu\t\t: yes',
  'fpu_exception\t: yes',
  'cpuid level\t: 13',
  'wp\t\t: yes',
  'flags\t\t: fpu tsc msr cx8 cmov mmx fxsr sse sse2 syscall nx lm',
  'bugs\t\t:',
  'clflush size\t: 64',
  'cache_alignment\t: 64',
  'address sizes\t: 32 bits physical, 48 bits virtual',
  'power management:',
].join('\n');

/** File systems there are, without a device all of them. */
const FILESYSTEMS = ['tmpfs', 'proc', 'devtmpfs', 'pipefs', 'hostfs'];

/** Seconds with two digits after the point. */
const seconds = (ms: number): string => (Math.floor(ms / 10) / 100).toFixed(2);

/** fs/proc/uptime.c uptime_proc_show(): no task is charged time, so the CPU was always idle. */
function showUptime({ kernel }: TaskStruct): string {
  const up = seconds(kernel.time());
  return `${up} ${up}\n`;
}

/** fs/proc/loadavg.c loadavg_proc_show() */
function showLoadavg({ kernel }: TaskStruct): string {
  const pids = [...kernel.tasks()].map((task) => task.pid);
  return `0.00 0.00 0.00 1/${pids.length} ${pids.at(-1) ?? 0}\n`;
}

/** fs/proc/stat.c show_stat(): no time is charged and no interrupt ever comes. */
function showStat({ kernel, now }: Vfs): string {
  const zeros = Array<number>(10).fill(0).join(' ');
  return [
    `cpu  ${zeros}\n`,
    `cpu0 ${zeros}\n`,
    'intr 0\nctxt 0\n',
    `btime ${Math.floor((now() - kernel.time()) / 1000)}\n`,
    `processes ${[...kernel.tasks()].length}\n`,
    'procs_running 1\nprocs_blocked 0\n',
    `softirq 0 ${zeros}\n`,
  ].join('');
}

/** fs/proc/version.c version_proc_show() */
function showVersion({ kernel }: TaskStruct): string {
  const { release, version } = kernel.profile;
  return byteString(`Linux version ${release} (procmem) (AssemblyScript) ${version}\n`);
}

/** What the files about the machine do, shorter names first as Linux lists them. */
export const rootFileOperations: Readonly<Record<string, FileOperations>> = {
  stat: procSingle((_caller, file) => showStat(file.inode.sb.vfs)),
  swaps: procSingle(() => 'Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n'),
  uptime: procSingle(showUptime),
  vmstat: procSingle(showVmstat),
  cpuinfo: procSingle(() => `${CPUINFO}\n\n`),
  loadavg: procSingle(showLoadavg),
  meminfo: procSingle(showMeminfo),
  version: procSingle(showVersion),
  filesystems: procSingle(() => FILESYSTEMS.map((name) => `nodev\t${name}\n`).join('')),
};

/**
 * Hangs what is about the machine into the root.
 * @see fs/proc/generic.c pde_subdir_insert()
 */
export function rootEntries(root: Dentry): void {
  netLink(root);
  sysctlDirectory(root);
  for (const [name, fops] of Object.entries(rootFileOperations)) {
    procCreateSingle(root, name, fops);
    if (name === 'swaps') mountsLink(root);
  }
}
