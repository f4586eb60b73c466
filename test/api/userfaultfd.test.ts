import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { MADV_DONTNEED, MAP_ANONYMOUS, MAP_SHARED } from '../../assembly/abi/mman.js';
import { PageFault } from '../../src/api/page-fault.js';
import type { Task } from '../../src/api/task.js';
import { LinuxError } from '../../src/errno.js';
import {
  Machine,
  O_RDWR,
  UFFD_FEATURE_SIGBUS,
  UFFD_FEATURE_WP_ASYNC,
  UFFDIO_REGISTER_MODE_MISSING as MISSING,
  UFFDIO_REGISTER_MODE_WP as WP,
} from '../../src/index.js';

const test = suite('api/userfaultfd');
const PAGE = 4096;
const ADDR = 0x100000000000n;
const PAGES = 8;

async function spawn(uid = 0): Promise<{ machine: Machine; task: Task }> {
  const machine = await Machine.create();
  const task = machine.spawn({ uid });
  task.mmap({ addr: ADDR, length: PAGES * PAGE, flags: 0x32 });
  return { machine, task };
}

const page = (value: number): Uint8Array => new Uint8Array(PAGE).fill(value);

/** The error's code, or the fault's, or what came. */
function attempt(act: () => unknown): unknown {
  try {
    return act() ?? 'done';
  } catch (error) {
    if (error instanceof PageFault || error instanceof LinuxError) return error.code;
    throw error;
  }
}

test('missing pages are asked for as they are touched, once each', async () => {
  const { machine, task } = await spawn();
  const asked: unknown[] = [];
  const uffd = task.userfaultfd({
    onFault(event, self) {
      asked.push(event);
      self.copy(event.address, page(Number((event.address - ADDR) / 4096n) + 1));
    },
  });
  uffd.register(ADDR, PAGES * PAGE);
  assert.is(task.load8(ADDR + 5n), 1);
  assert.is(task.load8(ADDR + 6n), 1);
  task.store8(ADDR + 4096n, 9);
  assert.equal([...task.load(ADDR + 4095n, 3)], [1, 9, 2]);
  const { tid } = task;
  assert.equal(asked, [
    { address: ADDR, write: false, wp: false, minor: false, tid },
    { address: ADDR + 4096n, write: true, wp: false, minor: false, tid },
  ]);
  assert.equal(machine.check(), []);
});

/** Every way to memory that is not there and that may wait; each asks for one page. */
const WAYS: readonly [name: string, page: number, act: (task: Task, other: Task) => unknown][] = [
  ['a load', 0, (task) => task.load64(ADDR)],
  ['a store', 1, (task) => task.store(ADDR + 4096n, page(3))],
  [
    'process_vm_readv',
    4,
    (task, other) => other.processVmRead(task, ADDR + 4n * 4096n, new Uint8Array(8)),
  ],
  ['process_vm_writev', 5, (task, other) => other.processVmWrite(task, ADDR + 5n * 4096n, page(1))],
  ['a system call that reads it', 6, (task) => task.syscall('chdir', ADDR + 6n * 4096n)],
  ['a system call that writes to it', 7, (task) => task.syscall('getcwd', ADDR + 7n * 4096n, 4096)],
];

for (const [name, index, act] of WAYS) {
  test(`${name} asks the handler`, async () => {
    const { machine, task } = await spawn();
    const other = machine.spawn();
    const pages: bigint[] = [];
    const uffd = task.userfaultfd({
      onFault({ address }, self) {
        pages.push((address - ADDR) / 4096n);
        self.zeropage(address, PAGE);
      },
    });
    uffd.register(ADDR, PAGES * PAGE);
    const result = attempt(() => act(task, other));
    assert.is.not(result, 'USERFAULT');
    assert.is.not(result, 'ERESTARTSYS');
    assert.is.not(result, -512);
    assert.equal(pages, [BigInt(index)]);
    assert.equal(machine.check(), []);
  });

  test(`${name} waits where nobody resolves the fault, and goes on when somebody has`, async () => {
    const { machine, task } = await spawn();
    const other = machine.spawn();
    const uffd = task.userfaultfd();
    uffd.register(ADDR, PAGES * PAGE);
    const waits = ['USERFAULT', 'ERESTARTSYS', -512];
    assert.ok(waits.includes(attempt(() => act(task, other)) as string));
    // Made again, it is the same access that waits.
    assert.ok(waits.includes(attempt(() => act(task, other)) as string));
    const event = uffd.take();
    assert.is(event?.address, ADDR + BigInt(index * PAGE));
    assert.is(uffd.take(), null);
    uffd.zeropage(event?.address ?? 0, PAGE);
    assert.not.ok(waits.includes(attempt(() => act(task, other)) as string));
    assert.equal(machine.check(), []);
  });
}

