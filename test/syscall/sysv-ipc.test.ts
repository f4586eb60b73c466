// Semaphores and messages of System V: what waits, snapshots, numbers. The C programs `semaphores`
// and `messages` of test/guest compare semget, semop, semctl, msgget, msgsnd, msgrcv and msgctl with a real kernel.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { errnoName } from '../../src/errno.js';
import { Machine } from '../../src/machine.js';
import { Guest } from './guest.js';

const IPC_PRIVATE = 0;
const IPC_CREAT = 0o1000;
const IPC_NOWAIT = 0o4000;
const SEM_UNDO = 0o10000;
const [IPC_RMID, GETVAL, GETNCNT, SETVAL] = [0, 12, 14, 16];
const SLEEPS = 'ERESTARTSYS';

let now = 1_700_000_000_000;
const machine = await Machine.create({ now: () => now });
const test = suite('syscall/sysv-ipc');

function user(on = machine, uid = 0) {
  const guest = new Guest(on, on.spawn({ uid }));
  const call = (name: string, ...args: Parameters<Guest['call']>[1][]): number => {
    const value = Number(guest.call(name, ...args));
    return value < 0 ? (errnoName(-value) as unknown as number) : value;
  };
  const op = (id: number, by: number, flags = 0): number =>
    call('semop', id, new Uint8Array(Int16Array.of(0, by, flags).buffer), 1);
  return { guest, call, op };
}

const message = (type: number, text: string): Uint8Array => {
  const bytes = new Uint8Array(8 + text.length);
  new DataView(bytes.buffer).setBigInt64(0, BigInt(type), true);
  bytes.set(new TextEncoder().encode(text), 8);
  return bytes;
};

test('who waits for a semaphore goes on in the order it came', () => {
  const [a, b, c] = [user(), user(), user()];
  const id = a.call('semget', IPC_PRIVATE, 1, 0o600);
  assert.is(b.op(id, -2), SLEEPS as never);
  assert.is(c.op(id, -1), SLEEPS as never);
  assert.is(a.call('semctl', id, 0, GETNCNT), 2);
  assert.is(a.op(id, 2), 0);
  // The first has them: the second still waits.
  assert.is(a.call('semctl', id, 0, GETVAL), 0);
  assert.is(c.op(id, -1), SLEEPS as never);
  assert.is(b.op(id, -2), 0);
  assert.is(a.op(id, 1), 0);
  assert.is(c.op(id, -1), 0);
  assert.is(a.call('semctl', id, 0, IPC_RMID), 0);
  for (const { guest } of [a, b, c]) guest.task.exit();
});

test('semtimedop waits so long', () => {
  const { guest, call } = user();
  const id = call('semget', IPC_PRIVATE, 1, 0o600);
  const ops = guest.put(new Uint8Array(Int16Array.of(0, -1, 0).buffer));
  const time = guest.put(new Uint8Array(BigInt64Array.of(0n, 5_000_000n).buffer));
  assert.is(call('semtimedop', id, ops, 1, time), SLEEPS as never);
  now += 4;
  assert.is(call('semtimedop', id, ops, 1, time), SLEEPS as never);
  now += 1;
  assert.is(call('semtimedop', id, ops, 1, time), 'EAGAIN' as never);
  call('semctl', id, 0, IPC_RMID);
  guest.task.exit();
});

test('a process that is killed while it waits is in no queue, and gives back what it took', () => {
  const [a, b] = [user(), user()];
  const id = a.call('semget', IPC_PRIVATE, 1, 0o600);
  a.call('semctl', id, 0, SETVAL, 3);
  assert.is(b.op(id, -2, SEM_UNDO), 0);
  assert.is(b.op(id, -2), SLEEPS as never);
  a.call('kill', b.guest.task.pid, 9);
  assert.is(a.call('semctl', id, 0, GETNCNT), 0);
  assert.is(a.call('semctl', id, 0, GETVAL), 3);
  a.call('semctl', id, 0, IPC_RMID);
  a.guest.task.exit();
});

