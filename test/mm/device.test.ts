import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, PROT_READ } from '../../assembly/abi/mman.js';
import { PageFault } from '../../src/api/page-fault.js';
import type { DeviceOptions } from '../../src/api/task-hooks.js';
import type { Task } from '../../src/api/task.js';
import { LinuxError } from '../../src/errno.js';
import { Machine } from '../../src/machine.js';

const test = suite('mm/device');

const PAGE = 4096;
const BASE = 0x10000000;
const LENGTH = 32;
const EFAULT = -14;
const machine = await Machine.create();
const core = machine.kernel.core;
machine.spawn().exit();
const atRest = core.framesInUse;
const FIXED = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;

/** A task with a device of `LENGTH` bytes, which reads as its offsets and notes what is asked of it. */
function withDevice(options: Partial<DeviceOptions> = {}): {
  task: Task;
  asked: string[];
  registers: Uint8Array;
} {
  const task = machine.spawn({ comm: 'driver' });
  const asked: string[] = [];
  const registers = Uint8Array.from({ length: LENGTH }, (_, i) => i);
  task.mapDevice({
    addr: BASE,
    length: LENGTH,
    read: (offset, size) => {
      asked.push(`r${size}@${offset}`);
      const padded = new Uint8Array(8);
      padded.set(registers.subarray(offset, offset + size));
      return new DataView(padded.buffer).getBigUint64(0, true);
    },
    write: (offset, size, value) => {
      asked.push(`w${size}@${offset}=${value.toString(16)}`);
    },
    ...options,
  });
  return { task, asked, registers };
}

const isFault =
  (code: string, address?: number) =>
  (error: unknown): boolean =>
    error instanceof PageFault &&
    error.code === code &&
    (address === undefined || error.address === BigInt(address));

const isErrno =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof LinuxError && error.code === code;

/** Accesses by the CPU, and what the device is asked for each. */
const ACCESSES: [name: string, act: (task: Task) => unknown, result: unknown, asked: string[]][] = [
  ['a byte', (task) => task.load8(BASE + 3), 3, ['r1@3']],
  ['16 bits', (task) => task.load16(BASE + 2), 0x0302, ['r2@2']],
  ['32 bits, unaligned', (task) => task.load32(BASE + 1), 0x04030201, ['r4@1']],
  ['64 bits', (task) => task.load64(BASE), 0x0706050403020100n, ['r8@0']],
  ['its last byte', (task) => task.load8(BASE + LENGTH - 1), LENGTH - 1, ['r1@31']],
  ['a stored byte', (task) => task.store8(BASE, 0xff), undefined, ['w1@0=ff']],
  ['32 stored bits', (task) => task.store32(BASE + 4, -1), undefined, ['w4@4=ffffffff']],
  ['64 stored bits', (task) => task.store64(BASE + 8, -2), undefined, ['w8@8=fffffffffffffffe']],
  [
    'bytes from an odd place',
    (task) => [...task.load(BASE + 3, 14)].join(),
    '3,4,5,6,7,8,9,10,11,12,13,14,15,16',
    ['r1@3', 'r4@4', 'r8@8', 'r1@16'],
  ],
  [
    'stored bytes',
    (task) => task.store(BASE + 6, Uint8Array.of(1, 2, 3)),
    undefined,
    ['w2@6=201', 'w1@8=3'],
  ],
];

for (const [name, act, result, expected] of ACCESSES) {
  test(`${name}: the device is asked ${expected.join(', ')}`, () => {
    const { task, asked } = withDevice();
    const before = core.framesInUse;
    assert.equal(act(task), result);
    assert.equal(asked, expected);
    assert.is(core.framesInUse, before);
    assert.equal(machine.check(), []);
    task.exit();
  });
}

test('an access across a border is split, each side its own way', () => {
  const { task, asked } = withDevice({ length: PAGE });
  task.mmap({ addr: BASE - PAGE, length: PAGE, flags: FIXED });
  task.mmap({ addr: BASE + PAGE, length: PAGE, flags: FIXED });
  task.store8(BASE - 1, 0xaa);
  assert.is(task.load32(BASE - 1), 0x020100aa);
  task.store64(BASE - 3, 0x8877665544332211n);
  assert.equal(task.load(BASE - 3, 3), Uint8Array.of(0x11, 0x22, 0x33));
  task.store32(BASE + PAGE - 2, 0x44332211);
  assert.is(task.load16(BASE + PAGE), 0x4433);
  assert.equal(asked, ['r2@0', 'r1@2', 'w4@0=77665544', 'w1@4=88', 'w2@4094=2211']);
  task.exit();
});

test('beyond its last byte there is a bus error, and nothing is asked for what crosses it', () => {
  const { task, asked } = withDevice();
  assert.throws(() => task.load8(BASE + LENGTH), isFault('BUS_ADRERR', BASE + LENGTH));
  assert.throws(() => task.load64(BASE + LENGTH - 4), isFault('BUS_ADRERR', BASE + LENGTH));
  assert.throws(() => task.store32(BASE + LENGTH - 1, 1), isFault('BUS_ADRERR', BASE + LENGTH));
  assert.equal(asked, []);
  task.exit();
});