test('what a handler throws reaches whoever made the access, and the access can be made again', async () => {
  const { machine, task } = await spawn();
  const uffd = task.userfaultfd({
    onFault() {
      throw new RangeError('no such page');
    },
  });
  uffd.register(ADDR, PAGES * PAGE);
  assert.throws(() => task.load8(ADDR), /no such page/);
  assert.throws(() => machine.spawn().processVmRead(task, ADDR, page(0)), /no such page/);
  assert.equal(machine.check(), []);
  uffd.onFault = ({ address }, self) => self.copy(address, page(7));
  assert.is(task.load8(ADDR), 7);
});

test('another task resolves a fault by the descriptor that it inherited', async () => {
  const { machine, task } = await spawn();
  const uffd = task.userfaultfd();
  uffd.register(ADDR, PAGE);
  const pager = machine.task(task.fork().pid) as Task;
  assert.is(
    attempt(() => task.load8(ADDR)),
    'USERFAULT',
  );
  const message = new Uint8Array(32);
  assert.is(pager.file(uffd.fd).read(message), 32);
  assert.is(message[0], 0x12);
  assert.is(new DataView(message.buffer).getBigUint64(16, true), ADDR);
  // The child's own memory is nobody's to wait for.
  assert.is(pager.load8(ADDR), 0);
  assert.is(pager.userfaultfdOf(uffd.fd).copy(ADDR, page(4)), PAGE);
  assert.is(task.load8(ADDR), 4);
});

test('a page that is write-protected tells of the store, and not of loads', async () => {
  const { machine, task } = await spawn();
  task.store(ADDR, page(1));
  const seen: boolean[] = [];
  const uffd = task.userfaultfd({
    onFault({ address, wp, write }, self) {
      seen.push(wp && write);
      self.writeProtect(address, PAGE, false);
    },
  });
  uffd.register(ADDR, PAGE, WP);
  uffd.writeProtect(ADDR, PAGE);
  assert.is(task.load8(ADDR), 1);
  assert.equal(seen, []);
  task.store8(ADDR, 2);
  assert.equal(seen, [true]);
  assert.equal(machine.check(), []);
});

test('with WP_ASYNC a store only leaves a trace', async () => {
  const { task } = await spawn();
  const uffd = task.userfaultfd({ features: UFFD_FEATURE_WP_ASYNC });
  uffd.register(ADDR, 2 * PAGE, WP);
  uffd.writeProtect(ADDR, 2 * PAGE);
  task.store8(ADDR + 4096n, 1);
  const entries = new BigUint64Array(2);
  const pagemap = task.open('/proc/self/pagemap');
  pagemap.pread(new Uint8Array(entries.buffer), (ADDR / 4096n) * 8n);
  assert.equal(
    [...entries].map((entry) => (entry >> 57n) & 1n),
    [1n, 0n],
  );
});

test('a page moves without a copy', async () => {
  const { machine, task } = await spawn();
  task.store(ADDR, page(3));
  const uffd = task.userfaultfd();
  uffd.register(ADDR + 4096n, PAGE);
  assert.is(
    attempt(() => uffd.move(ADDR + 4096n, ADDR + 8192n, PAGE)),
    'ENOENT',
  );
  assert.is(uffd.move(ADDR + 4096n, ADDR, PAGE), PAGE);
  assert.equal([task.load8(ADDR + 4096n), task.load8(ADDR)], [3, 0]);
  assert.is(
    attempt(() => uffd.move(ADDR + 4096n, ADDR, PAGE)),
    'EEXIST',
  );
  assert.equal(machine.check(), []);
});

test('a poisoned page and UFFD_FEATURE_SIGBUS are bus errors', async () => {
  const { task } = await spawn();
  const uffd = task.userfaultfd({ features: UFFD_FEATURE_SIGBUS });
  uffd.register(ADDR, 2 * PAGE);
  uffd.poison(ADDR, PAGE);
  for (const at of [ADDR, ADDR + 4096n]) {
    const fault = attempt(() => task.load8(at));
    assert.is(fault, 'BUS_ADRERR');
    assert.is(
      attempt(() => task.open('/proc/self/mem').pread(page(0), at)),
      'EIO',
    );
  }
});

test('a mem file and ptrace never wait: what is not there is EIO to them', async () => {
  const { machine, task } = await spawn();
  const other = machine.spawn();
  const uffd = task.userfaultfd({
    onFault() {
      throw new RangeError('asked');
    },
  });
  uffd.register(ADDR, PAGES * PAGE);
  const mem = other.open(`/proc/${task.pid}/mem`, O_RDWR);
  assert.is(
    attempt(() => mem.pread(new Uint8Array(8), ADDR)),
    'EIO',
  );
  assert.is(
    attempt(() => mem.pwrite(page(1), ADDR)),
    'EIO',
  );
  other.ptraceAttach(task);
  assert.is(
    attempt(() => other.ptracePeek(task, ADDR)),
    'EIO',
  );
  assert.is(uffd.take(), null);
});

