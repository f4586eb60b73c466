// Guest: turns, budgets, sleeping, signals from outside, what its listeners hear. The programs are a few words of code.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { LinuxError } from '../../src/errno.js';
import { Console } from '../../src/guest/console.js';
import { Guest } from '../../src/guest/guest.js';
import type { GuestCall, GuestOptions } from '../../src/guest/guest-options.js';
import { Machine } from '../../src/machine.js';
import { makeElf } from '../cpu/static-program.js';

const test = suite('guest/guest');

let now = 1_000_000;
const machine = await Machine.create({ now: () => now });
const atRest = machine.stats().framesInUse;

const SYS_EXIT_GROUP = 94;
const SYS_NANOSLEEP = 101;
const SYS_GETPID = 172;
const SYS_CLONE = 220;
const SYS_WAIT4 = 260;
const SYS_PPOLL = 73;
const SYS_UNKNOWN = 600;
const SIGTERM = 15;
const SIGCHLD = 17;
const A0 = 10;
const A1 = 11;
const A7 = 17;
const ECALL = 0x73;

/** addi rd, rs, value */
const addi = (rd: number, rs: number, value: number): number =>
  ((value & 0xfff) << 20) | (rs << 15) | (rd << 7) | 0x13;
const li = (rd: number, value: number): number => addi(rd, 0, value);
/** sd rs, offset(sp) */
const sd = (rs: number, offset: number): number =>
  ((offset >> 5) << 25) | (rs << 20) | (2 << 15) | (3 << 12) | ((offset & 31) << 7) | 0x23;
/** bnez a0, offset */
const bnez = (offset: number): number =>
  (((offset >> 5) & 63) << 25) | (A0 << 15) | (1 << 12) | (((offset >> 1) & 15) << 8) | 0x63;
const SPIN = 0x6f; // j .
const call = (nr: number): number[] => [li(A7, nr), ECALL];
const exit = (code: number): number[] => [li(A0, code), ...call(SYS_EXIT_GROUP)];
/** A struct timespec of no seconds on the stack, its address in a0. */
const SLEEP = [
  addi(2, 2, -16),
  sd(0, 0),
  li(5, 2000),
  sd(5, 8),
  addi(A0, 2, 0),
  li(A1, 0),
  ...call(SYS_NANOSLEEP),
];

function program(...words: number[]): Uint8Array {
  return makeElf(new Uint8Array(Uint32Array.from(words).buffer));
}

function start(words: number[], options: GuestOptions = {}) {
  machine.addFile('/bin/words', program(...words), 0o755);
  const guest = new Guest(machine, options);
  return { guest, task: guest.start('/bin/words', ['words']) };
}

test('a program runs to its exit, and its status is told', async () => {
  const { guest, task } = start(exit(5));
  assert.equal(await guest.runToEnd(task), {
    pid: task.pid,
    status: 0x500,
    exitCode: 5,
    signal: null,
  });
  assert.is(guest.instructions, 3);
  assert.equal(guest.run(), { reason: 'exited' });
});

test('a run ends when its instructions are spent, to the last', () => {
  const { guest } = start([SPIN], { slice: 300 });
  assert.equal(guest.run(1000), { reason: 'budget' });
  assert.is(guest.instructions, 1000);
  guest.run(1);
  assert.is(guest.instructions, 1001);
  guest.stop();
});

test('who uses up the instructions of all is killed', async () => {
  const { guest, task } = start([SPIN], { instructions: 5000 });
  const { signal } = await guest.runToEnd(task);
  assert.is(signal, 9);
  assert.ok(guest.instructions <= 5000 + 100_000);
});

test('threads have turns of the same length', () => {
  // clone(SIGCHLD), and both go round and round.
  const { guest } = start([li(A0, SIGCHLD), li(A1, 0), ...call(SYS_CLONE), SPIN], { slice: 100 });
  guest.run(10_000);
  const counts = guest.tasks.map(({ cpu }) => Number(cpu.instret));
  assert.is(counts.length, 2);
  // The child has its parent's count from the moment it was made.
  assert.ok(Math.abs((counts[0] as number) - (counts[1] as number)) <= 100);
  guest.stop();
});

