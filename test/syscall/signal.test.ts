import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { takeCaught } from '../../src/kernel/deliver.js';
import type { Task } from '../../src/api/task.js';
import { assertLines, expectedLines, runProgram, whyNoProgram } from '../linux/programs.js';
import { Guest } from './guest.js';

const PROGRAM = 'signals';
const SIG_BLOCK = 0;
const SIG_UNBLOCK = 1;
const SIG_SETMASK = 2;
const SIGKILL = 9;
const SIGUSR1 = 10;
const SIGUSR2 = 12;
const SIGTERM = 15;
const SIGCHLD = 17;
const SIGCONT = 18;
const SIGSTOP = 19;
const SIGTSTP = 20;
const SIGTTIN = 21;
const SIGWINCH = 28;
const EPERM = -1;
const ESRCH = -3;
const EAGAIN = -11;
const EINVAL = -22;
const ALL = 2n ** 64n - 1n;

const test = suite('syscall/signal');

const words = (...values: (number | bigint)[]): Uint8Array =>
  new Uint8Array(BigUint64Array.from(values.map(BigInt)).buffer);

/** The machine's side of test/linux/programs/signals.c: the same calls, and lines of the same form. */
class Script {
  readonly lines: string[] = [];
  readonly guest: Guest;

  constructor(guest: Guest) {
    this.guest = guest;
  }

  say(line: string): void {
    this.lines.push(line);
  }

  call(name: string, ...args: Parameters<Guest['call']>[1][]): number {
    return Number(this.guest.call(name, ...args));
  }

  act(signal: number, handler: number, flags: number | bigint = 0, mask: bigint = 0n): number {
    return this.call('rt_sigaction', signal, words(handler, flags, 0, mask), 0, 8);
  }

  mask(how: number, set: bigint): number {
    return this.call('rt_sigprocmask', how, words(set), 0, 8);
  }

  u64(addr: number): bigint {
    return this.guest.task.load64(addr);
  }

  show(task: Task, label: string): void {
    const status = task.readText('/proc/self/status').split('\n');
    const shown = status.filter((line) => /^(Sig|Shd)(Pnd|Blk|Ign|Cgt)/.test(line));
    const parts = shown.map((line) => line.replace(/:\t0*(?=.)/, ' '));
    this.say(`${label}: ${parts.join(' ')}`);
  }

  self(label: string): void {
    this.show(this.guest.task, label);
  }

  child(code: number | null): Task {
    const child = this.guest.task.fork();
    if (code !== null) child.syscall('exit_group', code);
    return child;
  }

  kill(pid: number, signal: number): void {
    assert.is(this.call('kill', pid, signal), 0);
  }

  wait(pid: number, options = 0): number {
    return this.call('wait4', pid, 0, options, 0);
  }

  reset(): void {
    for (let signal = 1; signal <= 64; signal++) {
      this.act(signal, 1);
      this.act(signal, 0);
    }
    this.mask(SIG_SETMASK, 0n);
  }

  actions(): void {
    const rows = [
      ...[
        [0, 1, 8],
        [65, 1, 8],
        [9, 1, 8],
        [19, 1, 8],
      ],
      ...[
        [9, 0, 8],
        [10, 1, 4],
        [10, 1, 8],
        [64, 0, 8],
      ],
    ] as [number, number, number][];
    for (const [signal, given, size] of rows) {
      const action = given === 0 ? 0 : words(0, 0, 0, 0);
      const answer = this.call('rt_sigaction', signal, action, 0, size);
      this.say(`action ${signal} ${given} ${size}: ${answer}`);
    }
    this.say(`bad address: ${this.call('rt_sigaction', 10, 8, 0, 8)}`);
    this.act(10, 0x4000, ALL, ALL);
    const old = this.guest.buffer(32);
    this.call('rt_sigaction', 10, 0, old, 8);
    const kept = [0, 8, 24].map((at) => this.u64(old + at).toString(16));
    this.say(`kept: ${kept.join(' ')}`);
    this.act(12, 1);
    this.self('caught and ignored');
    const child = this.child(null);
    this.show(child, 'inherited');
    this.kill(child.pid, SIGKILL);
    this.wait(child.pid);
    this.reset();
  }

  masks(): void {
    this.say(`how 3: ${this.mask(3, 0n)}`);
    this.say(`size 4: ${this.call('rt_sigprocmask', 0, words(0), 0, 4)}`);
    this.mask(SIG_SETMASK, ALL);
    this.self('all');
    this.mask(SIG_UNBLOCK, 0xff00n);
    this.mask(SIG_BLOCK, 0x1000n);
    const set = this.guest.buffer(8);
    this.call('rt_sigprocmask', 0, 0, set, 8);
    this.say(`mask: ${this.u64(set).toString(16)}`);
    this.mask(SIG_SETMASK, 0n);
  }

