import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { doExit, doExitGroup, exitStatus } from '../../src/kernel/exit.js';
import { copyProcess } from '../../src/kernel/fork.js';
import { sysPrctl } from '../../src/kernel/prctl.js';
import { SIGCHLD, SIGKILL } from '../../src/kernel/signal.js';
import { CLONE_VM } from '../../src/kernel/unshare.js';
import { framesInUse, makeKernel, map, spawn } from './fixture.js';
import { family, fork, reap, thread } from './lifecycle.js';

const PR_SET_CHILD_SUBREAPER = 36;

const test = suite('kernel/exit');

test('a zombie has no memory and no files, and waits for its parent', () => {
  const { parent, child } = family(makeKernel());
  doExitGroup(child, exitStatus(7));
  assert.is(child.state, 'Z');
  assert.is(child.mm, null);
  assert.is(parent.kernel.findTask(child.pid), child);
  assert.is(reap(parent), 0x700);
  assert.is(child.state, 'X');
  assert.is(parent.kernel.findTask(child.pid), null);
  assert.is(reap(parent), 'ECHILD');
});

test('a zombie remembers whether its memory was dumpable (K-047)', () => {
  const { parent } = family(makeKernel());
  for (const dumpable of [0, 1, 2] as const) {
    const child = spawn(parent.kernel, { parent, dumpable });
    doExit(child, 0);
    assert.is(child.userDumpable, dumpable === 1);
  }
});

test('pid 1 reaps its children at once', () => {
  const kernel = makeKernel();
  const child = spawn(kernel);
  doExit(child, 0);
  assert.is(child.state, 'X');
});

test('memory lives while anybody uses it', () => {
  const parent = spawn(makeKernel());
  const child = copyProcess(parent, { flags: CLONE_VM | SIGCHLD });
  const { mm } = parent;
  doExit(child, 0);
  assert.ok(mm?.alive);
  doExit(parent, 0);
  assert.not(mm?.alive);
});

test('a leader that exits waits for its threads (K-034)', () => {
  const { parent, child } = family(makeKernel());
  const second = thread(child);
  doExit(child, exitStatus(1));
  assert.is(child.state, 'Z');
  assert.is(child.mm, null);
  assert.ok(second.mm?.alive);
  assert.is(reap(parent), null);
  doExit(second, exitStatus(2));
  assert.is(second.state, 'X');
  // The status is the leader's own: the group never exited as one.
  assert.is(reap(parent), 0x100);
});

test('such a leader vanishes with its last thread when nobody waits', () => {
  const kernel = makeKernel();
  const leader = spawn(kernel);
  const second = thread(leader);
  doExit(leader, 0);
  doExit(second, 0);
  assert.is(leader.state, 'X');
});

test('exit_group ends all threads with one status', () => {
  const { parent, child } = family(makeKernel());
  const second = thread(child);
  const third = thread(child);
  doExitGroup(second, exitStatus(3));
  assert.is(third.state, 'X');
  assert.is(child.state, 'Z');
  assert.is(reap(parent), 0x300);
});

test('orphans come to pid 1, or to the nearest subreaper', () => {
  const kernel = makeKernel();
  const { parent, child } = family(kernel);
  const grandchild = fork(child);
  doExit(child, 0);
  assert.is(grandchild.parent, kernel.init);
  sysPrctl(parent, PR_SET_CHILD_SUBREAPER, [1n, 0n, 0n, 0n]);
  const second = fork(parent);
  const deep = fork(second);
  doExit(second, 0);
  assert.is(deep.parent, parent);
  doExit(deep, exitStatus(4));
  assert.is(reap(parent, deep.pid), 0x400);
});

test('a subreaper declared late still counts for those already there', () => {
  const { parent, child } = family(makeKernel());
  const grandchild = fork(child);
  const deep = fork(grandchild);
  sysPrctl(parent, PR_SET_CHILD_SUBREAPER, [1n, 0n, 0n, 0n]);
  doExitGroup(grandchild, 0);
  assert.is(deep.parent, parent);
});

test('children of a thread that exits stay with its process', () => {
  const leader = spawn(makeKernel());
  const second = thread(leader);
  const child = fork(second);
  doExit(second, 0);
  assert.is(child.parent, leader);
  assert.equal(leader.children, [child]);
});

test('a zombie orphan is reaped by pid 1 at once', () => {
  const { parent, child } = family(makeKernel());
  doExit(child, 0);
  assert.is(child.state, 'Z');
  doExit(parent, 0);
  assert.is(child.state, 'X');
});

test('a child is told of the death of the parent it asked about', () => {
  const { parent, child } = family(makeKernel());
  const spared = fork(parent);
  child.pdeathSignal = SIGKILL;
  doExit(parent, 0);
  assert.is(child.state, 'X');
  assert.is(spared.state, 'R');
});

test('every frame is free when all is over', () => {
  const before = framesInUse();
  const kernel = makeKernel();
  const { parent, child } = family(kernel);
  map(child, 0x10000, 65536, 3);
  thread(child);
  fork(child);
  doExitGroup(child, 0);
  doExitGroup(parent, 0);
  kernel.shutdown();
  assert.is(framesInUse(), before);
});

test.run();