test('with userModeOnly only loads and stores wait (K-153)', async () => {
  const { machine, task } = await spawn();
  const other = machine.spawn();
  const uffd = task.userfaultfd({ userModeOnly: true });
  uffd.register(ADDR, PAGE);
  assert.is(
    attempt(() => task.load8(ADDR)),
    'USERFAULT',
  );
  assert.is(
    attempt(() => task.open('/proc/self/mem').pread(page(0), ADDR)),
    'EIO',
  );
  assert.is(
    attempt(() => other.processVmRead(task, ADDR, page(0))),
    'EFAULT',
  );
  assert.is(task.syscall('chdir', ADDR), -14);
});

test('closing the descriptor lets everybody go on', async () => {
  const { machine, task } = await spawn();
  const uffd = task.userfaultfd();
  uffd.register(ADDR, PAGES * PAGE);
  assert.is(
    attempt(() => task.load8(ADDR)),
    'USERFAULT',
  );
  uffd.close();
  assert.is(task.load8(ADDR), 0);
  assert.is(
    attempt(() => uffd.wake(ADDR, PAGE)),
    'EBADF',
  );
  assert.is(
    attempt(() => uffd.copy(ADDR, page(1))),
    'EBADF',
  );
  assert.equal(machine.check(), []);
});

test('shared memory that was dropped from one mapping only is not missing', async () => {
  const { task } = await spawn();
  const shared = task.mmap({ length: PAGE, flags: MAP_SHARED | MAP_ANONYMOUS });
  task.store8(shared, 6);
  task.madvise(shared, PAGE, MADV_DONTNEED);
  const uffd = task.userfaultfd();
  uffd.register(shared, PAGE, MISSING);
  assert.is(task.load8(shared), 6);
});

test('who may not see faults of the kernel is refused, unless the machine allows it', async () => {
  const { machine, task } = await spawn(1000);
  assert.is(
    attempt(() => task.userfaultfd()),
    'EPERM',
  );
  assert.is(
    attempt(() => task.open('/dev/userfaultfd', O_RDWR)),
    'EACCES',
  );
  task.userfaultfd({ userModeOnly: true }).close();
  machine.sysctl('vm.unprivileged_userfaultfd', 1);
  task.userfaultfd().close();
});

test('it is a file that says what waits', async () => {
  const { machine, task } = await spawn();
  const uffd = task.userfaultfd();
  uffd.register(ADDR, PAGE);
  assert.is(task.readlink(`/proc/self/fd/${uffd.fd}`), 'anon_inode:[userfaultfd]');
  assert.is(
    attempt(() => task.load8(ADDR)),
    'USERFAULT',
  );
  const info = machine.spawn().readText(`/proc/${task.pid}/fdinfo/${uffd.fd}`);
  assert.match(info, /^flags:\t02004000\n/m);
  assert.match(info, /^pending:\t1\ntotal:\t1\nAPI:\taa:80000000:[0-9a-f]+\n/m);
  uffd.take();
  const after = task.readText(`/proc/self/fdinfo/${uffd.fd}`);
  assert.match(after, /^pending:\t0\ntotal:\t1\n/m);
});

test('a locked mapping that grows does not wait for its new pages', async () => {
  const { machine, task } = await spawn();
  assert.is(task.syscall('mlock', ADDR, PAGE), 0);
  const uffd = task.userfaultfd();
  uffd.register(ADDR, PAGE);
  task.munmap(ADDR + 4096n, 7 * PAGE);
  assert.is(task.mremap(ADDR, PAGE, 2 * PAGE), ADDR);
  assert.is(
    attempt(() => task.load8(ADDR + 4096n)),
    'USERFAULT',
  );
  assert.equal(machine.check(), []);
});

test('misuse is named', async () => {
  const { task } = await spawn();
  const uffd = task.userfaultfd();
  assert.throws(() => task.userfaultfd({ features: -1 }), RangeError);
  assert.throws(() => uffd.register(ADDR, PAGE, 8), RangeError);
  assert.throws(() => {
    uffd.onFault = 5 as never;
  }, TypeError);
  assert.is(
    attempt(() => task.userfaultfd({ features: 2 })),
    'EINVAL',
  );
  assert.is(
    attempt(() => task.userfaultfdOf(99)),
    'EBADF',
  );
  assert.is(
    attempt(() => task.userfaultfdOf(task.memfdCreate('x').fd)),
    'EINVAL',
  );
  assert.is(
    attempt(() => uffd.copy(ADDR, new Uint8Array(5))),
    'EINVAL',
  );
});

test.run();