  waiting(): void {
    const { pid } = this.guest.task;
    const info = new Uint8Array(128);
    new DataView(info.buffer).setInt32(8, -1, true);
    this.mask(SIG_SETMASK, ALL);
    this.kill(pid, SIGUSR1);
    this.kill(pid, SIGUSR1);
    this.call('tgkill', pid, pid, SIGUSR2);
    this.say(`queue: ${this.call('rt_sigqueueinfo', pid, 40, info)}`);
    this.kill(pid, SIGWINCH);
    this.self('waiting');
    const set = this.guest.buffer(8);
    const answer = this.call('rt_sigpending', set, 8);
    const pending = this.u64(set).toString(16);
    this.say(`pending: ${answer} ${pending}, 9: ${this.call('rt_sigpending', set, 9)}`);
    const child = this.child(null);
    this.show(child, 'child');
    const forged = this.call('rt_sigqueueinfo', child.pid, SIGUSR1, new Uint8Array(128));
    this.say(`forged: ${forged}`);
    this.kill(child.pid, SIGKILL);
    this.wait(child.pid);
    this.act(SIGUSR1, 1);
    this.act(SIGWINCH, 0);
    this.act(SIGUSR2, 0);
    this.self('ignored no longer wait');
    this.reset();
    this.mask(SIG_SETMASK, ALL);
    this.kill(pid, SIGTSTP);
    this.self('stop');
    this.kill(pid, SIGCONT);
    this.self('continue');
    this.kill(pid, SIGTTIN);
    this.self('stop again');
    this.reset();
  }

  children(): void {
    this.mask(SIG_SETMASK, 1n << BigInt(SIGCHLD - 1));
    const ended = this.child(3);
    this.self('child ended');
    this.wait(ended.pid);
    this.act(SIGCHLD, 1);
    this.say(`ignored: ${this.wait(this.child(3).pid)}`);
    this.append();
    this.act(SIGCHLD, 0, 2);
    this.say(`no zombies: ${this.wait(this.child(3).pid)}`);
    this.append();
    for (const flags of [0, 1]) this.stops(flags);
    this.reset();
    this.mask(SIG_SETMASK, ALL);
    const clone = this.guest.task.syscall('clone', SIGUSR2, 0, 0, 0, 0);
    const child = this.guest.machine.task(Number(clone));
    child?.syscall('exit_group', 0);
    this.self('exit signal');
    this.wait(Number(clone), 0x40000000);
    this.reset();
    this.unblocks();
  }

  /** What show() said becomes the end of the line before. */
  append(): void {
    const before = this.lines.pop() ?? '';
    this.self('');
    this.say(before + (this.lines.pop() ?? ''));
  }

  stops(flags: number): void {
    const forget = (): void => {
      this.act(SIGCHLD, 1);
      this.act(SIGCHLD, 0, flags);
    };
    forget();
    const { pid } = this.child(null);
    this.kill(pid, SIGSTOP);
    this.wait(pid, 2);
    this.self('stopped');
    forget();
    this.kill(pid, SIGCONT);
    this.wait(pid, 8);
    this.self('continued');
    this.kill(pid, SIGKILL);
    this.wait(pid);
  }

  unblocks(): void {
    const child = this.child(null);
    const set = child.mmap({ length: 4096 });
    child.store(set, words(1n << BigInt(SIGTERM - 1), 0));
    child.syscall('rt_sigprocmask', SIG_SETMASK, set, 0, 8);
    child.kill(child.pid, SIGTERM);
    child.syscall('rt_sigprocmask', SIG_SETMASK, Number(set) + 8, 0, 8);
    this.say(`unblocked: ${this.guest.task.wait(child.pid)?.status}`);
  }

  stacks(): void {
    const rows = [
      ...[
        [0x10000, 0, 2047],
        [0x10000, 4, 8192],
        [0x10000, 3, 8192],
        [0x10000, 1, 8192],
      ],
      ...[
        [0x20000, 0x80000000, 8192],
        [0x30000, 2, 5],
        [0x10000, 0, 2048],
      ],
    ] as [number, number, number][];
    const old = this.guest.buffer(24);
    for (const row of rows) {
      const answer = this.call('sigaltstack', words(...row), 0);
      this.call('sigaltstack', 0, old);
      const [sp, flags, size] = [0, 8, 16].map((at) => this.u64(old + at));
      this.say(`stack: ${answer} ${sp?.toString(16)} ${flags?.toString(16)} ${size}`);
    }
  }

  exec(): void {
    const { task, machine } = this.guest;
    this.act(1, 1);
    this.act(SIGUSR1, 0x4000);
    this.mask(SIG_SETMASK, 0xff000n);
    this.kill(task.pid, SIGTERM);
    machine.addFile('/bin/again', new Uint8Array(4096), 0o755);
    task.exec('/bin/again');
    this.self('after exec');
    const old = task.mmap({ length: 4096 });
    task.syscall('sigaltstack', 0, old);
    this.say(`stack after exec: ${task.load32(Number(old) + 8).toString(16)}`);
  }
}

