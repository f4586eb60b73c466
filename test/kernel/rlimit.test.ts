import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { CAP_FULL_SET, CAP_SYS_RESOURCE, capMask } from '../../src/kernel/capability.js';
import { copyProcess } from '../../src/kernel/fork.js';
import {
  checkPrlimitPermission,
  doPrlimit,
  RLIM_INFINITY,
  RLIMIT_AS,
  RLIMIT_NOFILE,
  RLIMIT_STACK,
  stackLimit,
} from '../../src/kernel/rlimit.js';
import { SIGCHLD } from '../../src/kernel/signal.js';
import { CLONE_NEWUSER, sysUnshare } from '../../src/kernel/unshare.js';
import { NO_LIMIT } from '../../src/mm/address.js';
import type { SpawnOptions } from './fixture.js';
import { makeKernel, outcome, spawn } from './fixture.js';

const RESOURCE = capMask(CAP_SYS_RESOURCE);

const test = suite('kernel/rlimit');

test('limits start as the kernel gives them to pid 1', () => {
  const { rlimits } = spawn(makeKernel()).group;
  assert.is(rlimits.soft(RLIMIT_STACK), 8388608);
  assert.is(rlimits.soft(RLIMIT_AS), Infinity);
  assert.equal(rlimits.get(RLIMIT_NOFILE), { cur: 1024n, max: 4096n });
});

test('a hard limit is raised with CAP_SYS_RESOURCE in the initial namespace only', () => {
  // Hard limit of RLIMIT_NOFILE is 4096 before.
  const rows: [SpawnOptions, bigint, bigint, string | undefined][] = [
    [{ uid: 1000 }, 4096n, 4096n, undefined],
    [{ uid: 1000 }, 1n, 4097n, 'EPERM'],
    [{ uid: 1000, caps: RESOURCE }, 1n, 4097n, undefined],
    [{ uid: 0, caps: CAP_FULL_SET & ~RESOURCE }, 1n, 4097n, 'EPERM'],
    [{ uid: 1000 }, 2n, 1n, 'EINVAL'],
    [{}, 1n, 1048576n, undefined],
    [{}, 1n, 1048577n, 'EPERM'],
    [{}, 2n, 1n, 'EINVAL'],
  ];
  for (const [start, cur, max, expected] of rows) {
    const task = spawn(makeKernel(), start);
    const old = outcome(() => doPrlimit(task, task, RLIMIT_NOFILE, { cur, max }));
    assert.is(typeof old === 'string' ? old : undefined, expected);
    const now = expected === undefined ? { cur, max } : { cur: 1024n, max: 4096n };
    assert.equal(task.group.rlimits.get(RLIMIT_NOFILE), now);
  }
  const inside = spawn(makeKernel(), { uid: 1000 });
  sysUnshare(inside, CLONE_NEWUSER);
  const raise = (): unknown => doPrlimit(inside, inside, RLIMIT_NOFILE, { cur: 1n, max: 4097n });
  assert.is(outcome(raise), 'EPERM');
});

test('a lowered hard limit stays low, and a read changes nothing', () => {
  const task = spawn(makeKernel(), { uid: 1000 });
  doPrlimit(task, task, RLIMIT_AS, { cur: 1n, max: 2n ** 63n + 1n });
  assert.equal(doPrlimit(task, task, RLIMIT_AS, null), { cur: 1n, max: 2n ** 63n + 1n });
  const raise = (): unknown => doPrlimit(task, task, RLIMIT_AS, { cur: 1n, max: RLIM_INFINITY });
  assert.is(outcome(raise), 'EPERM');
});

test('an unknown resource is EINVAL', () => {
  const task = spawn(makeKernel());
  for (const resource of [16, -1, 99]) {
    assert.is(
      outcome(() => doPrlimit(task, task, resource, null)),
      'EINVAL',
    );
  }
});

test('limits are inherited by copy', () => {
  const parent = spawn(makeKernel());
  const child = copyProcess(parent, { flags: SIGCHLD });
  doPrlimit(child, child, RLIMIT_NOFILE, { cur: 3n, max: 3n });
  assert.is(parent.group.rlimits.soft(RLIMIT_NOFILE), 1024);
});

test("another's limits need the six ids or CAP_SYS_RESOURCE", () => {
  const kernel = makeKernel();
  const target = spawn(kernel, { uid: 1000 });
  const rows: [SpawnOptions, string | undefined][] = [
    [{ uid: 1000 }, undefined],
    [{ uid: 1000, gid: 1001 }, 'EPERM'],
    [{ uid: [1001, 1000, 1000], gid: 1000 }, 'EPERM'],
    [{ uid: [1000, 1001, 1001], gid: 1000 }, undefined],
    [{ uid: 5, caps: RESOURCE }, undefined],
    [{ uid: 0, caps: CAP_FULL_SET & ~RESOURCE }, 'EPERM'],
  ];
  for (const [start, expected] of rows) {
    const caller = spawn(kernel, start);
    assert.is(
      outcome(() => checkPrlimitPermission(caller, target)),
      expected,
    );
    assert.is(
      outcome(() => checkPrlimitPermission(caller, caller)),
      undefined,
    );
  }
});

test('RLIMIT_STACK reaches the memory, whose stacks it bounds (K-171)', () => {
  const task = spawn(makeKernel());
  doPrlimit(task, task, RLIMIT_STACK, { cur: 65536n, max: RLIM_INFINITY });
  assert.is(task.mm?.stackLimit, 65536);
  assert.is(stackLimit(task), 65536);
  doPrlimit(task, task, RLIMIT_STACK, { cur: RLIM_INFINITY, max: RLIM_INFINITY });
  assert.is(stackLimit(task), NO_LIMIT);
});

test.run();
