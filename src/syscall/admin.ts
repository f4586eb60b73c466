import { EFAULT, EINVAL, EOPNOTSUPP, EPERM } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import {
  CAP_SYS_ADMIN,
  CAP_SYS_BOOT,
  CAP_SYS_TTY_CONFIG,
  CAP_SYSLOG,
  capable,
} from '../kernel/capability.js';
import { sendToProcess } from '../kernel/kill.js';
import { makeSiginfo, SI_KERNEL } from '../kernel/siginfo.js';
import { SIGKILL } from '../kernel/signal.js';
import type { TaskStruct } from '../kernel/task.js';
import { decodeName } from '../mm/name-bytes.js';
import type { U64 } from '../vfs/u64.js';
import { int, readUser, type SyscallFamily, uint, writeUser } from './args.js';
import { clockTime } from '../kernel/clock.js';
import { readTimespec, wallTime } from './time.js';

/** __NEW_UTS_LEN of include/uapi/linux/utsname.h. */
const UTS_LEN = 64;

// include/uapi/linux/reboot.h
const REBOOT_MAGIC1 = 0xfee1dead;
const REBOOT_MAGIC2: readonly number[] = [672274793, 85072278, 369367448, 537993216];
const REBOOT_CAD: readonly number[] = [0x89abcdef, 0];
/** Restart, halt, power off, restart with a command. */
const REBOOT_ENDS: readonly number[] = [0x01234567, 0xcdef0123, 0x4321fedc, 0xa1b2c3d4];

/** SYSLOG_ACTION_* of include/linux/syslog.h. */
const SYSLOG_READ = 2;
const SYSLOG_READ_ALL = 3;
const SYSLOG_READ_CLEAR = 4;
const SYSLOG_LEVEL = 8;
const SYSLOG_SIZE_BUFFER = 10;
/** What the log can hold, bytes (CONFIG_LOG_BUF_SHIFT of 17). */
const LOG_BYTES = 131072;

/** Bytes of struct timex, and where its fields lie. */
const TIMEX_SIZE = 208;
const STA_UNSYNC = 0x40;
/** The clock is not synchronised to another. */
const TIME_ERROR = 5;

/**
 * What an administrator does to the machine: its name, its end. Its clock cannot be set, nor its log written.
 *
 * @see kernel/sys.c, kernel/reboot.c, kernel/printk/printk.c, kernel/time/
 */
export const adminCalls: SyscallFamily = {
  sethostname(task, name, length) {
    task.kernel.nodename = utsName(task, name, length);
    return 0;
  },
  setdomainname(task, name, length) {
    task.kernel.domainname = utsName(task, name, length);
    return 0;
  },
  vhangup: (task) => (require(task, CAP_SYS_TTY_CONFIG), 0),
  reboot(task, magic1, magic2, command) {
    require(task, CAP_SYS_BOOT);
    if (uint(magic1) !== REBOOT_MAGIC1 || !REBOOT_MAGIC2.includes(uint(magic2))) fail(EINVAL);
    if (REBOOT_CAD.includes(uint(command))) return 0;
    if (!REBOOT_ENDS.includes(uint(command))) fail(EINVAL);
    endAll(task);
    return 0;
  },
  syslog: (task, action, buf, size) => syslog(task, int(action), buf, int(size)),
  clock_settime(task, clock, time) {
    const ms = readTimespec(task, time);
    // The clocks of CPU time and since the boot have no setter.
    if (int(clock) !== 0) fail(EINVAL);
    if (ms < task.kernel.time()) fail(EINVAL);
    return fail(EPERM);
  },
  settimeofday(task, time) {
    if (time === 0) return 0;
    const view = readUser(task, time, 16);
    const microseconds = view.getBigInt64(8, true);
    if (microseconds < 0n || microseconds > 1_000_000n) fail(EINVAL);
    return fail(EPERM);
  },
  adjtimex: (task, buf) => adjtimex(task, buf),
  clock_adjtime(task, clock, buf) {
    clockTime(task, int(clock));
    return int(clock) === 0 ? adjtimex(task, buf) : fail(EOPNOTSUPP);
  },
};

function require(task: TaskStruct, capability: number): void {
  if (!capable(task, task.kernel.initUserNs, capability)) fail(EPERM);
}

/** @throws {LinuxError} EPERM: without CAP_SYS_ADMIN; EINVAL: a length that is none; EFAULT */
function utsName(task: TaskStruct, addr: U64, length: U64): string {
  require(task, CAP_SYS_ADMIN);
  if (int(length) < 0 || int(length) > UTS_LEN) fail(EINVAL);
  const { buffer, byteOffset } = readUser(task, addr, int(length));
  return decodeName(new Uint8Array(buffer, byteOffset, int(length)));
}

/** As the end of a container's first process: all others are killed (kernel/pid_namespace.c). */
function endAll({ kernel }: TaskStruct): void {
  for (const task of kernel.tasks()) {
    if (task === kernel.init || !task.isLeader) continue;
    sendToProcess(task, SIGKILL, makeSiginfo(SIGKILL, SI_KERNEL));
  }
}

/** Nothing is ever logged, and who waits for a line waits for good: that is refused. */
function syslog(task: TaskStruct, action: number, buf: U64, size: number): number {
  const reads = action >= SYSLOG_READ && action <= SYSLOG_READ_CLEAR;
  // kernel.dmesg_restrict is 0: reading all, and the size, are for everybody.
  if (action !== SYSLOG_READ_ALL && action !== SYSLOG_SIZE_BUFFER) require(task, CAP_SYSLOG);
  if (action < 0 || action > SYSLOG_SIZE_BUFFER) fail(EINVAL);
  if (reads && (buf === 0 || size < 0)) fail(EINVAL);
  if (action === SYSLOG_READ && size > 0) fail(EINVAL);
  if (action === SYSLOG_LEVEL && (size < 1 || size > 8)) fail(EINVAL);
  return action === SYSLOG_SIZE_BUFFER ? LOG_BYTES : 0;
}

/**
 * The state of a clock that nothing disciplines.
 *
 *     struct timex   0 modes   8 offset   16 freq   24 maxerror   32 esterror   40 status   48 constant
 *                   56 precision   64 tolerance   72 time   88 tick   …   208
 *
 * @throws {LinuxError} EPERM: something is to be changed; EFAULT
 * @see kernel/time/ntp.c __do_adjtimex()
 */
function adjtimex(task: TaskStruct, addr: U64): number {
  if (addr === 0) fail(EFAULT);
  const given = readUser(task, addr, TIMEX_SIZE);
  const modes = given.getUint32(0, true);
  // ADJ_OFFSET_SS_READ only asks.
  if (modes !== 0 && modes !== 0xa001) fail(EPERM);
  const view = new DataView(new ArrayBuffer(TIMEX_SIZE));
  view.setUint32(0, modes, true);
  const ms = wallTime(task);
  const seconds = Math.floor(ms / 1000);
  const fields: readonly (readonly [at: number, value: number])[] = [
    [24, 16_000_000],
    [32, 16_000_000],
    [40, STA_UNSYNC],
    [48, 2],
    [56, 1],
    [64, 32_768_000],
    [72, seconds],
    [80, Math.floor((ms - seconds * 1000) * 1000)],
    [88, 10_000],
  ];
  for (const [at, value] of fields) view.setBigInt64(at, BigInt(value), true);
  writeUser(task, addr, view);
  return TIME_ERROR;
}