test('a store that also touches memory it may not write asks the device for nothing', () => {
  const { task, asked } = withDevice({ length: PAGE });
  task.mmap({ addr: BASE + PAGE, length: PAGE, flags: FIXED, prot: PROT_READ });
  const fault = isFault('SEGV_ACCERR', BASE + PAGE);
  assert.throws(() => task.store64(BASE + PAGE - 4, 1n), fault);
  assert.equal(asked, []);
  task.load64(BASE + PAGE - 4);
  assert.equal(asked, ['r4@4092']);
  task.exit();
});

test('from outside it is no memory: EIO of mem and ptrace, EFAULT of process_vm, forced or not', () => {
  const { task, asked } = withDevice();
  const other = machine.spawn();
  const mem = other.open(`/proc/${task.pid}/mem`, 'r+');
  other.ptraceAttach(task);
  const bytes = new Uint8Array(4);
  assert.throws(() => mem.pread(bytes, BASE), isErrno('EIO'));
  assert.throws(() => mem.pwrite(bytes, BASE), isErrno('EIO'));
  assert.throws(() => other.ptracePeek(task, BASE), isErrno('EIO'));
  assert.throws(() => other.ptracePoke(task, BASE, 1), isErrno('EIO'));
  assert.throws(() => other.processVmRead(task, BASE, bytes), isErrno('EFAULT'));
  assert.throws(() => other.processVmWrite(task, BASE, bytes), isErrno('EFAULT'));
  assert.equal(asked, []);
  for (const one of [other, task]) one.exit();
});

test('system calls of the task copy from and to it', () => {
  const { task, asked } = withDevice();
  const file = task.memfdCreate('file');
  assert.is(task.syscall('write', file.fd, BASE + 8, 8), 8);
  const bytes = new Uint8Array(8);
  file.pread(bytes, 0);
  assert.equal(bytes, Uint8Array.of(8, 9, 10, 11, 12, 13, 14, 15));
  assert.equal(asked.splice(0).at(-1), 'r8@8');
  assert.is(task.syscall('pread64', file.fd, BASE, 3, 0), 3);
  assert.equal(asked.splice(0), ['w2@0=908', 'w1@2=a']);
  // uname's structure does not fit.
  assert.is(task.syscall('uname', BASE), EFAULT);
  task.exit();
});

test('another’s memory is read into it, by process_vm_readv and by mem', () => {
  const { task, asked } = withDevice();
  const addr = Number(task.mmap({ length: PAGE }));
  task.store(addr, Uint8Array.of(1, 2, 3, 4, 5));
  assert.is(task.processVmCopy(task, addr, BASE, 5), 5);
  assert.equal(asked.splice(0), ['w4@0=4030201', 'w1@4=5']);
  const mem = task.open('/proc/self/mem', 'r+');
  assert.is(task.syscall('pread64', mem.fd, BASE + 8, 2, addr), 2);
  assert.equal(asked.splice(0), ['w2@8=201']);
  assert.is(task.syscall('pwrite64', mem.fd, BASE + 16, 4, addr), 4);
  assert.is(task.load32(addr), 0x13121110);
  // What comes before the device's end is moved, what comes behind it is not.
  assert.is(task.processVmCopy(task, addr, BASE + LENGTH - 2, 8), 2);
  assert.is(task.syscall('pread64', mem.fd, BASE + LENGTH - 2, 8, addr), EFAULT);
  assert.equal(machine.check(), []);
  task.exit();
});

test('maps shows a shared mapping of a device, smaps that it is one, without a page', () => {
  const { task } = withDevice({ name: 'uart0' });
  task.load8(BASE);
  const line = /^10000000-10001000 rw-s 00000000 \S+ \d+ +\/dev\/uart0$/m;
  assert.match(task.readText('/proc/self/maps'), line);
  const smaps = task.readText('/proc/self/smaps').split('/dev/uart0')[1] ?? '';
  assert.match(smaps, /Rss: +0 kB/);
  assert.match(smaps, /VmFlags: rd wr sh mr mw me ms pf io de dd/);
  task.exit();
});

test('protections count before the device is asked', () => {
  const { task, asked } = withDevice();
  task.mprotect(BASE, PAGE, PROT_READ);
  assert.throws(() => task.store8(BASE, 1), isFault('SEGV_ACCERR', BASE));
  assert.is(task.load8(BASE + 1), 1);
  task.mprotect(BASE, PAGE, 0);
  assert.throws(() => task.load8(BASE), isFault('SEGV_ACCERR', BASE));
  assert.equal(asked, ['r1@1']);
  task.exit();
});

