import { EFAULT, EINVAL, ERESTARTSYS } from '../../assembly/abi/errno.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import { encodeName } from '../mm/name-bytes.js';
import { MAX_RW_COUNT } from '../vfs/flags.js';
import { fsOf } from '../vfs/fs-struct.js';
import type { U64 } from '../vfs/u64.js';
import {
  int,
  readUser,
  type SyscallFamily,
  uint,
  userBuffer,
  writeU32s,
  writeU64,
  writeUser,
} from './args.js';

// include/uapi/linux/time.h
const CLOCK_REALTIME = 0;
const CLOCK_TAI = 11;
/** Clocks that show the time of day; every other one counts from the boot. */
const WALL_CLOCKS = [CLOCK_REALTIME, 5, 8, CLOCK_TAI];

// include/uapi/linux/random.h
const GRND_NONBLOCK = 1;
const GRND_RANDOM = 2;
const GRND_INSECURE = 4;
/** Bytes crypto.getRandomValues() gives at a time. */
const RANDOM_CHUNK = 65536;

/** Bytes of one field of struct new_utsname. */
const UTS_LEN = 65;
/** Clock ticks of times(2) in a second. */
const USER_HZ = 100;

/**
 * The machine and its clocks, for programs of one architecture.
 *
 * @param machine `uname -m`
 * @see kernel/sys.c, kernel/time/, drivers/char/random.c
 */
export function systemFamily(machine: string): SyscallFamily {
  return {
    uname(task, buf) {
      const { nodename, profile } = task.kernel;
      const { release, version } = profile;
      const fields = ['Linux', nodename, release, version, machine, '(none)'];
      const bytes = new Uint8Array(UTS_LEN * fields.length);
      fields.forEach((field, i) => {
        bytes.set(encodeName(field).subarray(0, UTS_LEN - 1), i * UTS_LEN);
      });
      writeUser(task, buf, bytes);
      return 0;
    },
    sysinfo,
    getcpu(task, cpu, node) {
      if (cpu !== 0) writeU32s(task, cpu, 0);
      if (node !== 0) writeU32s(task, node, 0);
      return 0;
    },
    sched_yield: () => 0,
    getrandom,
    clock_gettime(task, clock, buf) {
      writeTimespec(task, buf, clockTime(task, int(clock)));
      return 0;
    },
    clock_getres(task, clock, buf) {
      clockTime(task, int(clock));
      if (buf !== 0) writeTimespec(task, buf, 1e-6);
      return 0;
    },
    gettimeofday(task, tv, zone) {
      const ms = wallTime(task);
      if (tv !== 0) {
        const view = new DataView(new ArrayBuffer(16));
        view.setBigInt64(0, BigInt(Math.floor(ms / 1000)), true);
        view.setBigInt64(8, BigInt(Math.floor((ms % 1000) * 1000)), true);
        writeUser(task, tv, view);
      }
      if (zone !== 0) writeU32s(task, zone, 0, 0);
      return 0;
    },
    time(task, buf) {
      const seconds = Math.floor(wallTime(task) / 1000);
      if (buf !== 0) writeU64(task, buf, seconds);
      return seconds;
    },
    times(task, buf) {
      // No CPU time is charged to tasks: there is no CPU here that runs them.
      if (buf !== 0) writeUser(task, buf, new Uint8Array(32));
      return Math.floor((task.kernel.time() * USER_HZ) / 1000);
    },
    nanosleep: (task, request) => sleep(task, request),
    clock_nanosleep(task, clock, _flags, request) {
      clockTime(task, int(clock));
      return sleep(task, request);
    },
  };
}

/** Milliseconds since 1970. */
function wallTime(task: TaskStruct): number {
  return fsOf(task).vfs.now();
}

/** What a clock shows, ms. @throws {LinuxError} EINVAL: no such clock */
function clockTime(task: TaskStruct, clock: number): number {
  if (clock < 0 || clock > CLOCK_TAI || clock === 10) fail(EINVAL);
  return WALL_CLOCKS.includes(clock) ? wallTime(task) : task.kernel.time();
}

function writeTimespec(task: TaskStruct, addr: U64, ms: number): void {
  const seconds = Math.floor(ms / 1000);
  const view = new DataView(new ArrayBuffer(16));
  view.setBigInt64(0, BigInt(seconds), true);
  view.setBigInt64(8, BigInt(Math.floor((ms - seconds * 1000) * 1e6)), true);
  writeUser(task, addr, view);
}

/** A sleep of no length is over; any other would block. */
function sleep(task: TaskStruct, request: U64): number {
  const view = readUser(task, request, 16);
  const seconds = view.getBigInt64(0, true);
  const nanoseconds = view.getBigInt64(8, true);
  if (seconds < 0n || nanoseconds < 0n || nanoseconds > 999_999_999n) fail(EINVAL);
  return seconds === 0n && nanoseconds === 0n ? 0 : -ERESTARTSYS;
}

function getrandom(task: TaskStruct, buf: U64, count: U64, flags: U64): U64 {
  const bits = uint(flags);
  if ((bits & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE)) !== 0) fail(EINVAL);
  if ((bits & GRND_RANDOM) !== 0 && (bits & GRND_INSECURE) !== 0) fail(EINVAL);
  const length = Math.min(Number(count), MAX_RW_COUNT);
  const to = userBuffer(task, buf, length);
  const chunk = new Uint8Array(Math.min(length, RANDOM_CHUNK));
  let done = 0;
  while (done < length) {
    const bytes = chunk.subarray(0, length - done);
    globalThis.crypto.getRandomValues(bytes);
    const stored = to.copyTo(done, bytes);
    done += stored;
    if (stored < bytes.length) break;
  }
  if (done === 0 && length > 0) fail(EFAULT);
  return done;
}

/** struct sysinfo: include/uapi/linux/sysinfo.h. */
function sysinfo(task: TaskStruct, buf: U64): number {
  const { kernel } = task;
  const { totalRam } = kernel.profile;
  const view = new DataView(new ArrayBuffer(112));
  view.setBigInt64(0, BigInt(Math.floor(kernel.time() / 1000)), true);
  view.setBigUint64(32, BigInt(totalRam), true);
  view.setBigUint64(40, BigInt(totalRam - kernel.core.framesInUse * PAGE_SIZE), true);
  view.setUint16(80, [...kernel.tasks()].length, true);
  view.setUint32(104, 1, true); // mem_unit: bytes
  writeUser(task, buf, view);
  return 0;
}
