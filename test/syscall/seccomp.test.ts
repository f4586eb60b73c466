// Filters of system calls, for tasks that the embedder drives. What filters compute and answer is compared with the
// kernel's in guest/programs.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import type { Task } from '../../src/api/task.js';
import { Machine } from '../../src/machine.js';
import { Guest } from './guest.js';

const test = suite('syscall/seccomp');

const EIO = -5;
const ENOENT = -2;
const EACCES = -13;
const ENOSYS = -38;
const EAGAIN_LATER = -512;
const SET_MODE_FILTER = 1;
const NEW_LISTENER = 8;
const NO_NEW_PRIVS = 38;
const GETPPID = 110;
const READ = 0;
const KILL_PROCESS = 0x80000000;
const KILL_THREAD = 0;
const TRAP = 0x30000;
const ERRNO = 0x50000;
const USER_NOTIF = 0x7fc00000;
const ALLOW = 0x7fff0000;
const RECV = 0xc0502100;
const SEND = 0xc0182101;
const CONTINUE = 1;
const SIGSYS = 31;

type Instruction = readonly [code: number, onTrue: number, onFalse: number, k: number];

/** struct sock_filter each. */
function program(...instructions: Instruction[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(8 * instructions.length));
  instructions.forEach(([code, onTrue, onFalse, k], i) => {
    view.setUint16(8 * i, code, true);
    view.setUint8(8 * i + 2, onTrue);
    view.setUint8(8 * i + 3, onFalse);
    view.setUint32(8 * i + 4, k, true);
  });
  return new Uint8Array(view.buffer);
}

/** `answer` for one call, where the word at `at` of what filters see is `value`; all else is allowed. */
function filterOf(nr: number, answer: number, at = 0, value = nr): Uint8Array {
  return program(
    [0x20, 0, 0, 0],
    [0x15, 0, 3, nr],
    [0x20, 0, 0, at],
    [0x15, 0, 1, value],
    [0x06, 0, 0, answer],
    [0x06, 0, 0, ALLOW],
  );
}

/** Installs a filter; gives what the call gave. */
function install(guest: Guest, filter: Uint8Array, flags = 0): number | bigint {
  const fprog = new Uint8Array(new BigUint64Array([BigInt(filter.length / 8), 0n]).buffer);
  new DataView(fprog.buffer).setBigUint64(8, BigInt(guest.put(filter)), true);
  return guest.call('seccomp', SET_MODE_FILTER, flags, fprog);
}

async function filtered(nr: number, answer: number): Promise<Guest> {
  const guest = await Guest.create();
  assert.is(install(guest, filterOf(nr, answer)), 0);
  return guest;
}

test('without CAP_SYS_ADMIN only who can gain nothing may filter itself', async () => {
  const guest = await Guest.create({ uid: 1000 });
  assert.is(install(guest, filterOf(GETPPID, ERRNO)), EACCES);
  assert.is(guest.call('prctl', NO_NEW_PRIVS, 1, 0, 0, 0), 0);
  assert.is(install(guest, filterOf(GETPPID, ERRNO)), 0);
});

test('a call is judged by its number, whether it is made by number or by name', async () => {
  const { task, machine } = await filtered(GETPPID, ERRNO | 5);
  assert.is(task.syscall('getppid'), EIO);
  assert.is(task.syscall(GETPPID), EIO);
  assert.is(task.syscall('getpid'), task.pid);
  assert.match(task.readText('/proc/self/status'), 'Seccomp:\t2\nSeccomp_filters:\t1\n');
  const child = task.fork();
  assert.is(child.syscall('getppid'), EIO);
  assert.is(machine.spawn().syscall('getppid'), 1);
});

test('filters see the architecture, the place and the whole of each argument', async () => {
  const rows: [at: number, value: number][] = [
    [4, 0xc000003e],
    [8, 0],
    [16, 0x9abcdef0],
    [20, 0x12345678],
    [56, 0xffffffff],
    [60, 0xffffffff],
  ];
  for (const [at, value] of rows) {
    const guest = await Guest.create();
    assert.is(install(guest, filterOf(GETPPID, ERRNO | 5, at, value)), 0);
    const last = [0, 0, 0, 0, -1];
    assert.is(guest.task.syscall('getppid', 0x123456789abcdef0n, ...last), EIO, `word at ${at}`);
    assert.is(guest.task.syscall('getppid', 1, 0, 0, 0, 0, 0) === EIO, at === 4 || at === 8);
  }
});

test('a call that has slept is not judged again, another one is', async () => {
  const guest = await Guest.create();
  const ends = guest.buffer(8);
  guest.call('pipe2', ends, 0);
  const [from = 0, to = 0] = guest.u32s(ends, 2);
  const buffer = guest.buffer(8);
  assert.is(guest.call('read', from, buffer, 8), EAGAIN_LATER);
  assert.is(install(guest, filterOf(READ, ERRNO | 5)), 0);
  assert.is(guest.call('read', from, buffer, 8), EIO, 'it had no filter when it began');
  assert.is(guest.call('write', to, 'a', 1), 1);
});

test('SIGSYS waits for the CPU with the call, whose result is left alone', async () => {
  const { task } = await filtered(GETPPID, TRAP | 7);
  const child = task.fork();
  assert.is(child.syscall('getppid'), GETPPID);
  assert.is(child.exited, true);
  assert.is(task.wait()?.signal, SIGSYS);
});

