import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { Guest } from './guest.js';

const test = suite('syscall/clone');

const EPERM = -1;
const ESRCH = -3;
const E2BIG = -7;
const EBADF = -9;
const EFAULT = -14;
const EEXIST = -17;
const EINVAL = -22;
const SIGCHLD = 17;
const VM = 0x100;
const FILES = 0x400;
const FS = 0x200;
const SIGHAND = 0x800;
const PIDFD = 0x1000;
const PARENT = 0x8000;
const THREAD = 0x10000;
const NEWUSER = 0x10000000;

/** Fields of struct clone_args by name. */
interface Fields {
  readonly flags?: number;
  readonly pidfd?: number;
  readonly parentTid?: number;
  readonly signal?: number;
  readonly stack?: number;
  readonly stackSize?: number;
  readonly setTid?: number;
  readonly setTidSize?: number;
  readonly cgroup?: number;
}

function cloneArgs(fields: Fields): Uint8Array {
  const words = new BigUint64Array(13);
  words[0] = BigInt(fields.flags ?? 0);
  words[1] = BigInt(fields.pidfd ?? 0);
  words[3] = BigInt(fields.parentTid ?? 0);
  words[4] = BigInt(fields.signal ?? SIGCHLD);
  words[5] = BigInt.asUintN(64, BigInt(fields.stack ?? 0));
  words[6] = BigInt(fields.stackSize ?? 0);
  words[8] = BigInt(fields.setTid ?? 0);
  words[9] = BigInt(fields.setTidSize ?? 0);
  words[10] = BigInt(fields.cgroup ?? 0);
  return new Uint8Array(words.buffer);
}

/** 1 for a child, else the error. */
function born(result: number | bigint): number {
  return result > 0 ? 1 : Number(result);
}

test('clone3 takes a structure of any version', async () => {
  const guest = await Guest.create();
  const args = guest.put(cloneArgs({}));
  const rows: [size: number, expected: number][] = [
    [0, EINVAL],
    [63, EINVAL],
    [64, 1],
    [80, 1],
    [88, 1],
    [96, 1],
    [4097, E2BIG],
  ];
  for (const [size, expected] of rows) assert.is(born(guest.call('clone3', args, size)), expected);
  guest.task.store(args + 90, Uint8Array.of(1));
  assert.is(guest.call('clone3', args, 96), E2BIG);
  assert.is(guest.call('clone3', 0, 64), EFAULT);
});

const CLONE3: [fields: Fields, expected: number][] = [
  [{ signal: 0 }, 1],
  [{ signal: 64 }, 1],
  [{ signal: 65 }, EINVAL],
  [{ signal: 2 ** 32 }, EINVAL],
  [{ flags: 17 }, EINVAL],
  [{ flags: 0x400000 }, EINVAL],
  [{ flags: 2 ** 32 }, 1],
  [{ flags: 2 ** 32 + SIGHAND + VM }, EINVAL],
  [{ flags: 2 ** 33, cgroup: 3 }, EBADF],
  [{ flags: 2 ** 33, cgroup: 2 ** 40 }, EINVAL],
  [{ flags: 2 ** 34 }, EINVAL],
  [{ flags: THREAD | SIGHAND | VM }, EINVAL],
  [{ flags: PARENT }, EINVAL],
  [{ flags: PARENT, signal: 0 }, 1],
  [{ stack: 0x1000 }, EINVAL],
  [{ stackSize: 4096 }, EINVAL],
  [{ stack: -8, stackSize: 4096 }, EINVAL],
  [{ flags: PIDFD, pidfd: 8 }, EFAULT],
  [{ flags: PIDFD | 0x100000, pidfd: 64, parentTid: 64 }, EINVAL],
  [{ setTid: 8 }, EINVAL],
  [{ setTidSize: 1 }, EINVAL],
  [{ setTid: 8, setTidSize: 33 }, EINVAL],
  [{ setTid: 8, setTidSize: 1 }, EFAULT],
  [{ flags: 0x80000000 }, 1],
];

test('clone3 checks what it is asked for', async () => {
  const guest = await Guest.create();
  for (const [fields, expected] of CLONE3) {
    const result = guest.call('clone3', cloneArgs(fields), 88);
    assert.is(born(result), expected, JSON.stringify(fields));
  }
});

test('clone3 gives the number that was asked for, to the privileged', async () => {
  const guest = await Guest.create();
  const ask = (...numbers: number[]): number | bigint => {
    const setTid = guest.put(new Uint8Array(new Int32Array(numbers).buffer));
    return guest.call('clone3', cloneArgs({ setTid, setTidSize: numbers.length }), 88);
  };
  assert.is(ask(30000), 30000);
  assert.is(ask(30000), EEXIST);
  assert.is(ask(1), EEXIST);
  for (const nr of [0, -1, 5000000]) assert.is(ask(nr), EINVAL);
  assert.is(ask(30001, 30002), EINVAL);
  guest.task.setuid(1000);
  assert.is(ask(30003), EPERM);
});

