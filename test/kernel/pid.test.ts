import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { doExit } from '../../src/kernel/exit.js';
import { createProcess } from '../../src/kernel/fork.js';
import type { TaskStruct } from '../../src/kernel/task.js';
import { framesInUse, makeKernel, outcome, spawn } from './fixture.js';
import { family, fork, reap } from './lifecycle.js';

const test = suite('kernel/pid');

test('numbers ascend, and come again from 300 after a wrap', () => {
  const kernel = makeKernel();
  kernel.sysctl.set('kernel.pid_max', 310);
  const parent = spawn(kernel);
  assert.is(kernel.init.pid, 1);
  assert.is(parent.pid, 2);
  const given: number[] = [];
  for (let i = 0; i < 310; i++) {
    const child = fork(parent);
    given.push(child.pid);
    doExit(child, 0);
    reap(parent);
  }
  assert.equal(given.slice(0, 3), [3, 4, 5]);
  assert.equal(given.slice(305, 310), [308, 309, 300, 301, 302]);
});

test('a number in use is passed over; none left is EAGAIN', () => {
  const kernel = makeKernel();
  kernel.sysctl.set('kernel.pid_max', 301);
  const parent = spawn(kernel);
  for (let pid = 3; pid < 301; pid++) assert.is(fork(parent).pid, pid);
  const frames = framesInUse();
  assert.is(
    outcome(() => fork(parent)),
    'EAGAIN',
  );
  assert.is(framesInUse(), frames);
  doExit(kernel.findTask(300) as TaskStruct, 0);
  reap(parent);
  assert.is(fork(parent).pid, 300);
  kernel.shutdown();
});

test('a reference to a number leads to nobody after the reap (K-006)', () => {
  const { parent, child } = family(makeKernel());
  const { threadPid } = child;
  doExit(child, 0);
  assert.is(threadPid.task, child);
  reap(parent);
  assert.is(threadPid.task, null);
  assert.is(parent.kernel.findTask(threadPid.nr), null);
});

test('a process group keeps the number of its first task', () => {
  const kernel = makeKernel();
  const parent = createProcess(kernel, kernel.init, { comm: 'sh' });
  const number = parent.threadPid;
  kernel.pids.put(parent.group.pgrp);
  parent.group.pgrp = kernel.pids.get(number);
  const child = fork(parent);
  doExit(parent, 0);
  assert.is(kernel.findTask(number.nr), null);
  assert.is(kernel.pids.findPid(number.nr), number);
  assert.is(child.group.pgid, number.nr);
  doExit(child, 0);
  assert.is(kernel.pids.findPid(number.nr), null);
});

test.run();
