import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { HostBuffer } from '../../src/mm/user.js';
import { fail } from '../../src/errno.js';
import { seqFile, singleFile } from '../../src/vfs/seq-file.js';
import type { File } from '../../src/vfs/file.js';
import type { TaskStruct } from '../../src/kernel/task.js';
import { boot, fileOf, open, outcome } from './fixture.js';
import { Guest } from '../syscall/guest.js';

function setup(): { task: TaskStruct; file: File; fresh: () => File } {
  const task = boot().spawn();
  const fresh = (): File => fileOf(task, open(task, '/dev/null'));
  return { task, file: fresh(), fresh };
}

const test = suite('vfs/seq-file');

test('a read gives whole records, up to a page of them, and goes on where it ended', () => {
  const { task, file } = setup();
  // Records of 100 bytes, 50 of them.
  const fops = seqFile({
    record: (_task, _file, index) =>
      index < 50 ? { text: `${String(index).padStart(99)}\n`, next: index + 1 } : null,
  });
  let pos = 0;
  const read = (length: number): number => {
    const n = fops.read?.(task, file, new HostBuffer(new Uint8Array(length)), pos) ?? -1;
    pos += n;
    return n;
  };
  assert.equal([read(65536), read(65536), read(65536)], [4000, 1000, 0]);
  pos = 0;
  assert.equal([read(150), read(10), read(100)], [150, 10, 100]);
  pos = 4995;
  assert.equal([read(10), read(10)], [5, 0]);
});

test('a record larger than a page comes whole', () => {
  const { task, file } = setup();
  const fops = singleFile(() => 'x'.repeat(10000));
  const buf = new HostBuffer(new Uint8Array(20000));
  assert.is(fops.read?.(task, file, buf, 0), 10000);
  assert.is(fops.read?.(task, file, buf, 10000), 0);
});

test('text is made anew from the start, not in the middle', () => {
  const { task, file } = setup();
  let made = 0;
  const fops = singleFile(() => `${(made += 1)}234`);
  const read = (pos: number, length: number): string => {
    const bytes = new Uint8Array(length);
    const n = fops.read?.(task, file, new HostBuffer(bytes), pos) ?? 0;
    return Buffer.from(bytes.subarray(0, n)).toString();
  };
  assert.equal([read(0, 2), read(2, 9), read(4, 9)], ['12', '34', '']);
  assert.is(read(0, 9), '2234');
  assert.is(read(1, 1), '2', 'elsewhere than the last read ended: traversed');
});

test('an error before the first record is thrown, a later one waits', () => {
  const { task, fresh } = setup();
  const fops = seqFile({
    record: (_task, _file, index) => (index === 1 ? fail(1) : { text: 'a\n', next: index + 1 }),
  });
  const file = fresh();
  const read = (pos: number) =>
    outcome(() => fops.read?.(task, file, new HostBuffer(new Uint8Array(10)), pos));
  assert.equal([read(0), read(2)], [2, 'EPERM']);
});

test('a seek makes what is before the position, and fails as a read there would', async () => {
  const guest = await Guest.create();
  const child = guest.task.fork();
  const fd = guest.call('open', `/proc/${child.pid}/status`, 0);
  assert.is(guest.call('lseek', fd, 5, 0), 5);
  child.syscall('exit_group', 0);
  guest.call('wait4', child.pid, 0, 0, 0);
  assert.is(guest.call('lseek', fd, 5, 0), 5);
  assert.is(guest.call('lseek', fd, 6, 0), -3);
  assert.is(guest.call('lseek', fd, 0, 1), 0);
});

test.run();
