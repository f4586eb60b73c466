import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import type { Task } from '../../src/api/task.js';
import { LinuxError } from '../../src/errno.js';
import {
  RLIMIT_AS,
  RLIMIT_NPROC,
  RLIMIT_SIGPENDING,
  RLIMIT_STACK,
} from '../../src/kernel/rlimit.js';
import { Machine } from '../../src/machine.js';

const test = suite('kernel/mm-limits');
const MIB = 2 ** 20;
const TOP = 0x100004000000;
const PRIVATE_GROWING = 0x132;

function codeOf(action: () => unknown): string {
  try {
    return String(action());
  } catch (error) {
    if (error instanceof LinuxError) return error.code;
    throw error;
  }
}

/** Sets a soft limit, as the process itself would. */
function limit(task: Task, resource: number, bytes: number): void {
  const { rlimits } = task.struct.group;
  const at = task.mmap({ length: 4096 });
  const { max } = rlimits.get(resource);
  task.store(at, new Uint8Array(new BigUint64Array([BigInt(bytes), max]).buffer));
  assert.is(task.syscall('prlimit64', 0, resource, at, 0), 0);
}

/** Limit, the target's value and the caller's, and what a write 3 MiB below a stack then gives. */
const rows: readonly (readonly [number, number, number, string])[] = [
  [RLIMIT_STACK, 0x10000, 8 * MIB, '1'],
  [RLIMIT_STACK, 8 * MIB, 0x10000, 'EIO'],
  [RLIMIT_STACK, 8 * MIB, 8 * MIB, '1'],
  [RLIMIT_AS, 4 * MIB, 2 ** 40, '1'],
  [RLIMIT_AS, 2 ** 40, MIB, 'EIO'],
  [RLIMIT_AS, 2 ** 40, 2 ** 40, '1'],
];
test('a stack that grows by an access from outside is held by the limits of who makes it', async () => {
  const machine = await Machine.create();
  for (const [resource, ofTarget, ofCaller, expected] of rows) {
    const caller = machine.spawn();
    const target = machine.spawn({ parent: caller });
    target.mmap({ addr: TOP - 4096, length: 4096, flags: PRIVATE_GROWING });
    limit(target, resource, ofTarget);
    const mem = caller.open(`/proc/${target.pid}/mem`, 'r+');
    limit(caller, resource, ofCaller);
    const write = (): number => mem.pwrite(Uint8Array.of(1), TOP - 3 * MIB);
    assert.is(codeOf(write), expected, `${resource} ${ofTarget} ${ofCaller}`);
    // The target's own accesses are held by its own, before and after.
    const own = codeOf(() => {
      try {
        return target.store8(TOP - 5 * MIB, 1);
      } catch {
        return 'fault';
      }
    });
    assert.is(own === 'fault', ofTarget < 5 * MIB, `own ${resource} ${ofTarget}`);
    target.exit();
    caller.exit();
  }
});

test('fork promises memory by the overcommit settings of its moment', async () => {
  const machine = await Machine.create({ profile: { totalRam: 64 * MIB } });
  const parent = machine.spawn({ uid: 1000 });
  parent.mmap({ length: 24 * MIB });
  parent.fork().exit();
  machine.sysctl('vm.overcommit_memory', 2);
  assert.is(
    codeOf(() => parent.fork()),
    'ENOMEM',
  );
  machine.sysctl('vm.overcommit_memory', 1);
  parent.fork().exit();
  assert.equal(machine.check(), []);
});

test('threads and waiting signals of a user are bounded by the memory of the machine', async () => {
  const machine = await Machine.create({ profile: { totalRam: 16 * 1024 * MIB } });
  const { rlimits } = machine.spawn().struct.group;
  assert.equal(rlimits.get(RLIMIT_NPROC), { cur: 65536n, max: 65536n });
  assert.equal(rlimits.get(RLIMIT_SIGPENDING), { cur: 65536n, max: 65536n });
});

test('pid 1 makes no system calls', async () => {
  const machine = await Machine.create();
  for (const call of ['exit_group', 'getpid', 'mmap', 39]) {
    assert.throws(() => machine.task(1)?.syscall(call), /^task: pid 1 is the kernel/);
  }
  assert.is(machine.task(1)?.exited, false);
  machine.spawn().fork();
});

test.run();
