import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import * as abi from '../assembly/abi/errno.js';
import { checked, errnoName, errnoText, fail, LinuxError } from '../src/errno.js';

const test = suite('errno');

test('a LinuxError has the shape of an ErrnoException', () => {
  const error = new LinuxError(abi.EIO, 'read', '/proc/2/mem');
  assert.instance(error, Error);
  assert.is(error.name, 'LinuxError');
  assert.is(error.code, 'EIO');
  assert.is(error.errno, -5);
  assert.is(error.syscall, 'read');
  assert.is(error.path, '/proc/2/mem');
  assert.is(error.message, "EIO: input/output error, read '/proc/2/mem'");
});

test('the message names only what is known', () => {
  assert.is(new LinuxError(abi.ESRCH).message, 'ESRCH: no such process');
  assert.is(new LinuxError(abi.EPERM, 'kill').message, 'EPERM: operation not permitted, kill');
  assert.not('syscall' in new LinuxError(abi.EIO));
});

test('every errno of the core has a name and a text', () => {
  for (const [name, errno] of Object.entries(abi)) {
    assert.is(errnoName(errno), name);
    assert.is.not(errnoText(name), 'unknown error', name);
  }
});

test('numbers and names beyond the table are named as such', () => {
  assert.is(errnoName(4095), 'E4095');
  assert.is(errnoText('E4095'), 'unknown error');
  assert.is(errnoText('toString'), 'unknown error');
});

test('checked passes counts on and throws negative errnos', () => {
  assert.is(checked(0), 0);
  assert.is(checked(4096), 4096);
  assert.throws(
    () => checked(-abi.EFAULT),
    (error: LinuxError) => error.code === 'EFAULT',
  );
});

test('fail throws', () => {
  assert.throws(
    () => fail(abi.ENOMEM),
    (error: LinuxError) => error.errno === -12,
  );
});

test.run();
