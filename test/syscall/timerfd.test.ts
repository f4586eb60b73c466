import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { errnoName } from '../../src/errno.js';
import { Machine } from '../../src/machine.js';
import { Guest } from './guest.js';

const ABSTIME = 1;

/** A machine whose clock stands, and what to make calls with. */
async function setup() {
  let now = 1000;
  const machine = await Machine.create({ now: () => now });
  const guest = new Guest(machine, machine.spawn());
  const call = (name: string, ...args: Parameters<Guest['call']>[1][]): number | string => {
    const value = Number(guest.call(name, ...args));
    return value < 0 ? errnoName(-value) : value;
  };
  return {
    guest,
    call,
    pass(ms: number): void {
      now += ms;
    },
    /** struct itimerspec: interval and value, in milliseconds. */
    spec(interval: number, value: number): Uint8Array {
      const words = [interval, value].flatMap((ms) => [
        BigInt(Math.floor(ms / 1000)),
        BigInt((ms % 1000) * 1e6),
      ]);
      return new Uint8Array(BigInt64Array.from(words).buffer);
    },
  };
}

const test = suite('syscall/timerfd');

test('a timer counts how often it went off since it was read', async () => {
  const { guest, call, pass, spec } = await setup();
  const fd = call('timerfd_create', 1, 0x800);
  const [count, old] = [guest.buffer(8), guest.buffer(32)];
  assert.is(call('timerfd_settime', fd as number, 0, spec(10, 25), 0), 0);
  pass(24);
  assert.is(call('read', fd as number, count, 8), 'EAGAIN');
  pass(1);
  assert.is(call('read', fd as number, count, 8), 8);
  assert.equal(guest.u32s(count, 2), [1, 0]);
  pass(35);
  assert.is(call('read', fd as number, count, 8), 8);
  assert.equal(guest.u32s(count, 2), [3, 0]);
  // At 60 of 25, 35, 45, 55, 65: five are left, and it is every ten.
  assert.is(call('timerfd_gettime', fd as number, old), 0);
  assert.equal(guest.u32s(old, 8), [0, 0, 10e6, 0, 0, 0, 5e6, 0]);
  guest.task.exit();
});

test('what is set anew forgets what was not read, and tells what was left', async () => {
  const { guest, call, pass, spec } = await setup();
  const fd = call('timerfd_create', 7, 0x800) as number;
  const old = guest.buffer(32);
  call('timerfd_settime', fd, 0, spec(0, 10), 0);
  pass(20);
  assert.is(call('timerfd_settime', fd, ABSTIME, spec(0, 0), old), 0);
  assert.equal(guest.u32s(old, 8), [0, 0, 0, 0, 0, 0, 0, 0]);
  assert.is(call('read', fd, old, 8), 'EAGAIN');
  guest.task.exit();
});

test('a call that waits for a timer says when the machine is to look again', async () => {
  const { guest, call, spec } = await setup();
  const fd = call('timerfd_create', 1, 0) as number;
  call('timerfd_settime', fd, 0, spec(0, 40), 0);
  assert.is(call('read', fd, guest.buffer(8), 8), 'ERESTARTSYS');
  const { kernel } = guest.task.struct;
  assert.is(kernel.nextTimer - kernel.time(), 40);
  guest.task.exit();
});

test.run();