test('actions, masks, waiting signals, notices of children and stacks are as in Linux', async () => {
  const script = new Script(await Guest.create());
  script.actions();
  script.masks();
  script.waiting();
  script.children();
  script.stacks();
  script.exec();
  assertLines(script.lines, expectedLines(PROGRAM));
  assert.is(script.guest.machine.kernel.signalCounts.get(0), 1); // SIGTERM
});

const reason = whyNoProgram();
if (reason !== null) {
  console.log(`SKIPPED syscall/signal on Linux: ${reason}`);
} else {
  test('the kernel underneath gives the same table', () => {
    assertLines(runProgram(PROGRAM), expectedLines(PROGRAM));
  });
}

test('SigQ counts what waits for all tasks of a user', async () => {
  const guest = await Guest.create({ uid: 1000 });
  const script = new Script(guest);
  const other = guest.machine.spawn({ uid: 1000 });
  script.mask(SIG_SETMASK, ALL);
  const queued = (): string | undefined =>
    /SigQ:\t(\d+)\//.exec(other.readText('/proc/self/status'))?.[1];
  assert.is(queued(), '0');
  script.kill(guest.task.pid, SIGUSR1);
  script.kill(guest.task.pid, SIGUSR2);
  assert.is(queued(), '2');
  guest.task.exit();
  assert.is(queued(), '0'); // pid 1 has reaped it
});

test('RLIMIT_SIGPENDING bounds what waits; beyond it real-time signals are refused', async () => {
  const guest = await Guest.create({ uid: 1000 });
  const script = new Script(guest);
  const { pid } = guest.task;
  script.mask(SIG_SETMASK, ALL);
  script.call('prlimit64', 0, 11, words(2, 2), 0);
  const info = new Uint8Array(128);
  new DataView(info.buffer).setInt32(8, -1, true);
  const queue = (signal: number): number => script.call('rt_sigqueueinfo', pid, signal, info);
  assert.equal([queue(40), queue(40), queue(40), queue(41)], [0, 0, EAGAIN, EAGAIN]);
  // What kill() sends comes all the same, and so does an ordinary signal.
  script.kill(pid, 41);
  assert.is(queue(SIGUSR1), 0);
  script.self('waiting');
  const expected = 'waiting: SigPnd 0 ShdPnd 18000000200 SigBlk fffffffffffbfeff SigIgn 0 SigCgt 0';
  assert.is(script.lines[0], expected);
  assert.match(guest.task.readText('/proc/self/status'), /SigQ:\t2\/2\n/);
});

test('rt_tgsigqueueinfo is for a thread of the process that it names', async () => {
  const guest = await Guest.create({ uid: 1000 });
  const script = new Script(guest);
  const { pid } = guest.task;
  const other = guest.machine.spawn({ uid: 1000 });
  script.mask(SIG_SETMASK, ALL);
  const info = new Uint8Array(128);
  const code = (value: number): void => new DataView(info.buffer).setInt32(8, value, true);
  const queue = (tgid: number, tid: number): number =>
    script.call('rt_tgsigqueueinfo', tgid, tid, SIGUSR1, info);
  code(-1); // SI_QUEUE
  assert.equal([queue(pid, pid), queue(other.pid, pid), queue(0, pid)], [0, ESRCH, EINVAL]);
  script.self('thread');
  assert.match(script.lines[0] ?? '', /^thread: SigPnd 200 ShdPnd 0 /);
  code(0); // SI_USER, which only the kernel says of others
  assert.is(queue(other.pid, other.pid), EPERM);
});

test('a signal with a handler waits for the CPU, or comes to it by way of a tracer', async () => {
  const guest = await Guest.create();
  const script = new Script(guest);
  const { task } = guest;
  script.act(SIGUSR1, 0x4000);
  script.kill(task.pid, SIGUSR1);
  script.kill(task.pid, SIGUSR1);
  script.self('waits');
  assert.is(script.lines[0], 'waits: SigPnd 0 ShdPnd 200 SigBlk 0 SigIgn 0 SigCgt 200');
  assert.is(takeCaught(task.struct)?.signal, SIGUSR1);
  assert.is(takeCaught(task.struct), null);
  const tracer = guest.machine.spawn();
  tracer.ptraceSeize(task);
  script.kill(task.pid, SIGUSR1);
  assert.is(task.state, 't');
  assert.is(takeCaught(task.struct), null);
  tracer.syscall('ptrace', 7, task.pid, 0, SIGUSR1);
  assert.is(takeCaught(task.struct)?.signal, SIGUSR1);
});

test('a traced parent stops for the SIGCHLD of its child', async () => {
  const guest = await Guest.create();
  const child = guest.task.fork();
  guest.machine.spawn().ptraceSeize(guest.task);
  child.exit();
  assert.is(guest.task.state, 't');
  assert.is(guest.task.struct.stopCode, (SIGCHLD << 8) | 0x7f);
});

test.run();
