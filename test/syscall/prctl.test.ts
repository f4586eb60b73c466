import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { CAP_FULL_SET, CAP_SYS_RESOURCE, capMask } from '../../src/kernel/capability.js';
import { Guest } from './guest.js';

const test = suite('syscall/prctl');

const EPERM = -1;
const ENXIO = -6;
const EBADF = -9;
const EACCES = -13;
const EFAULT = -14;
const EBUSY = -16;
const ENODEV = -19;
const EINVAL = -22;
const ERANGE = -34;
const SET_MM = 35;
const EXE_FILE = 13;
const MAP = 14;
const MAP_SIZE = 15;
const LIMITED = { caps: CAP_FULL_SET & ~capMask(CAP_SYS_RESOURCE) };

type Row = readonly [option: number, args: readonly number[], expected: number];

async function check(rows: readonly Row[]): Promise<void> {
  const guest = await Guest.create(LIMITED);
  for (const [option, args, expected] of rows) {
    const result = guest.call(
      'prctl',
      option,
      ...args,
      ...new Array<number>(4 - args.length).fill(0),
    );
    assert.is(result, expected, `${option} ${args.join()}`);
  }
}

test('what a kernel without hardware faults and seccomp says of them', () =>
  check([
    [5, [8], EINVAL],
    [13, [], 0],
    [14, [0], 0],
    [14, [1], EINVAL],
    [21, [], 0],
    [22, [3], EINVAL],
    [25, [8], EFAULT],
    [26, [1], 0],
    [26, [3], EINVAL],
    [31, [], 0],
    [32, [], 0],
    [43, [], EINVAL],
    [52, [0], 2],
    [52, [1], 2],
    [52, [2], 8],
    [52, [3], ENODEV],
    [52, [0, 1], EINVAL],
    [53, [0, 2], ENXIO],
    [53, [1, 2], 0],
    [53, [1, 4], EPERM],
    [53, [1, 3], ERANGE],
    [53, [2, 2], EPERM],
    [53, [3, 2], ENODEV],
    [0x53564d41, [0, 0x200000000000, 4096, 0x200000000000], EINVAL],
  ]));

test('timer slack, machine checks, huge pages, merging and timer numbers are stored', () =>
  check([
    [30, [], 50000],
    [29, [100], 0],
    [30, [], 100],
    [29, [-5], 0],
    [30, [], 50000],
    [34, [], 2],
    [34, [1], EINVAL],
    [33, [1, 1], 0],
    [34, [], 1],
    [33, [1, 0], 0],
    [34, [], 0],
    [33, [1, 3], EINVAL],
    [33, [2, 0], EINVAL],
    [33, [0, 1], EINVAL],
    [33, [0, 0], 0],
    [34, [], 2],
    [41, [1], 0],
    [42, [], 1],
    [41, [1, 2], 0],
    [42, [], 3],
    [41, [1, 1], EINVAL],
    [41, [0, 2], EINVAL],
    [41, [1, 0, 1], EINVAL],
    [42, [1], EINVAL],
    [67, [1], 0],
    [68, [], 1],
    [67, [1, 1], EINVAL],
    [57, [1], EPERM],
    [58, [], EPERM],
    [77, [1], 0],
    [77, [2], 1],
    [77, [3], EINVAL],
  ]));

test('PR_GET_AUXV gives the whole size and as much as fits', async () => {
  const guest = await Guest.create({ argv: ['/bin/x'] });
  const place = guest.buffer(512);
  assert.is(guest.call('prctl', 0x41555856, place, 16, 0, 0), 448);
  assert.is(guest.call('prctl', 0x41555856, place, 4096, 0, 0), 448);
  assert.is(guest.call('prctl', 0x41555856, 8, 16, 0, 0), EFAULT);
  assert.is(guest.call('prctl', 0x41555856, place, 16, 1, 0), EINVAL);
});

test('PR_SET_MM without CAP_SYS_RESOURCE is EPERM, but for its map', async () => {
  const guest = await Guest.create({ ...LIMITED, argv: ['/bin/x'] });
  const place = guest.buffer(104);
  for (let option = 0; option <= 16; option++) {
    if (option === MAP || option === MAP_SIZE) continue;
    assert.is(guest.call('prctl', SET_MM, option, place, 0, 0), EPERM);
    assert.is(guest.call('prctl', SET_MM, option, place, 8, 1), EINVAL);
  }
  assert.is(guest.call('prctl', SET_MM, MAP_SIZE, place, 0, 0), 0);
  assert.equal(guest.u32s(place, 1), [104]);
  assert.is(guest.call('prctl', SET_MM, MAP_SIZE, 8, 0, 0), EFAULT);
  assert.is(guest.call('prctl', SET_MM, MAP, place, 8, 0), EINVAL);
  assert.is(guest.call('prctl', SET_MM, MAP, 8, 104, 0), EFAULT);
  assert.is(guest.call('prctl', SET_MM, MAP, place, 104, 0), EINVAL);
});

