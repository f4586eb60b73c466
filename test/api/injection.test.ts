import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import type { InjectionOptions } from '../../src/api/injection.js';
import { LinuxError } from '../../src/errno.js';
import { NR_GENERIC } from '../../src/syscall/table-generic.js';
import { NR_X86_64 } from '../../src/syscall/table-x86-64.js';
import { outcome, PAGE, SCRATCH, type World, world } from './injection-world.js';

const EPERM = 1;
const EIO = 5;

/** The reads that a rule acted on, of six. */
function readSix({ mem, addr }: World): unknown[] {
  return [1, 2, 3, 4, 5, 6].map(() => outcome(() => mem.pread(new Uint8Array(8), addr)));
}

/** process_vm_readv by number, as a CPU makes it, of 8 bytes to SCRATCH. */
function readvByNumber({ target, reader, addr }: World, arch: 'x86_64' | 'riscv64'): unknown {
  const iovs = new BigUint64Array([BigInt(SCRATCH), 8n, addr, 8n]);
  reader.store(SCRATCH + PAGE, new Uint8Array(iovs.buffer));
  const nr = (arch === 'x86_64' ? NR_X86_64 : NR_GENERIC).process_vm_readv;
  const args = [target.pid, SCRATCH + PAGE, 1, SCRATCH + PAGE + 16, 1, 0] as const;
  return reader.syscallOn(arch, nr, ...args);
}

const test = suite('api/injection');

test('the nth call of a task fails, whether it comes through an object, by name or by number', async () => {
  const it = await world();
  const { machine, target, reader, addr } = it;
  machine.inject({ call: 'process_vm_readv', task: reader, nth: [1, 3, 5], errno: 'EPERM' });
  const byObject = () => outcome(() => reader.processVmRead(target, addr, new Uint8Array(8)));
  assert.equal([byObject(), byObject()], ['EPERM', 8]);
  assert.equal([readvByNumber(it, 'x86_64'), readvByNumber(it, 'x86_64')], [-EPERM, 8]);
  assert.equal([readvByNumber(it, 'riscv64'), readvByNumber(it, 'riscv64')], [-EPERM, 8]);
  assert.equal(
    machine.injections.map(({ call, pid, tid, nth, effect }) => [call, pid, tid, nth, effect]),
    [1, 3, 5].map((nth) => ['process_vm_readv', reader.pid, reader.tid, nth, 'EPERM']),
  );
  assert.equal(machine.check(), []);
});

test('a call that fails so has done nothing', async () => {
  const { machine, target, addr, mem } = await world();
  machine.inject({ call: 'pwrite64', errno: 'ENOSPC' });
  machine.inject({ call: 'mmap', task: target, errno: 'ENOMEM' });
  const maps = target.readText('/proc/self/maps');
  assert.is(
    outcome(() => mem.pwrite(new Uint8Array(4), addr)),
    'ENOSPC',
  );
  assert.is(
    outcome(() => target.mmap({ length: PAGE })),
    'ENOMEM',
  );
  assert.is(target.load32(addr), 0x61616161);
  assert.is(target.readText('/proc/self/maps'), maps);
});

test('errors carry the call and the path, as those of the kernel do', async () => {
  const { machine, reader, mem } = await world();
  machine.inject({ call: ['read', 'open'], errno: 'EIO' });
  const error = (call: () => unknown): Partial<LinuxError> => {
    try {
      call();
    } catch (thrown) {
      const { code, errno, syscall, path } = thrown as LinuxError;
      return { code, errno, syscall: syscall as string, path: path as string };
    }
    throw new Error('it did not fail');
  };
  assert.equal(
    error(() => mem.read(new Uint8Array(1))),
    {
      ...{ code: 'EIO', errno: -EIO, syscall: 'read', path: mem.path },
    },
  );
  assert.equal(
    error(() => reader.open('/x', 'w')),
    {
      ...{ code: 'EIO', errno: -EIO, syscall: 'open', path: '/x' },
    },
  );
});

const TIMES: readonly (readonly [string, Partial<InjectionOptions>, number[]])[] = [
  ['all', {}, [1, 2, 3, 4, 5, 6]],
  ['the second', { nth: 2 }, [2]],
  ['the first and the last', { nth: [1, 6] }, [1, 6]],
  ['every second', { every: 2 }, [2, 4, 6]],
  ['every second, once', { every: 2, times: 1 }, [2]],
  ['every first', { every: 1, times: 2 }, [1, 2]],
  ['none of a probability of 0', { probability: 0 }, []],
  ['all of a probability of 1', { probability: 1 }, [1, 2, 3, 4, 5, 6]],
];