test('a message goes to who waits for its type', () => {
  const [a, b, c] = [user(), user(), user()];
  const id = a.call('msgget', IPC_PRIVATE, 0o600);
  const [forB, forC] = [b.guest.buffer(64), c.guest.buffer(64)];
  assert.is(b.call('msgrcv', id, forB, 50, 2, 0), SLEEPS as never);
  assert.is(c.call('msgrcv', id, forC, 50, 0, 0), SLEEPS as never);
  assert.is(a.call('msgsnd', id, message(1, 'one'), 3, 0), 0);
  assert.is(a.call('msgsnd', id, message(2, 'two!'), 4, 0), 0);
  assert.is(b.call('msgrcv', id, forB, 50, 2, 0), 4);
  assert.is(c.call('msgrcv', id, forC, 50, 0, 0), 3);
  assert.equal(b.guest.u32s(forB, 2), [2, 0]);
  assert.is(a.call('msgrcv', id, a.guest.buffer(64), 50, 0, IPC_NOWAIT), 'ENOMSG' as never);
  a.call('msgctl', id, IPC_RMID, 0);
  for (const { guest } of [a, b, c]) guest.task.exit();
});

test('numbers are not given again at once, and those of before are none', () => {
  const { guest, call } = user();
  const first = call('msgget', IPC_PRIVATE, 0o600);
  call('msgctl', first, IPC_RMID, 0);
  const second = call('msgget', IPC_PRIVATE, 0o600);
  assert.is.not(second, first);
  assert.is(call('msgctl', first, IPC_RMID, 0), 'EINVAL' as never);
  call('msgctl', second, IPC_RMID, 0);
  guest.task.exit();
});

test('/proc/sysvipc lists what there is', async () => {
  const fresh = await Machine.create({ now: () => now });
  const { guest, call } = user(fresh, 1000);
  call('semget', 0x55, 3, IPC_CREAT | 0o640);
  const queue = call('msgget', 0x56, IPC_CREAT | 0o600);
  call('msgsnd', queue, message(1, 'four'), 4, 0);
  call('shmget', 0x57, 5000, IPC_CREAT | 0o600);
  const [sem, msg, shm] = ['sem', 'msg', 'shm'].map((name) => {
    const [, line = ''] = guest.task.readText(`/proc/sysvipc/${name}`).split('\n');
    return line.trim().split(/ +/).map(Number);
  });
  const { pid } = guest.task;
  const seconds = 1_700_000_000;
  assert.equal(sem, [0x55, 0, 640, 3, 1000, 1000, 1000, 1000, 0, Math.floor(now / 1000)]);
  assert.equal(msg?.slice(0, 7), [0x56, 0, 600, 4, 1, pid, 0]);
  assert.equal(shm?.slice(0, 7), [0x57, 0, 600, 5000, pid, 0, 0]);
  assert.ok((msg?.[11] ?? 0) >= seconds);
  assert.equal(guest.task.readdir('/proc/sysvipc').sort(), ['msg', 'sem', 'shm']);
  guest.task.exit();
});

test('a snapshot keeps semaphores, messages, what waits, and what is given back', async () => {
  const [a, b] = [user(), user()];
  const id = a.call('semget', IPC_PRIVATE, 1, 0o600);
  const queue = a.call('msgget', IPC_PRIVATE, 0o600);
  a.call('msgsnd', queue, message(9, 'kept'), 4, 0);
  a.call('semctl', id, 0, SETVAL, 5);
  a.op(id, -4, SEM_UNDO);
  assert.is(b.op(id, -2), SLEEPS as never);
  const before = machine.checkpoint();
  const copy = await Machine.restore(machine.snapshot(), { now: () => now });
  const [first, second] = [copy.task(a.guest.task.pid)!, copy.task(b.guest.task.pid)!];
  assert.is(first.syscall('semctl', id, 0, GETNCNT), 1);
  assert.is(first.syscall('msgrcv', queue, a.guest.buffer(64), 50, 9, 0), 4);
  first.exit();
  assert.is(second.struct.waiting?.woken, true);
  assert.is(second.syscall('semctl', id, 0, GETVAL), 3);
  second.exit();
  a.guest.task.exit();
  before.restore();
  assert.is(b.guest.task.syscall('semctl', id, 0, GETVAL), 1);
  before.dispose();
  b.call('semctl', id, 0, IPC_RMID);
  b.call('msgctl', queue, IPC_RMID, 0);
  for (const { guest } of [a, b]) guest.task.exit();
});

test.run();
