import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { PidTable } from '../../src/kernel/pid.js';
import { Guest } from '../syscall/guest.js';

const test = suite('vfs/readdir');

/** The names of one getdents64 into `size` bytes. */
function getdents(guest: Guest, fd: number, size: number): string[] {
  const buffer = guest.buffer(size);
  const length = Number(guest.call('getdents64', fd, buffer, size));
  assert.ok(length >= 0, `getdents64 gives ${length}`);
  const bytes = guest.task.load(buffer, length);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const names: string[] = [];
  for (let at = 0; at < length; at += view.getUint16(at + 16, true)) {
    const end = bytes.indexOf(0, at + 19);
    names.push(new TextDecoder().decode(bytes.subarray(at + 19, end)));
  }
  return names;
}

function open(guest: Guest, path: string): number {
  return Number(guest.call('open', path, 0o200000, 0));
}

function fill(guest: Guest, count: number): string[] {
  guest.call('mkdir', '/tmp/d', 0o755);
  const names = Array.from({ length: count }, (_, i) => `file-${i}`);
  for (const name of names) guest.call('close', guest.call('creat', `/tmp/d/${name}`, 0o644));
  return names;
}

test('a directory emptied while it is listed, as rm -r does, misses no name', async () => {
  const guest = await Guest.create();
  const names = fill(guest, 100);
  const fd = open(guest, '/tmp/d');
  const seen: string[] = [];
  for (let some = getdents(guest, fd, 256); some.length > 0; some = getdents(guest, fd, 256)) {
    for (const name of some) {
      if (name === '.' || name === '..') continue;
      seen.push(name);
      assert.is(guest.call('unlink', `/tmp/d/${name}`), 0);
    }
  }
  assert.equal(seen.sort(), names.sort());
  assert.is(guest.call('rmdir', '/tmp/d'), 0);
});

test('names that go before the listing comes to them are left out', async () => {
  const guest = await Guest.create();
  fill(guest, 20);
  const fd = open(guest, '/tmp/d');
  // The newest comes first: the oldest are still to come.
  assert.equal(getdents(guest, fd, 96), ['.', '..', 'file-19']);
  guest.call('unlink', '/tmp/d/file-18');
  guest.call('rename', '/tmp/d/file-17', '/tmp/other');
  assert.equal(getdents(guest, fd, 64), ['file-16', 'file-15']);
});

test('the start, and a position that was sought, list from there', async () => {
  const guest = await Guest.create();
  fill(guest, 20);
  const fd = open(guest, '/tmp/d');
  const all = getdents(guest, fd, 4096);
  assert.is(all.length, 22);
  guest.call('lseek', fd, 0, 0);
  assert.equal(getdents(guest, fd, 128), all.slice(0, 4));
  guest.call('lseek', fd, 0, 0);
  assert.equal(getdents(guest, fd, 4096), all);
});

test('/proc in pieces is walked once, and shows who comes while it is listed', async () => {
  const guest = await Guest.create();
  for (let i = 0; i < 300; i++) guest.task.fork();
  const { tasks } = PidTable.prototype;
  let steps = 0;
  PidTable.prototype.tasks = function* (this: PidTable) {
    for (const task of tasks.call(this)) {
      steps += 1;
      yield task;
    }
  };
  try {
    const fd = open(guest, '/proc');
    const seen = getdents(guest, fd, 512);
    const late = guest.task.fork();
    for (let some = getdents(guest, fd, 512); some.length > 0; some = getdents(guest, fd, 512)) {
      seen.push(...some);
    }
    assert.ok(seen.includes(String(late.pid)));
    assert.is(new Set(seen).size, seen.length);
    assert.ok(steps <= 310, `${steps} steps for 303 tasks`);
  } finally {
    PidTable.prototype.tasks = tasks;
  }
});

test.run();
