import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { errnoName } from '../../src/errno.js';
import { Machine } from '../../src/machine.js';
import { Guest } from './guest.js';

const [ADD, DEL, MOD] = [1, 2, 3];
const [IN, OUT, HUP] = [1, 4, 0x10];
const ONESHOT = 1 << 30;
const ET = 1 << 31;
const DATA = 0x1122334455667788n;

function answer(result: number | bigint): number | string {
  const value = Number(result);
  return value < 0 ? errnoName(-value) : value;
}

/** A struct epoll_event of x86-64. */
function event(events: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(12));
  view.setInt32(0, events, true);
  view.setBigUint64(4, DATA, true);
  return new Uint8Array(view.buffer);
}

/** A set, and pipes. */
async function setup(machine?: Machine) {
  const guest = machine === undefined ? await Guest.create() : new Guest(machine, machine.spawn());
  const pipe = (): [number, number] => {
    const fds = guest.buffer(8);
    guest.call('pipe2', fds, 0);
    return guest.u32s(fds, 2) as [number, number];
  };
  const ep = Number(guest.call('epoll_create1', 0));
  const events = guest.buffer(64);
  return {
    guest,
    ep,
    pipe,
    control: (op: number, fd: number, bits: number, set = ep) =>
      answer(guest.call('epoll_ctl', set, op, fd, event(bits))),
    wait(max = 4): number | string {
      return answer(guest.call('epoll_wait', ep, events, max, 0));
    },
    first() {
      const view = new DataView(guest.task.load(events, 12).buffer);
      return [view.getUint32(0, true), view.getBigUint64(4, true)];
    },
  };
}

const test = suite('syscall/fs-epoll');

test('files are added, changed and removed, and wrong ones refused', async () => {
  const { guest, ep, pipe, control } = await setup();
  const [[r, w], [other]] = [pipe(), pipe()];
  assert.is(answer(guest.call('epoll_create1', 1)), 'EINVAL');
  assert.is(answer(guest.call('epoll_create', 0)), 'EINVAL');
  assert.is(control(ADD, r, IN), 0);
  assert.is(control(ADD, r, IN), 'EEXIST');
  guest.task.writeFile('/tmp/f', '');
  assert.is(control(ADD, Number(guest.call('open', '/tmp/f', 2, 0)), IN), 'EPERM');
  assert.is(control(ADD, ep, IN), 'EINVAL');
  assert.is(control(ADD, 99, IN), 'EBADF');
  assert.is(control(ADD, r, IN, 99), 'EBADF');
  assert.is(control(ADD, w, IN, r), 'EINVAL');
  assert.is(control(MOD, other, IN), 'ENOENT');
  assert.is(control(DEL, other, 0), 'ENOENT');
  for (const fd of [r, other]) assert.is(control(9, fd, IN), 'EINVAL');
  assert.is(answer(guest.call('epoll_ctl', ep, ADD, other, 8)), 'EFAULT');
  const second = Number(guest.call('epoll_create', 1));
  assert.is(control(ADD, second, IN), 0);
  assert.is(control(ADD, ep, IN, second), 'ELOOP');
});

test('what is ready is told again and again, once, or when it becomes so', async () => {
  const { guest, ep, pipe, control, wait, first } = await setup();
  const [r, w] = pipe();
  control(ADD, r, IN);
  assert.is(wait(), 0);
  for (const max of [0, -1]) assert.is(wait(max), 'EINVAL');
  assert.is(answer(guest.call('epoll_wait', r, 0, 4, 0)), 'EINVAL');
  guest.call('write', w, 'x', 1);
  assert.is(wait(), 1);
  assert.equal(first(), [IN, DATA]);
  assert.is(wait(), 1);
  const pollfd = guest.put(new Uint8Array(new Int32Array([ep, IN]).buffer));
  assert.is(guest.call('poll', pollfd, 1, 0), 1);
  for (const bits of [IN | ONESHOT, IN | ET]) {
    assert.is(control(MOD, r, bits), 0);
    assert.is(wait(), 1);
    assert.is(wait(), 0);
  }
  control(MOD, r, 0);
  assert.is(wait(), 0);
  guest.call('close', w);
  assert.is(wait(), 1);
  assert.equal(first(), [HUP, DATA]);
  guest.call('close', r);
  assert.is(wait(), 0);
});

test('a wait without end is made again; one that ends does so by the machine’s clock', async () => {
  let now = 1000;
  const { guest, ep, pipe, control } = await setup(await Machine.create({ now: () => now }));
  const [r] = pipe();
  control(ADD, r, IN);
  const events = guest.buffer(64);
  assert.is(answer(guest.call('epoll_pwait', ep, events, 4, -1, 0, 8)), 'ERESTARTSYS');
  assert.is(answer(guest.call('epoll_wait', ep, events, 4, 0)), 0);
  assert.is(answer(guest.call('epoll_wait', ep, events, 4, 50)), 'ERESTARTSYS');
  now += 49;
  assert.is(answer(guest.call('epoll_wait', ep, events, 4, 50)), 'ERESTARTSYS');
  now += 1;
  assert.is(answer(guest.call('epoll_wait', ep, events, 4, 50)), 0);
  const spec = guest.put(new Uint8Array(new BigInt64Array([0n, 5_000_000n]).buffer));
  assert.is(answer(guest.call('epoll_pwait2', ep, events, 4, spec, 0, 8)), 'ERESTARTSYS');
  now += 5;
  assert.is(answer(guest.call('epoll_pwait2', ep, events, 4, spec, 0, 8)), 0);
});