test('a sleep ends when the clock says so', () => {
  const { guest, task } = start([...SLEEP, ...exit(0)]);
  const asleep = guest.run();
  assert.is(asleep.reason, 'sleeping');
  const until = asleep.reason === 'sleeping' ? asleep.until : 0;
  assert.ok(Math.abs(until - machine.kernel.time() - 0.002) < 0.0011);
  assert.match(task.struct.kernel.init.comm, 'init');
  assert.equal(guest.run(), asleep);
  now += 1;
  assert.equal(guest.run(), { reason: 'exited' });
});

test('who sleeps for ever can be killed', async () => {
  const ppoll = [li(A0, 0), li(A1, 0), li(12, 0), li(13, 0), ...call(SYS_PPOLL)];
  const { guest, task } = start([...ppoll, ...exit(0)]);
  assert.equal(guest.run(), { reason: 'sleeping', until: Infinity });
  const ended = guest.runToEnd(task);
  setTimeout(() => guest.kill(task, SIGTERM), 5);
  assert.is((await ended).signal, SIGTERM);
});

test('a parent waits for its child', async () => {
  const parent = [li(A0, -1), li(A1, 0), li(12, 0), li(13, 0), ...call(SYS_WAIT4), ...exit(1)];
  const words = [
    ...[li(A0, SIGCHLD), li(A1, 0), ...call(SYS_CLONE)],
    bnez(4 * 4),
    ...exit(2),
    ...parent,
  ];
  const exits: number[] = [];
  const { guest, task } = start(words, { onExit: (_task, status) => exits.push(status >> 8) });
  assert.is((await guest.runToEnd(task)).exitCode, 1);
  assert.equal(guest.run(), { reason: 'exited' });
  assert.equal(exits, [2, 1]);
});

test('calls are told before and after, those that sleep once', async () => {
  const heard: string[] = [];
  const tell = (when: string) => (call: GuestCall) =>
    heard.push(`${when} ${call.name} ${call.result}`);
  const words = [...SLEEP, ...call(SYS_GETPID), ...call(SYS_UNKNOWN), ...exit(0)];
  const { guest, task } = start(words, {
    onEnter: tell('before'),
    onCall: tell('after'),
    onUnknownCall: (name) => heard.push(`unknown ${name}`),
  });
  guest.run();
  now += 1;
  await guest.runToEnd(task);
  assert.equal(heard, [
    ...['before nanosleep null', 'after nanosleep 0'],
    ...['before getpid null', `after getpid ${task.pid}`],
    ...['before syscall_600 null', 'after syscall_600 -38', 'unknown syscall_600'],
    ...['before exit_group null', 'after exit_group null'],
  ]);
});

test('a program that cannot start leaves no process', () => {
  const guest = new Guest(machine);
  const before = machine.stats().tasks;
  const error = (() => {
    try {
      guest.start('/bin/none', ['none']);
    } catch (thrown) {
      return thrown;
    }
    return null;
  })();
  assert.ok(error instanceof LinuxError);
  assert.is((error as LinuxError).code, 'ENOENT');
  assert.is(machine.stats().tasks, before);
  assert.throws(() => guest.start('/bin/none', 'none' as unknown as string[]), TypeError);
});

test('a task set up by hand can be taken in', async () => {
  const { guest, task } = start([...SLEEP, ...exit(6)]);
  guest.run();
  // Another guest takes over a task whose call sleeps: its registers alone say what is to be done.
  const second = new Guest(machine);
  second.adopt(task);
  assert.is(second.run().reason, 'sleeping');
  now += 1;
  assert.is((await second.runToEnd(task)).exitCode, 6);
});

const AFTER: readonly (readonly [title: string, ran: 'ended' | 'asleep'])[] = [
  ['has ended lives again', 'ended'],
  ['sleeps goes on from before its sleep', 'asleep'],
];
for (const [title, ran] of AFTER) {
  test(`after a restore, a program that ${title}`, async () => {
    const { guest, task } = start([...SLEEP, ...exit(7)]);
    guest.run(2);
    const checkpoint = machine.checkpoint();
    for (let i = 0; i < 2; i++) {
      assert.is(guest.run().reason, 'sleeping');
      now += 1000;
      if (ran === 'ended') assert.is(guest.run().reason, 'exited');
      checkpoint.restore();
      assert.equal(
        guest.tasks.map(({ pid }) => pid),
        [task.pid],
      );
    }
    assert.is(guest.run().reason, 'sleeping');
    now += 1000;
    assert.is((await guest.runToEnd(task)).exitCode, 7);
    checkpoint.dispose();
  });
}

