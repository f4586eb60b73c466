import { EFAULT, EINVAL } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { getItimer, type ItimerWhich, setItimer } from '../kernel/itimer.js';
import type { TaskStruct } from '../kernel/task.js';
import type { U64 } from '../vfs/u64.js';
import { int, readUser, type SyscallFamily, uint, writeUser } from './args.js';

/**
 * Timers of processes that send a signal.
 *
 * @see kernel/time/itimer.c
 */
export const itimerCalls: SyscallFamily = {
  getitimer(task, which, value) {
    writeItimer(task, value, timerNumber(int(which)));
    return 0;
  },
  setitimer(task, which, value, old) {
    // Without a value the timer is taken away, for now.
    const [interval, ms] = value === 0 ? [0, 0] : readItimer(task, value);
    const timer = timerNumber(int(which));
    const before = getItimer(task.group, timer);
    setItimer(task.group, timer, ms, interval);
    if (old !== 0) writeUser(task, old, encode(before.interval, before.left));
    return 0;
  },
  alarm(task, seconds) {
    const { left } = getItimer(task.group, 0);
    setItimer(task.group, 0, uint(seconds) * 1000, 0);
    // Rounded, but never to nothing.
    return left === 0 ? 0 : Math.max(Math.round(left / 1000), 1);
  },
};

function timerNumber(which: number): ItimerWhich {
  return which === 0 || which === 1 || which === 2 ? which : fail(EINVAL);
}

/**
 *     struct itimerval   0 it_interval   16 it_value
 *
 * @throws {LinuxError} EINVAL: no such time; EFAULT
 */
function readItimer(task: TaskStruct, addr: U64): [interval: number, value: number] {
  const view = readUser(task, addr, 32);
  const ms = (at: number): number => {
    const [seconds, microseconds] = [view.getBigInt64(at, true), view.getBigInt64(at + 8, true)];
    if (seconds < 0n || microseconds < 0n || microseconds > 999_999n) fail(EINVAL);
    return Number(seconds) * 1000 + Number(microseconds) / 1000;
  };
  return [ms(0), ms(16)];
}

function writeItimer(task: TaskStruct, addr: U64, which: ItimerWhich): void {
  if (addr === 0) fail(EFAULT);
  const { left, interval } = getItimer(task.group, which);
  writeUser(task, addr, encode(interval, left));
}

function encode(interval: number, left: number): Uint8Array {
  const words = [interval, left].flatMap((ms) => {
    const seconds = Math.floor(ms / 1000);
    return [BigInt(seconds), BigInt(Math.round((ms - seconds * 1000) * 1000))];
  });
  return new Uint8Array(BigInt64Array.from(words).buffer);
}
