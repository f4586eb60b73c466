// Calls that sleep, wake and time: made again by whoever runs the CPU. The C programs of test/guest compare
// them with a real kernel; here is what each answers on its own.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { errnoName } from '../../src/errno.js';
import { Machine } from '../../src/machine.js';
import { Guest } from './guest.js';

const test = suite('syscall/sleep');

let now = 5_000_000;
const machine = await Machine.create({ now: () => now });
const SLEEPS = -512;
const SIGUSR1 = 10;
const SIGALRM = 14;
const WAIT = 0;
const WAKE = 1;
const WAIT_BITSET = 9;

const guest = (): Guest => new Guest(machine, machine.spawn());
const name = (result: number | bigint): string | number =>
  Number(result) < 0 ? errnoName(-Number(result)) : Number(result);
const timespec = (seconds: number, nanoseconds: number): Uint8Array =>
  new Uint8Array(BigInt64Array.of(BigInt(seconds), BigInt(nanoseconds)).buffer);
const mask = (signal: number): Uint8Array =>
  new Uint8Array(BigUint64Array.of(1n << BigInt(signal - 1)).buffer);

test('nanosleep and clock_nanosleep are over when their time is', () => {
  const g = guest();
  const half = g.put(timespec(0, 500_000_000));
  assert.is(g.call('nanosleep', half), SLEEPS);
  now += 499;
  assert.is(g.call('nanosleep', half), SLEEPS);
  now += 1;
  assert.is(g.call('nanosleep', half), 0);
  assert.is(g.call('clock_nanosleep', 1, 0, half), SLEEPS);
  // Another call in between: the sleep begins anew.
  g.call('getpid');
  now += 400;
  assert.is(g.call('clock_nanosleep', 1, 0, half), SLEEPS);
  now += 500;
  assert.is(g.call('clock_nanosleep', 1, 0, half), 0);
  const past = g.put(timespec(1, 0));
  assert.is(g.call('clock_nanosleep', 0, 1, past), 0);
  assert.is(name(g.call('nanosleep', timespec(0, 1_000_000_000))), 'EINVAL');
  g.task.exit();
});

test('futex waits, is woken, or its time is over', () => {
  const g = guest();
  const other = new Guest(machine, machine.spawn());
  const word = g.buffer(8);
  assert.is(name(g.call('futex', word, WAIT, 1, 0)), 'EAGAIN');
  assert.is(g.call('futex', word, WAIT, 0, 0), SLEEPS);
  assert.is(g.call('futex', word, WAIT, 0, 0), SLEEPS);
  // Another address space has another word there.
  assert.is(other.call('futex', word, WAKE, 1), 0);
  const thread = g.task.thread();
  assert.is(thread.syscall('futex', word, WAKE, 1), 1);
  assert.is(thread.syscall('futex', word, WAKE, 1), 0);
  assert.is(g.call('futex', word, WAIT, 0, 0), 0);
  const soon = g.put(timespec(0, 1_000_000));
  assert.is(g.call('futex', word, WAIT, 0, soon), SLEEPS);
  now += 1;
  assert.is(name(g.call('futex', word, WAIT, 0, soon)), 'ETIMEDOUT');
  assert.is(name(g.call('futex', word, WAIT_BITSET, 0, 0, 0, 0)), 'EINVAL');
  assert.is(name(g.call('futex', word + 1, WAKE, 1)), 'EINVAL');
  assert.is(name(g.call('futex', 2n ** 60n, WAKE, 1)), 'EFAULT');
  assert.is(name(g.call('futex', word, 77, 1)), 'ENOSYS');
  assert.equal(machine.kernel.futexWaits, []);
  g.task.exit();
  other.task.exit();
});

test('set_robust_list takes one size, get_robust_list tells it', () => {
  const g = guest();
  const out = g.buffer(16);
  assert.is(name(g.call('set_robust_list', out, 16)), 'EINVAL');
  assert.is(g.call('set_robust_list', 0x1234, 24), 0);
  assert.is(g.call('get_robust_list', 0, out, out + 8), 0);
  assert.equal(g.u32s(out, 4), [0x1234, 0, 24, 0]);
  assert.is(name(g.call('get_robust_list', 99999, out, out + 8)), 'ESRCH');
  g.task.exit();
});

