import type { Kernel } from '../kernel/kernel.js';
import { countRunning, FIXED_1, updateLoad } from '../kernel/loadavg.js';
import { updateCurr } from '../kernel/rusage.js';
import type { TaskStruct } from '../kernel/task.js';
import { byteString } from '../vfs/byte-string.js';
import type { Dentry } from '../vfs/dentry.js';
import type { Vfs } from '../vfs/vfs.js';
import { showCpuinfo } from './cpuinfo.js';
import { procCreateSingle, procSingle } from './generic.js';
import { showMeminfo } from './meminfo.js';
import { sysctlDirectory } from './proc-sysctl.js';
import { mountsLink, netLink } from './self.js';
import type { FileOperations } from '../vfs/file.js';
import { sysvipcDirectory } from './sysvipc.js';
import { ttyDirectory } from './tty.js';
import { showVmstat } from './vmstat.js';

/** File systems there are, without a device all of them. */
const FILESYSTEMS = ['sysfs', 'tmpfs', 'proc', 'devtmpfs', 'pipefs', 'devpts', 'hostfs'];

/** Seconds with two digits after the point. */
const seconds = (ms: number): string => (Math.floor(ms / 10) / 100).toFixed(2);

/** Milliseconds in which nothing ran. */
function idleTime(kernel: Kernel, now: number): number {
  updateCurr(kernel);
  const { cpuStat } = kernel;
  return Math.max(now - (cpuStat.user + cpuStat.nice + cpuStat.system) / 1e6, 0);
}

/** fs/proc/uptime.c uptime_proc_show() */
function showUptime({ kernel }: TaskStruct): string {
  const now = kernel.time();
  return `${seconds(now)} ${seconds(idleTime(kernel, now))}\n`;
}

/** fs/proc/loadavg.c loadavg_proc_show() */
function showLoadavg({ kernel }: TaskStruct): string {
  const loads = updateLoad(kernel).map((load) => loadText(load));
  const { running } = countRunning(kernel);
  return `${loads.join(' ')} ${running}/${[...kernel.tasks()].length} ${kernel.pids.last}\n`;
}

/** Two digits after the point, rounded (LOAD_INT(), LOAD_FRAC()). */
function loadText(load: number): string {
  return (Math.floor(((load + FIXED_1 / 200) * 100) / FIXED_1) / 100).toFixed(2);
}

/** Fields of a cpu line, in ticks of 10 ms: user, nice, system, idle, and six that are never charged. */
function cpuTicks(kernel: Kernel): string {
  const idle = idleTime(kernel, kernel.time()) * 1e6;
  const { user, nice, system } = kernel.cpuStat;
  const ns = [user, nice, system, idle];
  return [...ns.map((each) => Math.floor(each / 1e7)), 0, 0, 0, 0, 0, 0].join(' ');
}

/** fs/proc/stat.c show_stat(): no interrupt ever comes. */
function showStat({ kernel, now }: Vfs): string {
  const ticks = cpuTicks(kernel);
  const { running } = countRunning(kernel);
  return [
    `cpu  ${ticks}\n`,
    `cpu0 ${ticks}\n`,
    `intr 0\nctxt ${kernel.cpuStat.switches}\n`,
    `btime ${Math.floor((now() - kernel.time()) / 1000)}\n`,
    `processes ${kernel.cpuStat.forks}\n`,
    `procs_running ${running}\nprocs_blocked 0\n`,
    `softirq 0 ${Array<number>(10).fill(0).join(' ')}\n`,
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
  cpuinfo: procSingle(showCpuinfo),
  loadavg: procSingle(showLoadavg),
  meminfo: procSingle(showMeminfo),
  version: procSingle(showVersion),
  // There are no disks: not even the heading is shown (block/genhd.c).
  diskstats: procSingle(() => ''),
  partitions: procSingle(() => ''),
  filesystems: procSingle(() => FILESYSTEMS.map((name) => `nodev\t${name}\n`).join('')),
};

/**
 * Hangs what is about the machine into the root.
 * @see fs/proc/generic.c pde_subdir_insert()
 */
export function rootEntries(root: Dentry): void {
  netLink(root);
  sysctlDirectory(root);
  ttyDirectory(root);
  for (const [name, fops] of Object.entries(rootFileOperations)) {
    procCreateSingle(root, name, fops);
    if (name === 'swaps') mountsLink(root);
    if (name === 'meminfo') sysvipcDirectory(root);
  }
}
