import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { errnoName } from '../../src/errno.js';
import { Machine } from '../../src/machine.js';
import { Guest } from './guest.js';

const test = suite('syscall/signalfd');

const machine = await Machine.create();
const mask = (...signals: number[]): Uint8Array => {
  const bits = signals.reduce((all, signal) => all | (1n << BigInt(signal - 1)), 0n);
  return new Uint8Array(BigUint64Array.of(bits).buffer);
};

function setup() {
  const guest = new Guest(machine, machine.spawn());
  const call = (name: string, ...args: Parameters<Guest['call']>[1][]): number | string => {
    const value = Number(guest.call(name, ...args));
    return value < 0 ? errnoName(-value) : value;
  };
  call('rt_sigprocmask', 2, mask(10, 12, 34), 0, 8);
  return { guest, call };
}

test('reading takes signals, the lowest first, as many as fit', () => {
  const { guest, call } = setup();
  const fd = call('signalfd4', -1, mask(10, 34), 8, 0x800) as number;
  const buffer = guest.buffer(1024);
  assert.is(call('read', fd, buffer, 128), 'EAGAIN');
  for (const signal of [34, 10, 12, 34]) call('kill', guest.task.pid, signal);
  assert.is(call('read', fd, buffer, 255), 128);
  // ssi_signo, ssi_errno, ssi_code, ssi_pid, ssi_uid
  assert.equal(guest.u32s(buffer, 5), [10, 0, 0, guest.task.pid, 0]);
  assert.is(call('read', fd, buffer, 1024), 256);
  assert.is(call('read', fd, buffer, 127), 'EINVAL');
  guest.task.exit();
});

test('the same file is given another set of signals; SIGKILL and SIGSTOP are never in it', () => {
  const { guest, call } = setup();
  const fd = call('signalfd', -1, mask(9, 10, 19), 8) as number;
  assert.match(guest.task.readText(`/proc/self/fdinfo/${fd}`), 'sigmask:\t0000000000000200\n');
  assert.is(call('signalfd4', fd, mask(12), 8, 0), fd);
  assert.match(guest.task.readText(`/proc/self/fdinfo/${fd}`), 'sigmask:\t0000000000000800\n');
  assert.is(guest.task.readlink(`/proc/self/fd/${fd}`), 'anon_inode:[signalfd]');
  call('kill', guest.task.pid, 10);
  assert.is(call('read', fd, guest.buffer(128), 128), 'ERESTARTSYS');
  guest.task.exit();
});

const REFUSED = [
  { args: [-1, mask(10), 4, 0], error: 'EINVAL' },
  { args: [-1, 8, 8, 0], error: 'EFAULT' },
  { args: [-1, mask(10), 8, 1], error: 'EINVAL' },
  { args: [99, mask(10), 8, 0], error: 'EBADF' },
] as const;

for (const { args, error } of REFUSED) {
  test(`${args.map((arg) => (typeof arg === 'number' ? arg : 'mask')).join(', ')} is ${error}`, () => {
    const { guest, call } = setup();
    assert.is(call('signalfd4', ...args), error);
    guest.task.exit();
  });
}

test('a snapshot keeps the file', async () => {
  const { guest, call } = setup();
  const fd = call('signalfd4', -1, mask(10), 8, 0) as number;
  const info = guest.task.readText(`/proc/self/fdinfo/${fd}`);
  const copy = await Machine.restore(machine.snapshot());
  assert.is(copy.task(guest.task.pid)?.readText(`/proc/self/fdinfo/${fd}`), info);
  guest.task.exit();
});

test.run();
