import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { Guest } from '../syscall/guest.js';

const test = suite('vfs/file-owner');

const ESRCH = -3;
const EFAULT = -14;
const EINVAL = -22;
const F_SETOWN = 8;
const F_GETOWN = 9;
const F_SETSIG = 10;
const F_GETSIG = 11;
const F_SETOWN_EX = 15;
const F_GETOWN_EX = 16;

test('a file keeps its owner and signal, which duplicates share', async () => {
  const guest = await Guest.create();
  const pid = guest.task.pid;
  const fd = guest.call('memfd_create', 'f', 0);
  const copy = guest.call('dup', fd);
  assert.is(guest.call('fcntl', fd, F_GETOWN), 0);
  assert.is(guest.call('fcntl', fd, F_SETOWN, pid), 0);
  assert.is(guest.call('fcntl', copy, F_GETOWN), pid);
  assert.is(guest.call('fcntl', fd, F_SETSIG, 65), EINVAL);
  assert.is(guest.call('fcntl', fd, F_SETSIG, 10), 0);
  assert.is(guest.call('fcntl', copy, F_GETSIG), 10);
  const owner = guest.buffer(8);
  assert.is(guest.call('fcntl', fd, F_GETOWN_EX, owner), 0);
  assert.equal(guest.u32s(owner, 2), [1, pid]);
});

test('an owner that nobody is, and structures that are none, are refused', async () => {
  const guest = await Guest.create();
  const fd = guest.call('memfd_create', 'f', 0);
  assert.is(guest.call('fcntl', fd, F_SETOWN, 31000), ESRCH);
  assert.is(guest.call('fcntl', fd, F_SETOWN, -0x80000000), EINVAL);
  assert.is(guest.call('fcntl', fd, F_GETOWN_EX, 0), EFAULT);
  assert.is(guest.call('fcntl', fd, F_SETOWN_EX, guest.put(new Uint8Array([9]))), EINVAL);
});

test.run();