test('PR_SET_MM moves what /proc/PID/cmdline and stat show', async () => {
  const guest = await Guest.create({ argv: ['/bin/x', 'y'] });
  const text = guest.put(new TextEncoder().encode('another\0name\0'));
  const set = (option: number, value: number): number | bigint =>
    guest.call('prctl', SET_MM, option, value, 0, 0);
  assert.is(set(8, text), 0);
  assert.is(set(9, text + 13), 0);
  assert.is(guest.task.readText('/proc/self/cmdline'), 'another\0name\0');
  assert.is(set(8, text + 14), EINVAL);
  assert.is(set(1, 2 ** 47), EINVAL);
  assert.is(set(1, 0), EINVAL);
  assert.is(set(0, text), EINVAL);
  assert.is(guest.call('munmap', 0x7ffffffde000, 0x21000), 0);
  assert.is(set(5, 0x7fffffffe800), EFAULT);
});

test('PR_SET_MM_MAP sets all at once, and its vector ends', async () => {
  const guest = await Guest.create({ ...LIMITED, argv: ['/bin/x'] });
  const mm = guest.task.struct.mm!;
  const words = new BigUint64Array(13);
  const fields = [
    ...[mm.startCode, mm.endCode, mm.startData, mm.endData, mm.startBrk, mm.brk, mm.startStack],
    ...[mm.argStart, mm.argEnd, mm.envStart, mm.envEnd],
  ];
  fields.forEach((field, i) => (words[i] = BigInt(field)));
  words[1] = words[1]! + 4096n;
  words[11] = BigInt(guest.put(new Uint8Array(448).fill(255)));
  words[12] = (0xffffffffn << 32n) | 448n;
  const map = guest.put(new Uint8Array(words.buffer));
  assert.is(guest.call('prctl', SET_MM, MAP, map, 104, 0), 0);
  assert.is(mm.endCode, Number(words[1]));
  assert.equal([...mm.auxv.subarray(430)], [255, 255, ...new Array<number>(16).fill(0)]);
});

test('PR_SET_MM_EXE_FILE takes a program, once the old one is not mapped', async () => {
  const guest = await Guest.create();
  const { machine, task } = guest;
  machine.addFile('/bin/one', new Uint8Array(4096), 0o755);
  machine.addFile('/bin/two', new Uint8Array(10), 0o755);
  machine.addFile('/tmp/text', new Uint8Array(10), 0o644);
  const set = (fd: number | bigint): number | bigint =>
    guest.call('prctl', SET_MM, EXE_FILE, fd, 0, 0);
  assert.is(set(-1), EBADF);
  assert.is(set(guest.call('open', '/tmp/text', 0)), EACCES);
  assert.is(set(guest.call('open', '/tmp', 0)), EACCES);
  assert.is(set(guest.call('open', '/bin/two', 0)), 0);
  assert.is(task.readlink('/proc/self/exe').split('/').pop(), 'two');
  task.exec('/bin/one');
  const other = machine.spawn({ argv: ['/bin/one'] });
  const fd = other.open('/bin/two').fd;
  assert.is(other.syscall('prctl', SET_MM, EXE_FILE, fd, 0, 0), EBUSY);
});

test('PR_SET_MDWE may be asked for once and is never taken back', () =>
  check([
    [66, [], 0],
    [65, [0], 0],
    [65, [2], EINVAL],
    [65, [4], EINVAL],
    [65, [1, 1], EINVAL],
    [65, [1], 0],
    [65, [1], 0],
    [65, [0], EPERM],
    [65, [3], EPERM],
    [66, [], 1],
  ]));

test('PR_SET_MDWE refuses memory that becomes executable', async () => {
  const guest = await Guest.create(LIMITED);
  const at = 0x10000000;
  assert.is(guest.call('mmap', at, 4096, 5, 0x32, -1, 0), at);
  assert.is(guest.call('prctl', 65, 1, 0, 0, 0), 0);
  assert.is(guest.call('mmap', at + 4096, 4096, 7, 0x32, -1, 0), EACCES);
  assert.is(guest.call('mmap', at + 4096, 4096, 3, 0x32, -1, 0), at + 4096);
  assert.is(guest.call('mprotect', at + 4096, 4096, 5), EACCES);
  assert.is(guest.call('mprotect', at, 4096, 7), EACCES);
  assert.is(guest.call('mprotect', at, 4096, 4), 0);
});

test.run();
