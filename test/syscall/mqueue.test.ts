// POSIX message queues: what is kept and who waits. The C program `mqueues` of test/guest compares mq_open,
// mq_timedsend, mq_timedreceive, mq_notify, mq_getsetattr and mq_unlink with a real kernel.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { errnoName } from '../../src/errno.js';
import { Machine } from '../../src/machine.js';
import { Guest } from './guest.js';

const O_RDWR_CREAT = 0o102;
const SLEEPS = 'ERESTARTSYS';

let now = 1_700_000_000_000;
const machine = await Machine.create({ now: () => now });
const test = suite('syscall/mqueue');

function user() {
  const guest = new Guest(machine, machine.spawn());
  const call = (name: string, ...args: Parameters<Guest['call']>[1][]): number | string => {
    const value = Number(guest.call(name, ...args));
    return value < 0 ? errnoName(-value) : value;
  };
  const attr = new Uint8Array(BigInt64Array.of(0n, 2n, 16n, 0n, 0n, 0n, 0n, 0n).buffer);
  const open = (): number => call('mq_open', 'queue', O_RDWR_CREAT, 0o600, attr) as number;
  const room = guest.buffer(16);
  const receive = (fd: number): number | string => call('mq_timedreceive', fd, room, 16, 0, 0);
  const send = (fd: number, text: string, priority: number): number | string =>
    call('mq_timedsend', fd, text, text.length, priority, 0);
  return { guest, call, open, room, receive, send };
}

test('a message goes to who waits longest, and room to who waits for that', () => {
  const [a, b] = [user(), user()];
  const [fd, other] = [a.open(), b.open()];
  assert.is(b.receive(other), SLEEPS);
  assert.is(a.send(fd, 'first', 1), 0);
  assert.is(b.receive(other), 5);
  a.send(fd, 'low', 1);
  a.send(fd, 'high', 7);
  assert.is(a.send(fd, 'highest', 9), SLEEPS);
  assert.is(b.receive(other), 4);
  assert.is(a.send(fd, 'highest', 9), 0);
  assert.is(b.receive(other), 7);
  assert.is(a.call('mq_unlink', 'queue'), 0);
  for (const { guest } of [a, b]) guest.task.exit();
});

test('waits for a moment of the wall clock', () => {
  const a = user();
  const fd = a.open();
  const moment = a.guest.put(new Uint8Array(BigInt64Array.of(1_700_000_000n, 5_000_000n).buffer));
  assert.is(a.call('mq_timedreceive', fd, a.room, 16, 0, moment), SLEEPS);
  now += 5;
  assert.is(a.call('mq_timedreceive', fd, a.room, 16, 0, moment), 'ETIMEDOUT');
  a.call('mq_unlink', 'queue');
  a.guest.task.exit();
});

test('mq_notify tells once; mq_getsetattr what there is', () => {
  const [a, b] = [user(), user()];
  const [fd, other] = [a.open(), b.open()];
  a.call('rt_sigprocmask', 0, new Uint8Array(BigUint64Array.of(1n << 9n).buffer), 0, 8);
  const event = new DataView(new ArrayBuffer(64));
  event.setInt32(8, 10, true);
  assert.is(a.call('mq_notify', fd, new Uint8Array(event.buffer)), 0);
  assert.is(b.call('mq_notify', other, new Uint8Array(event.buffer)), 'EBUSY');
  b.send(other, 'one', 0);
  b.send(other, 'two', 0);
  assert.is(a.guest.task.struct.group.sharedPending.size, 1);
  const attr = a.guest.buffer(64);
  assert.is(a.call('mq_getsetattr', fd, 0, attr), 0);
  assert.equal(a.guest.u32s(attr, 8), [0, 0, 2, 0, 16, 0, 2, 0]);
  a.call('mq_unlink', 'queue');
  for (const { guest } of [a, b]) guest.task.exit();
});

test('a snapshot keeps queues, messages and who waits', async () => {
  const [a, b] = [user(), user()];
  const [fd, other] = [a.open(), b.open()];
  assert.is(b.receive(other), SLEEPS);
  const checkpoint = machine.checkpoint();
  const copy = await Machine.restore(machine.snapshot(), { now: () => now });
  const [first, second] = [copy.task(a.guest.task.pid)!, copy.task(b.guest.task.pid)!];
  first.store(a.room, Uint8Array.of(1, 2, 3));
  assert.is(first.syscall('mq_timedsend', fd, a.room, 3, 0, 0), 0);
  assert.is(second.syscall('mq_timedreceive', other, b.room, 16, 0, 0), 3);
  a.send(fd, 'gone', 0);
  checkpoint.restore();
  assert.is(b.receive(other), SLEEPS);
  checkpoint.dispose();
  a.call('mq_unlink', 'queue');
  for (const { guest } of [a, b]) guest.task.exit();
});

test.run();