test('clone ignores some flags of old and gives a pidfd where the number would go', async () => {
  const guest = await Guest.create();
  const place = guest.buffer(8);
  const rows: [flags: number, expected: number][] = [
    [0, 1],
    [255, 1],
    [0x91, 1],
    [0x400000 | SIGCHLD, 1],
    [0x101000 | SIGCHLD, EINVAL],
    [0x401000 | SIGCHLD, EINVAL],
    [SIGHAND | SIGCHLD, EINVAL],
    [THREAD | SIGCHLD, EINVAL],
    [FS | NEWUSER | SIGCHLD, EINVAL],
    [2 ** 32 + SIGCHLD, 1],
  ];
  for (const [flags, expected] of rows) {
    assert.is(born(guest.call('clone', flags, 0, place, 0, 0)), expected, flags.toString(16));
  }
  assert.is(guest.call('clone', PIDFD | SIGCHLD, 0, 8, 0, 0), EFAULT);
  const pid = guest.call('clone', PIDFD | SIGCHLD, 0, place, 0, 0);
  const [pidfd = 0] = guest.u32s(place, 1);
  assert.is(guest.call('pidfd_send_signal', pidfd, 9, 0, 0), 0);
  assert.is(guest.call('wait4', pid, 0, 0, 0), pid);
});

test('what clone shares, kcmp sees; unshare takes it apart', async () => {
  const guest = await Guest.create();
  const { task, machine } = guest;
  const kinds = { vm: 1, files: 2, fs: 3, sighand: 4, io: 5, sysvsem: 6 };
  const shared = (flags: number): string[] => {
    const pid = Number(guest.call('clone', flags | SIGCHLD, 0, 0, 0, 0));
    return Object.entries(kinds).flatMap(([name, kind]) => {
      const result = guest.call('kcmp', task.pid, pid, kind, 0, 0);
      const back = guest.call('kcmp', pid, task.pid, kind, 0, 0);
      assert.is(Number(result) + Number(back), result === 0 ? 0 : 3);
      return result === 0 ? [name] : [];
    });
  };
  assert.equal(shared(0), ['io', 'sysvsem']);
  assert.equal(shared(VM), ['vm', 'io', 'sysvsem']);
  assert.equal(shared(FILES | FS), ['files', 'fs', 'io', 'sysvsem']);
  assert.equal(shared(VM | SIGHAND), ['vm', 'sighand', 'io', 'sysvsem']);
  assert.is(guest.call('unshare', SIGHAND), EINVAL);
  const child = machine.task(Number(guest.call('clone', FILES | SIGCHLD, 0, 0, 0, 0)))!;
  assert.is(guest.call('unshare', FILES), 0);
  assert.is(guest.call('kcmp', task.pid, child.pid, 2, 0, 0) === 0, false);
});

test('kcmp of files goes by 32-bit numbers, and knows no epoll', async () => {
  const guest = await Guest.create();
  const { pid } = guest.task;
  const fd = Number(guest.call('open', '/dev/null', 0));
  assert.is(guest.call('kcmp', pid, pid, 0, fd, 2n ** 32n + BigInt(fd)), 0);
  assert.is(guest.call('kcmp', pid, pid, 7, fd, 0), EFAULT);
  const slot = guest.put(new Uint8Array(new Uint32Array([fd, 0, 0]).buffer));
  assert.is(guest.call('kcmp', pid, pid, 7, fd, slot), EINVAL);
  assert.is(guest.call('kcmp', pid, pid, 7, 999, slot), EBADF);
  const zombie = guest.task.fork();
  zombie.exit();
  assert.is(guest.call('kcmp', pid, zombie.pid, 0, fd, fd), EBADF);
});

test('the memory of a vfork is that of the parent', async () => {
  const guest = await Guest.create();
  const place = guest.buffer(8);
  const child = guest.machine.task(Number(guest.call('vfork')))!;
  child.store64(place, 7n);
  assert.is(guest.task.load64(place), 7n);
  child.exit();
  assert.is(guest.task.load64(place), 7n);
});

test('a thread clears its number when it ends and others use the memory', async () => {
  const guest = await Guest.create();
  const place = guest.put(Uint8Array.of(1, 2, 3, 4));
  assert.is(guest.call('set_tid_address', place), guest.task.tid);
  const thread = guest.task.thread();
  thread.syscall('set_tid_address', place);
  thread.syscall('exit', 0);
  assert.equal(guest.u32s(place, 1), [0]);
  const word = guest.buffer(8);
  assert.is(guest.call('prctl', 40, word, 0, 0, 0), 0);
  assert.is(guest.task.load64(word), BigInt(place));
});

test('setns by a pidfd goes by flags, and wants the right to look', async () => {
  const guest = await Guest.create();
  const child = guest.task.fork();
  const pidfd = guest.call('pidfd_open', child.pid, 0);
  for (const flags of [0, 1, NEWUSER, 0x14000000]) {
    assert.is(guest.call('setns', pidfd, flags), EINVAL);
  }
  assert.is(guest.call('setns', guest.call('open', '/dev/null', 0), 0), EINVAL);
  assert.is(guest.call('setns', -1, NEWUSER), EBADF);
  child.unshareUser();
  assert.is(guest.call('setns', pidfd, NEWUSER), 0);
  const zombie = guest.task.fork();
  const dead = guest.call('pidfd_open', zombie.pid, 0);
  zombie.exit();
  assert.is(guest.call('setns', dead, NEWUSER), ESRCH);
  assert.is(guest.call('setns', dead, 0), EINVAL);
});

test.run();