for (const [name, times, expected] of TIMES) {
  test(`of six calls ${name} can fail`, async () => {
    const it = await world();
    const injection = it.machine.inject({ call: 'pread64', errno: 'EINTR', ...times });
    const failed = readSix(it).flatMap((answer, i) => (answer === 'EINTR' ? [i + 1] : []));
    assert.equal(failed, expected);
    assert.equal([injection.seen, injection.fired], [6, expected.length]);
    assert.equal(
      it.machine.injections.map(({ nth }) => nth),
      expected,
    );
  });
}

test('a probability with a seed gives the same calls each time, and others with another', async () => {
  const calls = async (seed: number): Promise<string> => {
    const it = await world();
    it.machine.inject({ call: 'pread64', errno: 'EINTR', probability: 0.5, seed });
    return Array.from({ length: 10 }, () => readSix(it).join()).join();
  };
  assert.is(await calls(1), await calls(1));
  assert.is.not(await calls(1), await calls(2));
});

test('a short call moves and counts as many bytes as it says', async () => {
  const it = await world();
  const { machine, target, reader, addr, mem } = it;
  const into = new Uint8Array(8);
  const rule = machine.inject({ call: ['read', 'pread64', 'readv'], short: 3 });
  mem.seek(addr);
  assert.is(mem.read(into), 3);
  assert.is(mem.seek(0, 1), addr + 3n, 'the position moved by the count');
  assert.equal([...into], [0x61, 0x61, 0x61, 0, 0, 0, 0, 0]);
  const [one, two] = [new Uint8Array(2), new Uint8Array(4)];
  assert.is(mem.readv([one, two], addr), 3);
  assert.equal(
    [[...one], [...two]],
    [
      [0x61, 0x61],
      [0x61, 0, 0, 0],
    ],
  );
  assert.is(reader.syscall('pread64', mem.fd, SCRATCH, 8, addr), 3);
  assert.is(mem.pread(new Uint8Array(2), addr), 2, 'less than the limit is not cut');
  rule.remove();
  machine.inject({ call: ['process_vm_readv', 'process_vm_writev', 'pwrite64'], short: 5 });
  assert.is(readvByNumber(it, 'x86_64'), 5);
  assert.is(reader.processVmRead(target, addr, new Uint8Array(8)), 5);
  assert.is(reader.processVmWrite(target, addr, new Uint8Array(8)), 5);
  assert.is(mem.pwrite(new Uint8Array(8).fill(1), addr), 5);
  assert.is(target.load64(addr), 0x6161610101010101n);
  assert.equal(machine.check(), []);
});

test('a limit is that of its call: it does not reach the next one', async () => {
  const { machine, addr, mem, reader } = await world();
  machine.inject({ call: 'pread64', nth: 1, short: 0 });
  assert.is(reader.syscall('pread64', 99, SCRATCH, 8, addr), -9, 'EBADF before a byte is moved');
  mem.seek(addr);
  assert.is(mem.read(new Uint8Array(8)), 8);
});

test('a target exits under an open file: the call that finds it dead reads nothing (K-100)', async () => {
  const it = await world();
  it.machine.inject({ call: 'pread64', file: it.mem, nth: 3, exit: it.target });
  assert.equal(readSix(it), [8, 8, 0, 0, 0, 0]);
  assert.is(it.target.exited, true);
  assert.is(it.machine.injections[0]?.effect, `exit ${it.target.pid}`);
  assert.equal(it.machine.check(), []);
});

test('a target runs another program under an open file, which stays with the old memory (K-101)', async () => {
  const it = await world();
  const { machine, target, reader, mem } = it;
  machine.inject({ call: 'pread64', nth: 2, exec: { task: target, path: '/bin/other' } });
  assert.equal(readSix(it), [8, 0, 0, 0, 0, 0]);
  assert.is(target.comm, 'other');
  const stack = /([0-9a-f]+)-.*\[stack\]/.exec(target.readText('/proc/self/maps'))?.[1];
  const fresh = reader.open(`/proc/${target.pid}/mem`);
  assert.is(fresh.pread(new Uint8Array(8), BigInt(`0x${stack}`)), 8);
  assert.is(mem.pread(new Uint8Array(8), BigInt(`0x${stack}`)), 0);
  assert.equal(machine.check(), []);
});

test('a program that cannot be started is the error of the call, and the task goes on', async () => {
  const { machine, target, addr, mem } = await world();
  machine.inject({ call: 'pread64', nth: 1, exec: { task: target, path: '/bin/none' } });
  assert.is(
    outcome(() => mem.pread(new Uint8Array(8), addr)),
    'ENOENT',
  );
  assert.is(mem.pread(new Uint8Array(8), addr), 8);
});

