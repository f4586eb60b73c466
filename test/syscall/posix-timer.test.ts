// Timers of timer_create() on a clock that stands: what a C program of test/guest compares with a real kernel
// holds here to the nanosecond.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { errnoName } from '../../src/errno.js';
import { runTimers } from '../../src/kernel/itimer.js';
import { Machine } from '../../src/machine.js';
import { Guest } from './guest.js';

const SIGUSR1 = 10;
const SIGEV_SIGNAL = 0;
const SIGEV_NONE = 1;
const MONOTONIC = 1;
const EVERY = BigUint64Array.of(2n ** 64n - 1n);

/** A guest that holds all signals back, on a machine whose clock stands. */
async function setup(uid = 0) {
  let now = 1_000_000;
  const machine = await Machine.create({ now: () => now });
  const guest = new Guest(machine, machine.spawn({ uid }));
  const call = (name: string, ...args: Parameters<Guest['call']>[1][]): number | string => {
    const value = Number(guest.call(name, ...args));
    return value < 0 ? errnoName(-value) : value;
  };
  call('rt_sigprocmask', 2, new Uint8Array(EVERY.buffer), 0, 8);
  const spec = (interval: number, value: number): Uint8Array => {
    const words = [interval, value].flatMap((ms) => [Math.floor(ms / 1000), (ms % 1000) * 1e6]);
    return new Uint8Array(BigInt64Array.from(words.map(BigInt)).buffer);
  };
  const left = (id: number): number[] => {
    const at = guest.buffer(32);
    call('timer_gettime', id, at);
    return guest.u32s(at, 8).filter((_, i) => i % 2 === 0);
  };
  const take = (): number | string => call('rt_sigtimedwait', set(SIGUSR1), info, spec(0, 0), 8);
  const set = (signal: number): Uint8Array =>
    new Uint8Array(BigUint64Array.of(1n << BigInt(signal - 1)).buffer);
  const info = guest.buffer(128);
  return {
    ...{ machine, guest, call, spec, left, take, info },
    create(notify = SIGEV_SIGNAL, clock = MONOTONIC, value = 7n): number {
      const event = new DataView(new ArrayBuffer(64));
      event.setBigUint64(0, value, true);
      event.setInt32(8, SIGUSR1, true);
      event.setInt32(12, notify, true);
      const id = guest.buffer(8);
      assert.is(call('timer_create', clock, new Uint8Array(event.buffer), id), 0);
      return guest.u32s(id, 1)[0] as number;
    },
    pass(ms: number): void {
      now += ms;
      runTimers(guest.task.struct);
    },
    queued: (): string => /SigQ:\t(\d+)/.exec(guest.task.readText('/proc/self/status'))?.[1] ?? '',
  };
}

const test = suite('syscall/posix-timer');

test('a timer goes off once, and has nothing left then', async () => {
  const { call, create, guest, info, left, pass, spec, take } = await setup();
  const id = create();
  assert.is(call('timer_settime', id, 0, spec(0, 25), 0), 0);
  pass(24);
  assert.is(take(), 'EAGAIN');
  assert.equal(left(id), [0, 0, 0, 1e6]);
  pass(1);
  assert.equal(left(id), [0, 0, 0, 0]);
  assert.is(take(), SIGUSR1);
  // si_signo, si_errno, si_code SI_TIMER, and from 16 si_timerid, si_overrun, si_value.
  assert.equal(guest.u32s(info, 8), [SIGUSR1, 0, 0xfffffffe, 0, id, 0, 7, 0]);
  assert.is(take(), 'EAGAIN');
  guest.task.exit();
});

test('what it would have sent until its signal is taken are overruns', async () => {
  const { call, create, guest, info, left, pass, spec, take } = await setup();
  const id = create();
  call('timer_settime', id, 0, spec(40, 20), 0);
  pass(120); // 20, 60, 100
  assert.equal(left(id), [0, 40e6, 0, 20e6]);
  assert.is(take(), SIGUSR1);
  assert.is(guest.u32s(info, 6)[5], 2);
  assert.is(call('timer_getoverrun', id), 2);
  pass(19);
  assert.is(take(), 'EAGAIN');
  pass(1); // 140
  assert.is(take(), SIGUSR1);
  assert.is(guest.u32s(info, 6)[5], 0);
  assert.is(call('timer_getoverrun', id), 0);
  guest.task.exit();
});