test('nobody waits for a program that this guest does not run', async () => {
  const { guest, task } = start(exit(1));
  const other = new Guest(machine);
  const error = await other.runToEnd(task).catch((reason: unknown) => reason);
  assert.instance(error, TypeError);
  assert.is(
    (error as Error).message,
    `task: ${task.pid} is not run by this guest; adopt() takes it in`,
  );
  other.adopt(task);
  other.adopt(task);
  assert.is(other.tasks.length, 1);
  assert.is((await other.runToEnd(task)).exitCode, 1);
  guest.run();
});

test('a call that waits for input goes on in another machine, with another console', async () => {
  // read(0, sp, 1), write(1, sp, 1)
  const transfer = (nr: number, fd: number): number[] => [
    ...[li(A0, fd), addi(A1, 2, -16), li(12, 1), ...call(nr)],
  ];
  machine.addFile('/bin/words', program(...transfer(63, 0), ...transfer(64, 1), ...exit(0)), 0o755);
  const guest = new Guest(machine);
  const task = guest.start('/bin/words', ['words'], {
    stdin: new Console(),
    stdout: new Console(),
  });
  assert.is(guest.run().reason, 'sleeping');
  let written = '';
  const stdin = new Console();
  const stdout = new Console({ write: (bytes) => void (written += String.fromCharCode(...bytes)) });
  const other = await Machine.restore(machine.snapshot(), { consoles: { stdin, stdout } });
  const resumed = new Guest(other);
  resumed.connect(stdin);
  const same = other.task(task.pid) as typeof task;
  resumed.adopt(same);
  const end = resumed.runToEnd(same);
  stdin.push(Uint8Array.of(65));
  assert.is((await end).exitCode, 0);
  assert.is(written, 'A');
  guest.stop();
});

const bad = (value: unknown): never => value as never;
const MISUSE: readonly (readonly [title: string, run: (guest: Guest) => unknown, said: RegExp])[] =
  [
    ['no machine', () => new Guest(bad({})), /^machine: not a Machine/],
    ['slice 0', () => new Guest(machine, { slice: 0 }), /^slice: 0 is no integer from 1/],
    [
      'instructions',
      () => new Guest(machine, { instructions: bad('x') }),
      /^instructions: not a n/,
    ],
    ['a listener', () => new Guest(machine, { onExit: bad(1) }), /^onExit: not a function/],
    ['adopt({})', (guest) => guest.adopt(bad({})), /^task: not a Task/],
    ['adopt(init)', (guest) => guest.adopt(bad(machine.task(1))), /^task: 1 has no program/],
    ['kill(null)', (guest) => guest.kill(bad(null), 9), /^task: not a Task/],
    ['runToEnd({})', (guest) => guest.runToEnd(bad({})), /^task: not a Task/],
    [
      'stdin {}',
      (guest) => guest.start('/bin/words', ['words'], { stdin: bad({}) }),
      /^stdin\.install: not a function/,
    ],
    [
      'stderr 2',
      (guest) => guest.start('/bin/words', ['words'], { stderr: bad(2) }),
      /^stderr: not an object/,
    ],
  ];
for (const [title, run, said] of MISUSE) {
  test(`${title} is refused by name, and the guest goes on`, async () => {
    const { guest, task } = start(exit(3));
    const error = await (async () => run(guest))().catch((reason: unknown) => reason);
    assert.ok(error instanceof TypeError || error instanceof RangeError, String(error));
    assert.match((error as Error).message, said);
    assert.is((await guest.runToEnd(task)).exitCode, 3);
  });
}

test('every frame comes back', () => {
  machine.task(1)?.unlink('/bin/words');
  assert.equal(machine.check(), []);
  assert.ok(machine.stats().framesInUse <= atRest + 1);
  assert.is(machine.stats().tasks, 1);
});

test.run();