test('a child has it too; moved, it answers elsewhere; it does not grow; unmapped, it is gone', () => {
  const { task, asked } = withDevice({ length: 2 * PAGE });
  const child = task.fork();
  task.munmap(BASE, 2 * PAGE);
  assert.throws(() => task.load8(BASE), isFault('SEGV_MAPERR', BASE));
  assert.is(core.devices, 1);
  const moved = child.mremap(BASE + PAGE, PAGE, PAGE, 3, 0x20000000);
  child.load8(moved + 4n);
  child.load8(BASE);
  assert.equal(asked, ['r1@4100', 'r1@0']);
  assert.throws(() => child.mremap(moved, PAGE, 2 * PAGE, 1), isErrno('EFAULT'));
  for (const one of [child, task]) one.exit();
  assert.is(core.devices, 0);
});

test('an error of a callback comes out of the load, store or system call that asked', () => {
  const error = new Error('from the device');
  const fail = (): never => {
    throw error;
  };
  const { task } = withDevice({ read: fail, write: fail });
  const file = task.memfdCreate('file');
  file.write(new Uint8Array(16));
  const acts: (() => unknown)[] = [
    () => task.load8(BASE),
    () => task.store64(BASE, 1),
    () => task.load(BASE, 12),
    () => task.fetch(BASE, 0) && task.store(BASE, new Uint8Array(3)),
    () => task.syscall('pread64', file.fd, BASE, 8, 0),
    () => task.syscall('write', file.fd, BASE, 8),
    () => task.syscall('uname', BASE),
    () => task.processVmCopy(task, BASE + PAGE, BASE, 1),
  ];
  task.mmap({ addr: BASE + PAGE, length: PAGE, flags: FIXED });
  for (const act of acts) {
    assert.throws(act, (thrown: unknown) => thrown === error);
    assert.equal(machine.check(), []);
  }
  assert.is(task.syscall('getpid'), task.pid);
  task.exit();
});

test('a value that is none is a TypeError', () => {
  const { task } = withDevice({ read: () => undefined as unknown as number });
  assert.throws(() => task.load8(BASE), /^read: undefined is neither an integer nor a bigint/);
  task.exit();
});

const VALUES: [value: number | bigint, seen: number][] = [
  [-1, 0xffff],
  [0x12345678, 0x5678],
  [2n ** 64n + 5n, 5],
  [-2n, 0xfffe],
];

for (const [value, seen] of VALUES) {
  test(`of ${value} the low bits count`, () => {
    const { task } = withDevice({ read: () => value });
    assert.is(task.load16(BASE), seen);
    task.exit();
  });
}

test('a callback may call the machine, and take away what is asked', () => {
  const log: number[] = [];
  const { task } = withDevice({
    read: (offset) => {
      const addr = task.mmap({ length: PAGE });
      task.store8(addr, 9);
      task.open('/proc/self/mem').pread(new Uint8Array(1), addr);
      log.push(task.load8(addr));
      if (offset === 0) task.munmap(BASE, PAGE);
      return 1;
    },
  });
  assert.is(task.load8(BASE + 1), 1);
  assert.is(task.load16(BASE), 1);
  assert.equal(log, [9, 9]);
  assert.throws(() => task.load8(BASE), isFault('SEGV_MAPERR', BASE));
  assert.equal(machine.check(), []);
  task.exit();
});

test('accesses of a device are watched as those of memory, but that a write knows nothing before', () => {
  const { task } = withDevice();
  const told: string[] = [];
  task.watch({
    start: BASE + 1,
    length: 2,
    on: 'access',
    hit: ({ kind, before, after }) => told.push(`${kind} ${before.join()} > ${after.join()}`),
  });
  task.load32(BASE);
  task.store32(BASE, 0x04030201);
  assert.equal(told, ['read 1,2 > 1,2', 'write  > 2,3']);
  task.exit();
});

const WRONG: [name: string, wrong: Partial<Record<keyof DeviceOptions, unknown>>, is: RegExp][] = [
  ['no length', { length: 0 }, /^RangeError: length/],
  ['no read', { read: 1 }, /^TypeError: read: not a function/],
  ['an address within a page', { addr: BASE + 1 }, /EINVAL/],
  ['an address that is taken', { addr: BASE }, /EEXIST/],
  ['a name with a NUL', { name: 'a\0' }, /^TypeError: name/],
];

for (const [name, wrong, message] of WRONG) {
  test(`${name} is refused`, () => {
    const task = machine.spawn();
    task.mmap({ addr: BASE, length: PAGE, flags: FIXED });
    const options = { length: 8, read: () => 0, write: () => undefined, ...wrong };
    assert.throws(
      () => task.mapDevice(options as DeviceOptions),
      (error: unknown) => message.test(String(error)),
    );
    assert.is(core.devices, 0);
    task.exit();
  });
}

test('every frame comes back', () => {
  assert.is(core.framesInUse, atRest);
  assert.is(core.devices, 0);
});

test.run();
