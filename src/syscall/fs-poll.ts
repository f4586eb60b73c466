import { EBADF, EINVAL, ERESTARTSYS } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { RLIMIT_NOFILE } from '../kernel/rlimit.js';
import { timedOut } from '../kernel/sleep.js';
import type { TaskStruct } from '../kernel/task.js';
import { filesOf } from '../vfs/fdtable.js';
import {
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLOUT,
  POLLPRI,
  POLLRDNORM,
  POLLWRNORM,
} from '../vfs/flags.js';
import { doPollfd, pollFile } from '../vfs/ioctl.js';
import { toU64, type U64 } from '../vfs/u64.js';
import { int, readUser, type SyscallFamily, uint, writeUser } from './args.js';
import { setUserSigmask } from './signal-mask.js';

/** struct pollfd: fd, events, revents. */
const POLLFD_SIZE = 8;

/** What makes a descriptor ready in each set of select (fs/select.c POLLIN_SET and the like). */
const SELECT_SETS = [
  POLLRDNORM | POLLIN | POLLHUP | POLLERR,
  POLLWRNORM | POLLOUT | POLLERR,
  POLLPRI,
] as const;

/**
 * Waiting for files.
 *
 * @see fs/select.c
 */
export const pollCalls: SyscallFamily = {
  poll: (task, fds, count, timeout) =>
    poll(task, fds, uint(count), int(timeout) < 0 ? Infinity : int(timeout)),
  ppoll(task, fds, count, timeout, mask, size) {
    const ms = readTimeout(task, timeout);
    setUserSigmask(task, mask, size);
    return withRemaining(task, timeout, 'timespec', poll(task, fds, uint(count), ms));
  },
  select(task, count, inp, outp, exp, timeout) {
    const ms = readTimeout(task, timeout, 'timeval');
    const result = select(task, int(count), [inp, outp, exp], ms);
    return withRemaining(task, timeout, 'timeval', result);
  },
  pselect6(task, count, inp, outp, exp, timeout, sig) {
    const ms = readTimeout(task, timeout);
    if (sig !== 0) {
      const view = readUser(task, sig, 16);
      const [set, size] = [view.getBigUint64(0, true), view.getBigUint64(8, true)];
      setUserSigmask(task, toU64(set), toU64(size));
    }
    return withRemaining(task, timeout, 'timespec', select(task, int(count), [inp, outp, exp], ms));
  },
};

/** The two ways of writing a time: seconds, and nanoseconds or microseconds. */
type TimeKind = 'timespec' | 'timeval';
const UNITS: Readonly<Record<TimeKind, number>> = { timespec: 1e9, timeval: 1e6 };

/**
 * A timeout in milliseconds; Infinity where the pointer is null.
 * @throws {LinuxError} EINVAL: no such time; EFAULT
 */
export function readTimeout(task: TaskStruct, addr: U64, kind: TimeKind = 'timespec'): number {
  if (addr === 0) return Infinity;
  const view = readUser(task, addr, 16);
  const seconds = Number(view.getBigInt64(0, true));
  const parts = Number(view.getBigInt64(8, true));
  // select() takes microseconds beyond a second, as it always did.
  if (seconds < 0 || parts < 0 || (kind === 'timespec' && parts >= UNITS.timespec)) fail(EINVAL);
  return seconds * 1000 + (parts * 1000) / UNITS[kind];
}

/** Stores how much of the timeout is left when the wait is over (poll_select_finish()). */
function withRemaining(task: TaskStruct, addr: U64, kind: TimeKind, result: number): number {
  if (addr === 0 || result === -ERESTARTSYS) return result;
  const until = task.sleep?.until ?? task.kernel.time() + readTimeout(task, addr, kind);
  const left = Math.max(until - task.kernel.time(), 0);
  const view = new DataView(new ArrayBuffer(16));
  view.setBigInt64(0, BigInt(Math.floor(left / 1000)), true);
  view.setBigInt64(8, BigInt(Math.floor(((left % 1000) * UNITS[kind]) / 1000)), true);
  writeUser(task, addr, view);
  return result;
}

/** @param ms how long it may take; Infinity: until something happens */
function poll(task: TaskStruct, addr: U64, count: number, ms: number): number {
  if (count > task.group.rlimits.soft(RLIMIT_NOFILE)) fail(EINVAL);
  const fds = readUser(task, addr, count * POLLFD_SIZE);
  let ready = 0;
  for (let at = 0; at < fds.byteLength; at += POLLFD_SIZE) {
    const fd = fds.getInt32(at, true);
    const revents = fd < 0 ? 0 : doPollfd(task, fd, fds.getInt16(at + 4, true));
    fds.setInt16(at + 6, revents, true);
    if (revents !== 0) ready += 1;
  }
  if (ready === 0 && !timedOut(task, 'poll', ms)) return -ERESTARTSYS;
  if (count > 0) writeUser(task, addr, fds);
  return ready;
}

const hasBit = (set: Uint8Array, fd: number): boolean =>
  ((set[fd >>> 3] as number) & (1 << (fd & 7))) !== 0;

/** @param ms how long it may take; Infinity: until something happens */
function select(task: TaskStruct, count: number, addrs: readonly U64[], ms: number): number {
  if (count < 0) fail(EINVAL);
  const files = filesOf(task);
  const wanted = Math.min(count, files.size);
  // Sets are whole longs.
  const bytes = Math.ceil(wanted / 64) * 8;
  const sets = addrs.map((addr) => {
    if (addr === 0) return null;
    const view = readUser(task, addr, bytes);
    return new Uint8Array(view.buffer, view.byteOffset, bytes);
  });
  const results = sets.map(() => new Uint8Array(bytes));
  let ready = 0;
  for (let fd = 0; fd < wanted; fd++) {
    if (!sets.some((set) => set !== null && hasBit(set, fd))) continue;
    const file = files.getRaw(fd) ?? fail(EBADF);
    const mask = pollFile(file);
    for (const [i, set] of sets.entries()) {
      if (set === null || !hasBit(set, fd) || (mask & (SELECT_SETS[i] as number)) === 0) continue;
      (results[i] as Uint8Array)[fd >>> 3]! |= 1 << (fd & 7);
      ready += 1;
    }
  }
  if (ready === 0 && !timedOut(task, 'select', ms)) return -ERESTARTSYS;
  for (const [i, addr] of addrs.entries()) {
    if (addr !== 0 && bytes > 0) writeUser(task, addr, results[i] as Uint8Array);
  }
  return ready;
}
