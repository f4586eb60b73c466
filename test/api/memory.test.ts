import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { PROT_NONE, PROT_READ } from '../../assembly/abi/mman.js';
import { PageFault } from '../../src/api/page-fault.js';
import type { Task } from '../../src/api/task.js';
import { LinuxError } from '../../src/errno.js';
import { Machine } from '../../src/machine.js';

const test = suite('api/task-memory');

async function spawn(): Promise<Task> {
  return (await Machine.create()).spawn();
}

test('values of every width are stored and loaded, across pages too', async () => {
  const task = await spawn();
  const addr = task.mmap({ length: 8192 });
  for (const at of [addr, addr + 4095n, addr + 4093n]) {
    task.store8(at, 0xfe);
    assert.is(task.load8(at), 0xfe);
    task.store16(at, 0xfedc);
    assert.is(task.load16(at), 0xfedc);
    task.store32(at, 0xfedcba98);
    assert.is(task.load32(at), 0xfedcba98);
    task.store64(at, 0xfedcba9876543210n);
    assert.is(task.load64(at), 0xfedcba9876543210n);
  }
});

test('negative values are stored in two’s complement', async () => {
  const task = await spawn();
  const addr = task.mmap({ length: 4096 });
  task.store32(addr, -1);
  assert.is(task.load32(addr), 0xffffffff);
  task.store64(addr, -2);
  assert.is(task.load64(addr), 2n ** 64n - 2n);
});

test('addresses are numbers or bigints', async () => {
  const task = await spawn();
  const addr = task.mmap({ addr: 0x10000, length: 4096, flags: 0x32 });
  assert.is(addr, 0x10000n);
  task.store8(0x10000, 5);
  assert.is(task.load8(0x10000n), 5);
});

const FAULTS: readonly [what: string, at: bigint, code: string][] = [
  ['nothing mapped', 4096n, 'SEGV_MAPERR'],
  ['not readable', 0x20000n, 'SEGV_ACCERR'],
  ['an address of the kernel', 0xffff_8000_0000_0000n, 'SEGV_MAPERR'],
];

for (const [what, at, code] of FAULTS) {
  test(`a load where there is ${what} is a PageFault`, async () => {
    const task = await spawn();
    task.mmap({ addr: 0x20000, length: 4096, prot: PROT_NONE, flags: 0x32 });
    for (const load of [() => task.load8(at), () => task.load64(at), () => task.load(at, 1)]) {
      assert.throws(load, (error: unknown) => {
        return error instanceof PageFault && error.signal === 'SIGSEGV' && error.code === code;
      });
    }
  });
}

test('a store that faults names the first byte that could not be written', async () => {
  const task = await spawn();
  const addr = task.mmap({ length: 8192 });
  task.mprotect(addr + 4096n, 4096, PROT_READ);
  assert.throws(
    () => task.store(addr + 4094n, Uint8Array.of(1, 2, 3, 4)),
    (error: unknown) => error instanceof PageFault && error.address === addr + 4096n,
  );
  assert.is(task.load8(addr + 4095n), 2);
});

test('beyond the end of a mapped file is SIGBUS', async () => {
  const task = await spawn();
  const file = task.memfdCreate('x');
  const addr = task.mmap({ length: 4096, file });
  assert.throws(() => task.load8(addr), /^PageFault: |SIGBUS \(BUS_ADRERR\)/);
});

test('fork shares pages until one side writes', async () => {
  const task = await spawn();
  const addr = task.mmap({ length: 4096 });
  task.store8(addr, 1);
  const child = task.fork();
  child.store8(addr, 2);
  assert.is(task.load8(addr), 1);
  assert.is(child.load8(addr), 2);
});

test('threads share everything', async () => {
  const task = await spawn();
  const thread = task.thread();
  const addr = thread.mmap({ length: 4096 });
  task.store8(addr, 3);
  assert.is(thread.load8(addr), 3);
  assert.is(thread.pid, task.pid);
  assert.not.equal(thread.tid, task.tid);
});

test('mremap moves what is there', async () => {
  const task = await spawn();
  const addr = task.mmap({ length: 4096 });
  task.store8(addr, 8);
  const moved = task.mremap(addr, 4096, 1 << 20, 1);
  assert.is(task.load8(moved), 8);
});

const MISUSE: readonly [what: string, run: (task: Task) => unknown, message: RegExp][] = [
  ['a fractional address', (t) => t.load8(0.5), /^addr: 0.5 is no safe integer/],
  ['an unsafe address', (t) => t.load8(2 ** 60), /^addr: .* give a bigint/],
  ['an address beyond 64 bits', (t) => t.load8(2n ** 64n), /^addr: .* does not fit 64 bits/],
  ['a byte of 256', (t) => t.store8(0, 256), /^value: 256 is no integer from -128 to 255/],
  ['no length', (t) => t.mmap({} as { length: number }), /^length: neither a number nor a bigint/],
  [
    'an array of numbers',
    (t) => t.store(0, [1] as unknown as Uint8Array),
    /^from: not a Uint8Array/,
  ],
  ['a negative count', (t) => t.load(0, -1), /^into: -1/],
];

for (const [what, run, message] of MISUSE) {
  test(`${what} is an error that names the argument`, async () => {
    const task = await spawn();
    assert.throws(() => run(task), message);
    assert.throws(
      () => run(task),
      (error: unknown) => !(error instanceof LinuxError),
    );
  });
}

test('what Linux refuses is a LinuxError with its errno', async () => {
  const task = await spawn();
  assert.throws(
    () => task.mmap({ length: 0 }),
    (error: unknown) =>
      error instanceof LinuxError && error.code === 'EINVAL' && error.errno === -22,
  );
});

test('a file to map is one that the task has open', async () => {
  const machine = await Machine.create();
  const [task, other] = [machine.spawn(), machine.spawn()];
  const file = task.open('/tmp/f', 'w+');
  file.write(Uint8Array.of(7));
  const mine = other.open('/dev/zero');
  assert.is(mine.fd, file.fd);
  const strangers: readonly [unknown, RegExp][] = [
    [mine, /^file: an OpenFile of another task/],
    [{ fd: file.fd }, /^file: not an OpenFile/],
    [file.fd, /^file: not an OpenFile/],
    [null, /^file: not an OpenFile/],
  ];
  for (const [stranger, message] of strangers) {
    assert.throws(() => task.mmap({ length: 4096, file: stranger as never }), message);
  }
  assert.throws(() => task.fork().mmap({ length: 4096, file }), /^file: an OpenFile of another/);
  const thread = task.thread();
  assert.is(task.load8(thread.mmap({ length: 4096, file })), 7);
  file.close();
  assert.throws(() => task.mmap({ length: 4096, file }), /EBADF/);
  assert.throws(() => task.mmap(undefined as never), /^options: not an object/);
});

test.run();