test('set anew or deleted, its signal comes to nothing', async () => {
  const { call, create, guest, pass, spec, take } = await setup();
  const id = create();
  call('timer_settime', id, 0, spec(0, 1), 0);
  pass(1);
  call('timer_settime', id, 0, spec(0, 0), 0);
  assert.is(take(), 'EAGAIN');
  call('timer_settime', id, 1, spec(0, 1), 0); // TIMER_ABSTIME, long ago
  pass(0);
  assert.is(call('timer_delete', id), 0);
  assert.is(take(), 'EAGAIN');
  assert.is(call('timer_delete', id), 'EINVAL');
  guest.task.exit();
});

test('one that tells nobody shows what is left, and goes on by itself', async () => {
  const { call, create, guest, left, pass, spec, take } = await setup();
  const id = create(SIGEV_NONE);
  call('timer_settime', id, 0, spec(10, 5), 0);
  pass(12);
  assert.equal(left(id), [0, 10e6, 0, 3e6]);
  call('timer_settime', id, 0, spec(0, 5), 0);
  pass(6);
  assert.equal(left(id), [0, 0, 0, 0]);
  assert.is(take(), 'EAGAIN');
  guest.task.exit();
});

test('each counts as a waiting signal of its user, up to RLIMIT_SIGPENDING', async () => {
  const { call, create, guest, queued } = await setup(1000);
  call('prlimit64', 0, 11, new Uint8Array(BigUint64Array.of(2n, 2n).buffer), 0);
  const [a, b] = [create(), create()];
  assert.is(queued(), '2');
  assert.is(call('timer_create', MONOTONIC, 0, guest.buffer(8)), 'EAGAIN');
  call('timer_delete', a);
  assert.is(create(), b + 1);
  guest.task.exit();
});

test('PR_TIMER_CREATE_RESTORE_IDS: the number is the caller’s', async () => {
  const { call, guest } = await setup();
  call('prctl', 77, 1, 0, 0, 0);
  const id = guest.put(Uint8Array.of(42, 0, 0, 0, 0, 0, 0, 0));
  assert.is(call('timer_create', MONOTONIC, 0, id), 0);
  assert.is(call('timer_create', MONOTONIC, 0, id), 'EBUSY');
  call('prctl', 77, 0, 0, 0, 0);
  assert.is(call('timer_create', MONOTONIC, 0, id), 0);
  assert.is(guest.u32s(id, 1)[0], 43);
  guest.task.exit();
});

test('/proc/PID/timers has them, the last one first', async () => {
  const { call, create, guest } = await setup();
  create();
  call('timer_create', 2, 0, guest.buffer(8));
  const { pid } = guest.task;
  assert.is(
    guest.task.readText('/proc/self/timers'),
    `ID: 1\nsignal: 14/0000000000000001\nnotify: signal/pid.${pid}\nClockID: -6\n` +
      `ID: 0\nsignal: 10/0000000000000007\nnotify: signal/pid.${pid}\nClockID: 1\n`,
  );
  guest.task.exit();
});

test('a snapshot and a checkpoint keep timers, and signals that wait', async () => {
  const { call, create, guest, machine, pass, spec } = await setup();
  const id = create();
  call('timer_settime', id, 0, spec(40, 20), 0);
  const checkpoint = machine.checkpoint();
  pass(70);
  const copy = await Machine.restore(machine.snapshot(), { now: () => 1_000_130 });
  const twin = copy.task(guest.task.pid);
  assert.is(twin?.readText('/proc/self/timers'), guest.task.readText('/proc/self/timers'));
  assert.is(twin?.struct.group.sharedPending.size, 1);
  twin?.exit();
  checkpoint.restore();
  assert.is(guest.task.struct.group.sharedPending.size, 0);
  pass(0);
  checkpoint.dispose();
  guest.task.exit();
  assert.is(machine.kernel.signalCounts.size, 0);
});

test.run();