test('pause, rt_sigsuspend and rt_sigtimedwait wait for signals', () => {
  const g = guest();
  assert.is(g.call('pause'), SLEEPS);
  const set = g.put(mask(SIGUSR1));
  g.call('rt_sigprocmask', 0, set, 0, 8);
  assert.is(name(g.call('rt_sigsuspend', set, 4)), 'EINVAL');
  const others = g.put(mask(SIGALRM));
  assert.is(g.call('rt_sigsuspend', others, 8), SLEEPS);
  assert.is(g.task.struct.blocked, 1n << 13n);
  // The call is over with any other: the mask of before is back.
  g.call('getpid');
  assert.is(g.task.struct.blocked, 1n << 9n);
  assert.is(g.call('rt_sigtimedwait', set, 0, 0, 8), SLEEPS);
  g.call('kill', g.task.pid, SIGUSR1);
  const info = g.buffer(128);
  assert.is(g.call('rt_sigtimedwait', set, info, 0, 8), SIGUSR1);
  assert.is(g.task.load32(info), SIGUSR1);
  assert.is(name(g.call('rt_sigtimedwait', set, 0, timespec(0, 0), 8)), 'EAGAIN');
  assert.is(name(g.call('restart_syscall')), 'EINTR');
  g.task.exit();
});

test('setitimer, getitimer and alarm keep the time', () => {
  const g = guest();
  const value = g.put(new Uint8Array(BigInt64Array.of(0n, 0n, 2n, 500_000n).buffer));
  const old = g.buffer(32);
  assert.is(g.call('setitimer', 0, value, 0), 0);
  now += 1000;
  assert.is(g.call('getitimer', 0, old), 0);
  assert.equal(g.u32s(old, 8), [0, 0, 0, 0, 1, 0, 500_000, 0]);
  assert.is(g.call('alarm', 10), 2);
  assert.is(g.call('alarm', 0), 10);
  assert.is(g.call('alarm', 0), 0);
  assert.is(name(g.call('setitimer', 3, value, 0)), 'EINVAL');
  g.task.exit();
});

test('getrusage, and what scheduling there is', () => {
  const g = guest();
  const out = g.buffer(144);
  for (const who of [0, 1, -1]) assert.is(g.call('getrusage', who, out), 0);
  assert.is(name(g.call('getrusage', 7, out)), 'EINVAL');
  assert.is(g.call('sched_getaffinity', 0, 128, out), 8);
  assert.is(g.task.load32(out), 1);
  assert.is(name(g.call('sched_getaffinity', 0, 7, out)), 'EINVAL');
  assert.is(name(g.call('sched_setaffinity', 0, 8, mask(2))), 'EINVAL');
  assert.is(g.call('sched_setaffinity', 0, 8, mask(1)), 0);
  assert.is(g.call('sched_getscheduler', 0), 0);
  assert.is(g.call('sched_getparam', 0, out), 0);
  assert.is(g.call('sched_setparam', 0, g.buffer(4)), 0);
  assert.is(g.call('sched_setscheduler', 0, 0, g.buffer(4)), 0);
  assert.is(name(g.call('sched_setscheduler', 0, 1, g.buffer(4))), 'EINVAL');
  assert.is(g.call('sched_get_priority_max', 1), 99);
  assert.is(g.call('sched_get_priority_min', 1), 1);
  assert.is(g.call('sched_rr_get_interval', 0, out), 0);
  assert.is(g.call('getpriority', 0, 0), 20);
  assert.is(g.call('setpriority', 0, 0, 7), 0);
  assert.is(g.call('getpriority', 0, 0), 13);
  assert.is(g.call('membarrier', 0, 0, 0), 0x3ff);
  assert.is(name(g.call('membarrier', 8, 0, 0)), 'EPERM');
  assert.is(g.call('membarrier', 16, 0, 0), 0);
  assert.is(g.call('membarrier', 8, 0, 0), 0);
  assert.is(name(g.call('membarrier', 3, 0, 0)), 'EINVAL');
  g.task.exit();
});

test('execve and execveat refuse what they cannot start, and leave the caller as it was', () => {
  const g = guest();
  machine.addFile('/bin/text', new TextEncoder().encode('words\n'), 0o755);
  const path = new TextEncoder().encode('/bin/text\0');
  assert.is(name(g.call('execve', path, 0, 0)), 'ENOEXEC');
  assert.is(name(g.call('execve', '/bin/none', 0, 0)), 'ENOENT');
  assert.is(name(g.call('execve', path, 8, 0)), 'EFAULT');
  assert.is(name(g.call('execveat', -100, path, 0, 0, 0)), 'ENOEXEC');
  assert.is(name(g.call('execveat', -100, path, 0, 0, 0x8000)), 'EINVAL');
  assert.is(g.call('getpid'), g.task.pid);
  g.task.exit();
  machine.task(1)?.unlink('/bin/text');
});

test('every frame comes back', () => {
  assert.equal(machine.check(), []);
  assert.is(machine.stats().tasks, 1);
});

test.run();
