import { EINVAL, EPERM } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { CAP_LAST_CAP, CAP_SYS_PTRACE, CAP_SYS_RAWIO, capable } from '../kernel/capability.js';
import type { Kernel } from '../kernel/kernel.js';
import { NR_OPEN, threadsMax } from '../kernel/rlimit.js';
import type { TaskStruct } from '../kernel/task.js';
import { decodeName } from '../mm/name-bytes.js';
import { bytesOf, byteString } from '../vfs/byte-string.js';
import { PTY_MAX } from '../vfs/devpts.js';
import { PIPE_MAX_SIZE } from '../vfs/pipe.js';
import { procGetLong } from './sysctl-value.js';

/** One file under /proc/sys (struct ctl_table). */
export interface CtlTable {
  /** Its path as sysctl(8) writes it: `vm.max_map_count`. */
  readonly name: string;
  /** Permission bits. */
  readonly mode: number;
  /** Read a character at a time like any text; numbers are there at position 0 only. */
  readonly isText: boolean;
  /** The value as it is shown, without its newline. */
  show(kernel: Kernel): string;
  /**
   * Takes what was written, a byte string.
   * @returns the bytes it took
   * @throws {LinuxError} EINVAL: not a value; EPERM: not the caller's to change
   */
  store?(caller: TaskStruct, written: string): number;
}

/** NGROUPS_MAX of include/uapi/linux/limits.h. */
const NGROUPS_MAX = 65536;
/** POOL_BITS of drivers/char/random.c. */
const POOL_BITS = '256';
/** __NEW_UTS_LEN of include/uapi/linux/utsname.h. */
const UTS_LEN = 64;

/** LONG_MAX, what files_stat.max_files begins with. */
const FILES_MAX = 9223372036854775807n;
/** The capability that a write of a setting needs beside the file's permission. */
const WRITE_CAPS: Readonly<Record<string, number>> = {
  'kernel.yama.ptrace_scope': CAP_SYS_PTRACE,
  'vm.mmap_min_addr': CAP_SYS_RAWIO,
};

/** Two ways to say one thing: a write of either makes the other 0 (mm/util.c). */
const REPLACES: Readonly<Record<string, string>> = {
  'vm.overcommit_kbytes': 'vm.overcommit_ratio',
  'vm.overcommit_ratio': 'vm.overcommit_kbytes',
};

/** What is fixed. */
function constant(name: string, show: (kernel: Kernel) => string, isText = true): CtlTable {
  return { name, mode: 0o444, isText, show };
}

const CONSTANTS: readonly CtlTable[] = [
  constant('fs.file-max', () => String(FILES_MAX), false),
  constant('fs.nr_open', () => String(NR_OPEN), false),
  constant('fs.pipe-max-size', () => String(PIPE_MAX_SIZE), false),
  constant('kernel.cap_last_cap', () => String(CAP_LAST_CAP), false),
  constant('kernel.core_pattern', () => 'core'),
  constant('kernel.domainname', (kernel) => kernel.domainname),
  constant('kernel.ngroups_max', () => String(NGROUPS_MAX), false),
  constant('kernel.osrelease', (kernel) => kernel.profile.release),
  constant('kernel.ostype', () => 'Linux'),
  constant('kernel.pty.max', () => String(PTY_MAX), false),
  constant('kernel.pty.reserve', () => '1024', false),
  constant('kernel.random.boot_id', (kernel) => (kernel.bootId ??= kernel.random.uuid())),
  constant('kernel.random.entropy_avail', () => POOL_BITS, false),
  constant('kernel.random.poolsize', () => POOL_BITS, false),
  constant('kernel.random.uuid', (kernel) => kernel.random.uuid()),
  constant(
    'kernel.seccomp.actions_avail',
    () => 'kill_process kill_thread trap errno user_notif trace log allow',
  ),
  constant('kernel.threads-max', (kernel) => String(threadsMax(kernel.profile.totalRam)), false),
  constant('kernel.version', (kernel) => kernel.profile.version),
  constant('net.core.rmem_default', () => '212992', false),
  constant('net.core.rmem_max', () => '212992', false),
  constant('net.core.wmem_default', () => '212992', false),
  constant('net.core.wmem_max', () => '212992', false),
  constant('net.ipv4.ip_local_port_range', () => '32768\t60999'),
  constant('net.ipv4.tcp_rmem', () => '4096\t131072\t6291456'),
  constant('net.ipv4.tcp_wmem', () => '4096\t16384\t4194304'),
];

/** kernel/utsname_sysctl.c proc_do_uts_string(): up to a NUL or the end of the line. */
const hostname: CtlTable = {
  name: 'kernel.hostname',
  mode: 0o644,
  isText: true,
  show: (kernel) => byteString(kernel.nodename),
  store(caller, written) {
    const [line = ''] = written.split(/[\0\n]/, 1);
    caller.kernel.nodename = decodeName(bytesOf(line.slice(0, UTS_LEN)));
    return written.length;
  },
};

/**
 * A setting that is a number.
 * @see kernel/sysctl.c proc_dointvec_minmax(), proc_doulongvec_minmax()
 */
function numberTable(name: string): CtlTable {
  return {
    name,
    mode: 0o644,
    isText: false,
    show: (kernel) => String(kernel.sysctl.get(name)),
    store(caller, written) {
      const { kernel } = caller;
      const cap = WRITE_CAPS[name];
      if (cap !== undefined && !capable(caller, kernel.initUserNs, cap)) fail(EPERM);
      const { value, consumed } = procGetLong(written);
      if (value > BigInt(Number.MAX_SAFE_INTEGER)) fail(EINVAL);
      kernel.sysctl.set(name, Number(value));
      const replaced = REPLACES[name];
      if (replaced !== undefined) kernel.sysctl.set(replaced, 0);
      return consumed;
    },
  };
}

/** The files under /proc/sys by rising path: the settings of a kernel and what never changes. */
export function ctlTables(kernel: Kernel): readonly CtlTable[] {
  const all = [...CONSTANTS, hostname, ...kernel.sysctl.names().map(numberTable)];
  return all.sort((a, b) => (a.name < b.name ? -1 : 1));
}
