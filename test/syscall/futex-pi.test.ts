// Locks with priority inheritance, futex_waitv, futex_wait, futex_wake and futex_requeue, rseq: what is kept in
// snapshots and freed. The C programs `pi`, `mutexes` and `rseqs` of test/guest compare the rest with a real kernel.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { errnoName } from '../../src/errno.js';
import { Machine } from '../../src/machine.js';
import { Guest } from './guest.js';

const LOCK_PI = 6;
const UNLOCK_PI = 7;
const PRIVATE = 128;
const WAITERS = 0x80000000;
const OWNER_DIED = 0x40000000;
const SLEEPS = -512;

const machine = await Machine.create();
const test = suite('syscall/futex-pi');

test('a lock goes from its owner to who waits longest, and from a dead owner too', () => {
  const guest = new Guest(machine, machine.spawn());
  const [a, b, c] = [guest.task, guest.task.thread(), guest.task.thread()];
  const word = guest.buffer(8);
  const value = (): number => guest.u32s(word, 1)[0] as number;
  assert.is(a.syscall('futex', word, LOCK_PI | PRIVATE, 0, 0), 0);
  assert.is(value(), a.tid);
  assert.is(b.syscall('futex', word, LOCK_PI | PRIVATE, 0, 0), SLEEPS);
  assert.is(c.syscall('futex', word, LOCK_PI | PRIVATE, 0, 0), SLEEPS);
  assert.is(value(), (WAITERS | a.tid) >>> 0);
  assert.is(a.syscall('futex', word, UNLOCK_PI | PRIVATE), 0);
  assert.is(value(), (WAITERS | b.tid) >>> 0);
  assert.is(b.struct.waiting?.woken, true);
  assert.is(c.struct.waiting?.woken, false);
  // It dies with a lock that it does not know it has.
  b.syscall('exit', 0);
  assert.is(value(), (WAITERS | OWNER_DIED | c.tid) >>> 0);
  assert.is(c.syscall('futex', word, LOCK_PI | PRIVATE, 0, 0), 0);
  assert.is(c.syscall('futex', word, UNLOCK_PI | PRIVATE), 0);
  assert.is(value(), 0);
  assert.is(machine.kernel.futexWaits.length, 0);
  guest.task.exit();
});

test('a snapshot keeps who has a lock and who waits for it', async () => {
  const guest = new Guest(machine, machine.spawn());
  const other = guest.task.thread();
  const word = guest.buffer(8);
  guest.call('futex', word, LOCK_PI, 0, 0);
  assert.is(other.syscall('futex', word, LOCK_PI, 0, 0), SLEEPS);
  const copy = await Machine.restore(machine.snapshot());
  const [first, second] = [copy.task(guest.task.pid)!, copy.task(other.tid)!];
  assert.is(first.syscall('futex', word, UNLOCK_PI), 0);
  assert.is(second.syscall('futex', word, LOCK_PI, 0, 0), 0);
  assert.is(first.load32(word), (WAITERS | second.tid) >>> 0);
  guest.task.exit();
  assert.is(machine.kernel.futexWaits.length, 0);
});

test('futex_waitv tells which of its words woke it', () => {
  const guest = new Guest(machine, machine.spawn());
  const other = guest.task.thread();
  const words = guest.buffer(16);
  const list = new DataView(new ArrayBuffer(48));
  [0, 1].forEach((i) => {
    list.setBigUint64(24 * i + 8, BigInt(words + 4 * i), true);
    list.setUint32(24 * i + 16, 2 | PRIVATE, true);
  });
  const at = guest.put(new Uint8Array(list.buffer));
  assert.is(guest.call('futex_waitv', at, 2, 0, 0, 0), SLEEPS);
  assert.is(other.syscall('futex_wake', words + 4, 0xffffffff, 5, 2 | PRIVATE), 1);
  assert.is(guest.call('futex_waitv', at, 2, 0, 0, 0), 1);
  assert.is(machine.kernel.futexWaits.length, 0);
  // From one word to the other, and on.
  assert.is(guest.call('futex_wait', words, 0, 0xffffffff, 2 | PRIVATE, 0, 0), SLEEPS);
  assert.is(other.syscall('futex_requeue', at, 0, 0, 1), 1);
  assert.is(other.syscall('futex_wake', words + 4, 0xffffffff, 5, 2 | PRIVATE), 1);
  assert.is(guest.call('futex_wait', words, 0, 0xffffffff, 2 | PRIVATE, 0, 0), 0);
  guest.task.exit();
});

test('rseq is of a thread: a fork has it, a thread and another program have not', async () => {
  const guest = new Guest(machine, machine.spawn());
  const area = Math.ceil(guest.buffer(96) / 32) * 32;
  assert.is(guest.call('rseq', area, 32, 0, 0x53), 0);
  assert.equal(guest.u32s(area, 2), [0, 0]);
  const child = guest.task.fork();
  assert.is(errnoName(-Number(child.syscall('rseq', area, 32, 0, 0x53))), 'EBUSY');
  child.exit();
  assert.is(guest.task.thread().struct.rseq, null);
  const copy = await Machine.restore(machine.snapshot());
  const twin = copy.task(guest.task.pid)!;
  assert.is(twin.syscall('rseq', area, 32, 1, 0x53), 0);
  assert.equal([twin.load32(area), twin.load32(area + 4)], [0, 0xffffffff]);
  assert.is(guest.call('membarrier', 16, 0), 0);
  assert.is(guest.call('membarrier', 512, 0), 16);
  guest.task.exit();
});

test.run();
