import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { Guest } from './guest.js';

const test = suite('syscall/cred');

const EPERM = -1;
const EFAULT = -14;
const EINVAL = -22;
const VERSION_1 = 0x19980330;
const VERSION_3 = 0x20080522;

test('getresuid stores the three ids', async () => {
  const guest = await Guest.create();
  assert.is(guest.call('setresuid', 1, 2, 3), 0);
  const ids = guest.buffer(12);
  assert.is(guest.call('getresuid', ids, ids + 4, ids + 8), 0);
  assert.equal(guest.u32s(ids, 3), [1, 2, 3]);
  assert.is(guest.call('getuid'), 1);
  assert.is(guest.call('geteuid'), 2);
});

test('ids beyond 2^31 are no errors', async () => {
  const guest = await Guest.create({ uid: 0xfffffffe });
  assert.is(guest.call('getuid'), 0xfffffffe);
});

test('getgroups of no room gives the number; of too little, EINVAL', async () => {
  const guest = await Guest.create();
  const list = guest.put(new Uint8Array(new Uint32Array([30, 10, 20]).buffer));
  assert.is(guest.call('setgroups', 3, list), 0);
  assert.is(guest.call('getgroups', 0, 0), 3);
  assert.is(guest.call('getgroups', 2, list), EINVAL);
  assert.is(guest.call('getgroups', -1, list), EINVAL);
  assert.is(guest.call('getgroups', 3, list), 3);
  assert.equal(guest.u32s(list, 3), [10, 20, 30]);
});

test('setgroups looks at the capability before the list', async () => {
  const guest = await Guest.create({ uid: 1000 });
  assert.is(guest.call('setgroups', 1, 0), EPERM);
  const root = await Guest.create();
  assert.is(root.call('setgroups', 1, 0), EFAULT);
});

const header = (version: number, pid: number): Uint8Array =>
  new Uint8Array(new Int32Array([version, pid]).buffer);

test('capget fills as many words as the version has', async () => {
  const guest = await Guest.create({ caps: 0x1_0000_0003n });
  const data = guest.buffer(24);
  assert.is(guest.call('capget', header(VERSION_3, 0), data), 0);
  assert.equal(guest.u32s(data, 6), [3, 3, 0, 1, 1, 0]);
  const short = guest.buffer(24);
  assert.is(guest.call('capget', header(VERSION_1, 0), short), 0);
  assert.equal(guest.u32s(short, 6), [3, 3, 0, 0, 0, 0]);
});

test('an unknown version is EINVAL, and the header gets the preferred one (K-408)', async () => {
  const guest = await Guest.create();
  const at = guest.put(header(1, 0));
  assert.is(guest.call('capget', at, guest.buffer(24)), EINVAL);
  assert.is(guest.task.load32(at), VERSION_3);
  // Without a place for the data it is the way to ask for the version.
  assert.is(guest.call('capget', header(1, 0), 0), 0);
  assert.is(guest.call('capset', header(1, 0), 0), EINVAL);
});

test('capset is for oneself only, and pid is looked at before the data', async () => {
  const guest = await Guest.create();
  assert.is(guest.call('capset', header(VERSION_3, 1), 0), EPERM);
  assert.is(guest.call('capset', header(VERSION_3, 0), 0), EFAULT);
  const sets = new Uint8Array(new Uint32Array([1, 3, 0, 0, 0, 0]).buffer);
  assert.is(guest.call('capset', header(VERSION_3, guest.task.tid), sets), 0);
  assert.equal(guest.task.caps, { effective: 1n, permitted: 3n, inheritable: 0n });
});

test('setfsuid gives the old id whatever it does', async () => {
  const guest = await Guest.create({ uid: 1000 });
  assert.is(guest.call('setfsuid', 2000), 1000);
  assert.is(guest.call('setfsuid', -1), 1000);
});

test.run();