test('the answer kills the thread, or with the last one its process', async () => {
  for (const answer of [KILL_THREAD, KILL_PROCESS]) {
    const { task } = await filtered(GETPPID, answer);
    const child = task.fork();
    const thread = child.thread();
    thread.syscall('getppid');
    assert.is(thread.exited, true);
    assert.is(child.exited, answer === KILL_PROCESS);
    if (!child.exited) child.syscall('getppid');
    assert.is(child.exited, true);
  }
});

interface Supervised {
  readonly guest: Guest;
  readonly target: Task;
  readonly fd: number;
}

async function supervised(nr: number): Promise<Supervised> {
  const guest = await Guest.create();
  const fd = Number(install(guest, filterOf(nr, USER_NOTIF), NEW_LISTENER));
  assert.ok(fd >= 0);
  return { guest, target: guest.task.fork(), fd };
}

/** Takes the call that waits; gives its number among them. */
function receive({ guest, fd }: Supervised): bigint {
  const notif = guest.buffer(80);
  assert.is(guest.call('ioctl', fd, RECV, notif), 0);
  return guest.task.load64(notif);
}

function send({ guest, fd }: Supervised, id: bigint, error: number, flags = 0): number | bigint {
  const response = new DataView(new ArrayBuffer(24));
  response.setBigUint64(0, id, true);
  response.setInt32(16, error, true);
  response.setUint32(20, flags, true);
  return guest.call('ioctl', fd, SEND, new Uint8Array(response.buffer));
}

test('a call waits until its supervisor has answered', async () => {
  const world = await supervised(GETPPID);
  const { target } = world;
  assert.is(target.syscall('getppid'), EAGAIN_LATER);
  const id = receive(world);
  assert.is(target.syscall('getppid'), EAGAIN_LATER);
  assert.is(send(world, id, EIO), 0);
  assert.is(target.syscall('getppid'), EIO);
  assert.is(send(world, id, EIO), ENOENT);
});

test('one that may go on and sleeps then is not asked about again', async () => {
  const world = await supervised(READ);
  const { guest, target } = world;
  const ends = guest.buffer(8);
  assert.is(target.syscall('pipe2', ends, 0), 0);
  const [from, to] = [target.load32(ends), target.load32(ends + 4)];
  const read = (): number | bigint => target.syscall('read', from, ends, 8);
  assert.is(read(), EAGAIN_LATER);
  send(world, receive(world), 0, CONTINUE);
  assert.is(read(), EAGAIN_LATER);
  assert.is(guest.call('ioctl', world.fd, RECV, guest.buffer(80)), EAGAIN_LATER);
  target.thread().syscall('write', to, ends, 3);
  assert.is(read(), 3);
});

test('a call that is given up, or whose task ends, waits for nobody', async () => {
  const world = await supervised(GETPPID);
  const { target } = world;
  target.syscall('getppid');
  const id = receive(world);
  assert.is(target.syscall('getpid'), target.pid);
  assert.is(send(world, id, 0), ENOENT);
  target.syscall('getppid');
  target.exit();
  assert.is(world.guest.call('ioctl', world.fd, RECV, world.guest.buffer(80)), EAGAIN_LATER);
  world.guest.task.exit();
});

test('calls that nobody can be asked about fail', async () => {
  const world = await supervised(GETPPID);
  world.target.syscall('getppid');
  assert.is(world.guest.call('close', world.fd), 0);
  // The child has the descriptor too.
  assert.is(world.target.syscall('getppid'), EAGAIN_LATER);
  assert.is(world.target.syscall('close', world.fd), 0);
  assert.is(world.target.syscall('getppid'), ENOSYS);
});

test('filters, and a call that waits for its supervisor, are in snapshots and checkpoints', async () => {
  const world = await supervised(GETPPID);
  const { guest, target } = world;
  target.syscall('getppid');
  const id = receive(world);
  const checkpoint = guest.machine.checkpoint();
  const bytes = guest.machine.snapshot();
  send(world, id, EIO);
  assert.is(target.syscall('getppid'), EIO);
  checkpoint.restore();
  assert.is(target.syscall('getppid'), EAGAIN_LATER);
  assert.is(send(world, id, ENOENT), 0);
  assert.is(target.syscall('getppid'), ENOENT);

  const machine = await Machine.restore(bytes);
  const [first, second] = [machine.task(guest.task.pid), machine.task(target.pid)];
  if (first === null || second === null) throw new Error('the tasks are gone');
  const again = { guest: new Guest(machine, first), target: second, fd: world.fd };
  assert.is(again.target.syscall('getppid'), EAGAIN_LATER);
  assert.is(send(again, id, EIO), 0);
  assert.is(again.target.syscall('getppid'), EIO);
  assert.equal(machine.check(), []);
});

test('calls through objects of the library are not filtered', async () => {
  const guest = await Guest.create();
  guest.task.writeFile('/file', 'text');
  assert.is(install(guest, program([0x06, 0, 0, ERRNO | 5])), 0);
  assert.is(guest.task.readText('/file'), 'text');
  assert.is(guest.call('getpid'), EIO);
});

test.run();
