// Guests on a clock of their own, and on the host's: what they are charged, when timers go off, that runs are alike.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { accountTime, groupRusage, threadRusage } from '../../src/kernel/rusage.js';
import { Guest, type GuestOptions, Machine, VirtualClock } from '../../src/index.js';
import { makeElf } from '../cpu/static-program.js';

const test = suite('guest/clock');

const [A0, A1, A2, A7, SP] = [10, 11, 12, 17, 2];
const SYS = { setitimer: 103, exitGroup: 94, nanosleep: 101, getpid: 172, getrandom: 278 };
const START = Date.UTC(2026, 0, 1);
/** What a call is charged, ns. */
const CALL = 500;

const addi = (rd: number, rs: number, value: number): number =>
  ((value & 0xfff) << 20) | (rs << 15) | (rd << 7) | 0x13;
const li = (rd: number, value: number): number => addi(rd, 0, value);
const lui = (rd: number, value: number): number => (value << 12) | (rd << 7) | 0x37;
const sd = (rs: number, offset: number): number =>
  ((offset >> 5) << 25) | (rs << 20) | (SP << 15) | (3 << 12) | ((offset & 31) << 7) | 0x23;
const call = (nr: number): number[] => [li(A7, nr), 0x73];
const SPIN = 0x6f; // j .
const exit = [li(A0, 0), ...call(SYS.exitGroup)];
/** A timer of 4096 microseconds, once. */
const timer = (which: number): number[] => [
  ...[addi(SP, SP, -32), sd(0, 0), sd(0, 8), sd(0, 16), lui(5, 1), sd(5, 24)],
  ...[li(A0, which), addi(A1, SP, 0), li(A2, 0), ...call(SYS.setitimer)],
];
/** A sleep of an hour. */
const HOUR = [
  ...[addi(SP, SP, -16), sd(0, 8), lui(5, 1), addi(5, 5, -496), sd(5, 0)],
  ...[addi(A0, SP, 0), li(A1, 0), ...call(SYS.nanosleep)],
];

async function start(words: readonly number[], options: GuestOptions = {}) {
  const clock = new VirtualClock(START);
  const machine = await Machine.create({ now: clock.now, seed: 1 });
  machine.addFile('/bin/words', makeElf(new Uint8Array(Uint32Array.from(words).buffer)), 0o755);
  const guest = new Guest(machine, { clock, ...options });
  return { clock, machine, guest, task: guest.start('/bin/words', ['words']) };
}

test('a clock goes on as it is told, and refuses what is no time', () => {
  const clock = new VirtualClock(START);
  assert.is(clock.now(), START);
  clock.advance(1.5);
  clock.tick(500_000);
  assert.is(clock.now(), START + 2);
  for (const ms of [-1, Infinity, NaN]) assert.throws(() => clock.advance(ms), RangeError);
  assert.throws(() => new VirtualClock(0.5), RangeError);
});

test('an instruction is a nanosecond of user time, a call half a microsecond of system time', async () => {
  const { clock, guest, task, machine } = await start([
    ...[...call(SYS.getpid), ...call(SYS.getpid)],
    SPIN,
  ]);
  guest.run(10_000);
  const { utime, stime } = threadRusage(task.struct);
  assert.equal([utime, stime], [10_000, 2 * CALL]);
  assert.is(guest.charged, 11_000);
  assert.ok(Math.abs(clock.now() - START - 0.011) < 0.001);
  assert.is(machine.kernel.cpuStat.user, 10_000);
  guest.stop();
});