test('an event lies otherwise in memory on other architectures', async () => {
  const { guest, ep, pipe } = await setup();
  const [r, w] = pipe();
  guest.call('write', w, 'x', 1);
  const aligned = guest.put(new Uint8Array(new BigUint64Array([BigInt(IN), DATA]).buffer));
  const out = guest.buffer(16);
  const { machine, task } = guest;
  assert.is(machine.syscall(task, 'epoll_ctl', [ep, ADD, r, aligned], 'riscv64'), 0);
  assert.is(machine.syscall(task, 'epoll_pwait', [ep, out, 1, 0, 0, 8], 'riscv64'), 1);
  assert.equal([...task.load(out, 16)], [...task.load(aligned, 16)]);
});

test('an eventfd counts, all at once or one by one', async () => {
  const { guest } = await setup();
  const value = guest.buffer(8);
  const put = (n: bigint) =>
    guest.task.store(value, new Uint8Array(new BigUint64Array([n]).buffer));
  const got = () => new DataView(guest.task.load(value, 8).buffer).getBigUint64(0, true);
  const fd = Number(guest.call('eventfd2', 3, 0o4000));
  const read = (from = fd, length = 8) => answer(guest.call('read', from, value, length));
  const write = (n: bigint, length = 8) => {
    put(n);
    return answer(guest.call('write', fd, value, length));
  };
  assert.is(read(), 8);
  assert.is(got(), 3n);
  assert.is(read(), 'EAGAIN');
  assert.is(read(fd, 4), 'EINVAL');
  assert.is(write(5n), 8);
  assert.is(write(5n, 7), 'EINVAL');
  assert.is(write(2n ** 64n - 1n), 'EINVAL');
  assert.is(write(2n ** 64n - 2n), 'EAGAIN');
  assert.is(write(2n ** 64n - 7n), 8);
  assert.is(write(1n), 'EAGAIN');
  const pollfd = guest.put(new Uint8Array(new Int32Array([fd, IN | OUT]).buffer));
  assert.is(guest.call('poll', pollfd, 1, 0), 1);
  assert.is(guest.task.load32(pollfd + 4) >>> 16, IN);
  assert.is(answer(guest.call('eventfd2', 0, 8)), 'EINVAL');
  const one = Number(guest.call('eventfd2', 2, 0o4001));
  for (const expected of [8, 8, 'EAGAIN']) assert.is(read(one), expected);
  const plain = Number(guest.call('eventfd', 0));
  assert.is(read(plain), 'ERESTARTSYS');
  assert.match(guest.task.readText(`/proc/self/fdinfo/${one}`), /^eventfd-semaphore: 1$/m);
});

test('select answers by sets of bits, and says how much time is left', async () => {
  let now = 1000;
  const { guest, pipe } = await setup(await Machine.create({ now: () => now }));
  const [r, w] = pipe();
  const set = (...fds: number[]) =>
    guest.put(
      new Uint8Array(
        new BigUint64Array([fds.reduce((s, fd) => s | (1n << BigInt(fd)), 0n)]).buffer,
      ),
    );
  const bits = (addr: number) =>
    new DataView(guest.task.load(addr, 8).buffer).getBigUint64(0, true);
  const spec = (ns: bigint) => guest.put(new Uint8Array(new BigInt64Array([0n, ns]).buffer));
  const [rd, wr] = [set(r), set(w)];
  const call = (...args: number[]) => answer(guest.call('pselect6', ...args));
  assert.is(call(50, rd, wr, 0, spec(0n), 0), 1);
  assert.equal([bits(rd), bits(wr)], [0n, 1n << BigInt(w)]);
  assert.is(call(50, set(40), 0, 0, spec(0n), 0), 'EBADF');
  assert.is(call(-1, 0, 0, 0, spec(0n), 0), 'EINVAL');
  assert.is(call(0, 0, 0, 0, spec(-1n), 0), 'EINVAL');
  const other = guest.task.fork();
  const timeout = spec(5_000_000n);
  const waits = set(r);
  assert.is(call(50, waits, 0, 0, timeout, 0), 'ERESTARTSYS');
  now += 2;
  new Guest(guest.machine, other).call('write', w, 'x', 1);
  assert.is(call(50, waits, 0, 0, timeout, 0), 1);
  assert.is(guest.task.load32(timeout + 8), 3_000_000);
  const select = guest.put(new Uint8Array(new BigInt64Array([0n, 5000n]).buffer));
  assert.is(answer(guest.call('select', 50, set(r), 0, 0, select)), 1);
  guest.call('read', r, guest.buffer(8), 8);
  const ppoll = guest.put(new Uint8Array(new Int32Array([r, IN]).buffer));
  assert.is(answer(guest.call('ppoll', ppoll, 1, spec(1_000_000n), 0, 8)), 'ERESTARTSYS');
  now += 1;
  assert.is(answer(guest.call('ppoll', ppoll, 1, spec(1_000_000n), 0, 8)), 0);
});

test.run();