test('a caller that is made to exit never makes its call', async () => {
  const { machine, reader, target, addr } = await world();
  machine.inject({ call: 'process_vm_writev', nth: 1, exit: reader });
  const write = () => reader.processVmWrite(target, addr, new Uint8Array(8));
  assert.throws(write, (error: unknown) => error instanceof TypeError);
  assert.is(target.load8(addr), 0x61);
  assert.is(reader.exited, true);
  assert.equal(machine.check(), []);
});

test('what a rule runs is not counted, and may end the rule itself', async () => {
  const it = await world();
  const { machine, target, mem, addr } = it;
  const seen: unknown[] = [];
  const rule = machine.inject({
    call: 'pread64',
    run({ task, call, fd, nth }) {
      seen.push([task.pid, call, fd, nth]);
      assert.is(mem.pread(new Uint8Array(1), addr + 4096n), 1);
      target.munmap(addr, PAGE);
      if (nth === 2) rule.remove();
    },
  });
  assert.equal(
    outcome(() => mem.pread(new Uint8Array(8), addr + 4096n)),
    8,
  );
  assert.is(
    outcome(() => mem.pread(new Uint8Array(8), addr)),
    'EIO',
  );
  assert.is(mem.pread(new Uint8Array(8), addr + 4096n), 8);
  const { pid } = it.reader;
  assert.equal(seen, [
    [pid, 'pread64', mem.fd, 1],
    [pid, 'pread64', mem.fd, 2],
  ]);
  assert.is(rule.seen, 2);
  assert.equal(machine.check(), []);
});

test('an error that a rule throws reaches the caller, and leaves nothing half done', async () => {
  const { machine, mem, addr } = await world();
  const run = () => {
    throw new RangeError('mine');
  };
  const rule = machine.inject({ call: 'pread64', nth: 1, run });
  assert.throws(() => mem.pread(new Uint8Array(8), addr), /^mine/);
  assert.is(mem.pread(new Uint8Array(8), addr), 8, 'rules are asked again');
  assert.is(rule.seen, 2);
  assert.equal(machine.check(), []);
});

test('a rule about a task or a file leaves others alone', async () => {
  const { machine, target, reader, mem, addr } = await world();
  const other = reader.open(`/proc/${target.pid}/mem`);
  machine.inject({ call: 'pread64', file: mem, errno: 'EIO' });
  machine.inject({ call: 'getpid', task: target, errno: 'EPERM' });
  assert.is(
    outcome(() => other.pread(new Uint8Array(1), addr)),
    1,
  );
  assert.is(
    outcome(() => mem.pread(new Uint8Array(1), addr)),
    'EIO',
  );
  assert.is(reader.syscall('pread64', mem.fd, SCRATCH, 1, addr), -EIO);
  assert.equal([reader.syscall('getpid'), target.syscall('getpid')], [reader.pid, -EPERM]);
});

test('names that do the same stand for each other', async () => {
  const { machine, reader } = await world();
  machine.inject({ call: 'openat', errno: 'EMFILE' });
  machine.inject({ call: 'clone3', errno: 'EAGAIN' });
  assert.is(
    outcome(() => reader.open('/proc/self/maps')),
    'EMFILE',
  );
  assert.is(
    outcome(() => reader.fork()),
    'EAGAIN',
  );
  assert.is(
    outcome(() => reader.thread()),
    'EAGAIN',
  );
});

test('a call that the machine does not have can be refused otherwise than by ENOSYS', async () => {
  const { machine, reader } = await world();
  assert.is(reader.syscall('io_uring_setup'), -38);
  machine.inject({ call: 'io_uring_setup', errno: 'EPERM' });
  assert.is(reader.syscall('io_uring_setup'), -EPERM);
});

test('a rule that is removed does nothing more, and a machine without rules asks nobody', async () => {
  const it = await world();
  const { machine } = it;
  assert.is(machine.kernel.entry, null);
  const [one, two] = [1, 2].map((nth) => machine.inject({ call: 'pread64', nth, errno: 'EIO' }));
  one?.remove();
  one?.remove();
  assert.equal(readSix(it), [8, 'EIO', 8, 8, 8, 8]);
  two?.remove();
  assert.is(machine.kernel.entry, null);
  assert.is(machine.injections.length, 1);
  machine.inject({ call: 'pread64', errno: 'EIO' });
  machine.clearInjections();
  assert.equal([machine.injections.length, machine.kernel.entry], [0, null]);
  assert.equal(readSix(it), [8, 8, 8, 8, 8, 8]);
});

test.run();