for (const [which, name, signal] of [
  [0, 'ITIMER_REAL', 14],
  [1, 'ITIMER_VIRTUAL', 26],
  [2, 'ITIMER_PROF', 27],
] as const) {
  test(`${name} interrupts a loop at its very instruction`, async () => {
    const { guest, task } = await start([...timer(which), SPIN]);
    const set = timer(which).length;
    const end = await guest.runToEnd(task);
    assert.is(end.signal, signal);
    // The setting call is over before; what it is charged comes after it, but user time does not count that.
    const charged = guest.instructions + (which === 1 ? 0 : CALL);
    assert.ok(Math.abs(charged - set - 4_096_000) <= 600, `${guest.instructions}`);
    const again = await start([...timer(which), SPIN]);
    await again.guest.runToEnd(again.task);
    assert.is(again.guest.instructions, guest.instructions);
  });
}

test('RLIMIT_CPU is SIGXCPU, each second again, and at the hard limit death', async () => {
  for (const blocked of [0n, 1n << 23n]) {
    const { guest, task } = await start([SPIN]);
    const { struct } = task;
    struct.group.rlimits.set(0, { cur: 1n, max: 3n });
    struct.blocked = blocked;
    accountTime(struct, 1e9 - 50_000, 0);
    guest.run(40_000);
    assert.not.ok(struct.exited);
    guest.run(100_000);
    if (blocked !== 0n) {
      assert.is(struct.group.rlimits.get(0).cur, 2n);
      accountTime(struct, 2e9, 0);
    }
    assert.is((await guest.runToEnd(task)).signal, blocked === 0n ? 24 : 9);
  }
});

test('while all sleep the clock goes to the next moment at once', async () => {
  const { clock, guest, task } = await start([...HOUR, ...exit]);
  const began = Date.now();
  await guest.runToEnd(task);
  assert.ok(Date.now() - began < 60_000);
  assert.ok(clock.now() - START >= 3_600_000 && clock.now() - START < 3_600_001);
});

test('on the host’s clock the time of a turn is its thread’s, and a sleep nobody’s', async () => {
  let now = 0;
  const { guest, task, machine } = await startOn(() => now, [...HOUR, ...exit], {
    // Each call takes a millisecond.
    onCall: () => (now += 1),
  });
  guest.run();
  now += 4_000_000;
  guest.run();
  assert.ok(task.struct.exited);
  const { utime, stime } = groupRusage(task.struct.group);
  assert.ok(utime + stime >= 1e6 && utime + stime <= 3e6, String(utime + stime));
  assert.ok(machine.kernel.cpuStat.user + machine.kernel.cpuStat.system <= 3e6);
});

async function startOn(now: () => number, words: readonly number[], options: GuestOptions) {
  const machine = await Machine.create({ now });
  machine.addFile('/bin/words', makeElf(new Uint8Array(Uint32Array.from(words).buffer)), 0o755);
  const guest = new Guest(machine, options);
  return { machine, guest, task: guest.start('/bin/words', ['words']) };
}

test('who sleeps has switched by itself, who computes beside another against its will', async () => {
  const { guest, task } = await start([...HOUR, ...exit]);
  guest.run();
  assert.equal([threadRusage(task.struct).nvcsw, threadRusage(task.struct).nivcsw], [1, 0]);
  guest.stop();
  const two = await start([SPIN], { slice: 100 });
  const other = two.guest.start('/bin/words', ['words']);
  two.guest.run(1000);
  const counts = [two.task, other].map(({ struct }) => threadRusage(struct).nivcsw);
  assert.equal(counts, [5, 4]);
  assert.is(two.machine.kernel.cpuStat.switches, 9);
  two.guest.stop();
});

test('times and clock go on where a snapshot was made', async () => {
  const { guest, task, machine } = await start([SPIN]);
  guest.run(5000);
  const clock = new VirtualClock(START + 1e6);
  const restored = await Machine.restore(machine.snapshot(), { now: clock.now });
  const thread = restored.task(task.pid)?.struct;
  assert.is(thread?.rusage?.utime, 5000);
  assert.is(restored.kernel.cpuStat.user, 5000);
  const [a, b] = [new Uint8Array(8), new Uint8Array(8)];
  machine.kernel.random.fill(a);
  restored.kernel.random.fill(b);
  assert.equal(a, b);
  guest.stop();
});

test.run();
