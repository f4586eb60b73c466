import { EINVAL, ENOENT } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { Dumpable } from './mm-struct.js';

/** One setting under /proc/sys: its value and the values it accepts. */
export interface SysctlEntry {
  value: number;
  /** Lowest value accepted; a module may raise it as the value changes. */
  min: number;
  readonly max: number;
}

const INT_MAX = 0x7fffffff;
const INT_MIN = -0x80000000;

/** The settings of every kernel and their defaults in Linux 6.18. */
const DEFAULTS: Readonly<Record<string, SysctlEntry>> = {
  'fs.inotify.max_queued_events': { value: 16384, min: 0, max: INT_MAX },
  'fs.inotify.max_user_instances': { value: 128, min: 0, max: INT_MAX },
  'fs.inotify.max_user_watches': { value: 65536, min: 0, max: INT_MAX },
  'fs.suid_dumpable': { value: 0, min: 0, max: 2 },
  'kernel.pid_max': { value: 32768, min: 301, max: 4194304 },
  // No address is random here, as if the kernel were booted with norandmaps.
  'kernel.randomize_va_space': { value: 0, min: INT_MIN, max: INT_MAX },
  'net.core.somaxconn': { value: 4096, min: 0, max: INT_MAX },
  'net.ipv4.ip_unprivileged_port_start': { value: 1024, min: 0, max: 65535 },
  'net.ipv6.bindv6only': { value: 0, min: 0, max: 1 },
  'vm.overcommit_kbytes': { value: 0, min: 0, max: Number.MAX_SAFE_INTEGER },
  'vm.overcommit_memory': { value: 0, min: 0, max: 2 },
  'vm.overcommit_ratio': { value: 50, min: INT_MIN, max: INT_MAX },
  'vm.max_map_count': { value: 65530, min: 0, max: INT_MAX },
  'vm.unprivileged_userfaultfd': { value: 0, min: 0, max: 1 },
  'vm.mmap_min_addr': { value: 4096, min: 0, max: Number.MAX_SAFE_INTEGER },
};

/**
 * The settings of a kernel under /proc/sys, by their sysctl(8) names. Security modules add theirs.
 * @see kernel/sysctl.c, fs/coredump.c, mm/util.c
 */
export class Sysctl {
  private readonly entries = new Map<string, SysctlEntry>(
    Object.entries(DEFAULTS).map(([name, entry]) => [name, { ...entry }]),
  );

  /** Counts changes, for whoever keeps what it read of the settings that this class owns (vm.*). */
  version = 0;

  /**
   * Adds a setting; the entry stays the caller's, which may read its value and move its minimum.
   */
  register(name: string, entry: SysctlEntry): void {
    this.entries.set(name, entry);
  }

  /** Tells whether a setting exists. */
  has(name: string): boolean {
    return this.entries.has(name);
  }

  /** Lists the names of all settings. */
  names(): string[] {
    return [...this.entries.keys()];
  }

  /**
   * Reads a setting.
   * @throws {LinuxError} ENOENT: no such setting
   */
  get(name: string): number {
    return this.entry(name).value;
  }

  /**
   * Writes a setting; who may is the file's business.
   * @throws {LinuxError} ENOENT: no such setting
   * @throws {LinuxError} EINVAL: a value it does not accept (K-304)
   */
  set(name: string, value: number): void {
    const entry = this.entry(name);
    if (!Number.isInteger(value) || value < entry.min || value > entry.max) {
      fail(EINVAL, 'write', sysctlPath(name));
    }
    entry.value = value;
    this.version += 1;
  }

  /** fs.suid_dumpable: what commit_creds() and exec make of a privileged process's memory. */
  get suidDumpable(): Dumpable {
    return this.get('fs.suid_dumpable') as Dumpable;
  }

  private entry(name: string): SysctlEntry {
    return this.entries.get(name) ?? fail(ENOENT, 'open', sysctlPath(name));
  }
}

function sysctlPath(name: string): string {
  return `/proc/sys/${name.replaceAll('.', '/')}`;
}
