import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { doExit } from '../../src/kernel/exit.js';
import { copyProcess } from '../../src/kernel/fork.js';
import { RLIM_INFINITY, RLIMIT_NPROC } from '../../src/kernel/rlimit.js';
import { SIGCHLD } from '../../src/kernel/signal.js';
import type { TaskStruct } from '../../src/kernel/task.js';
import {
  CLONE_FILES,
  CLONE_FS,
  CLONE_NEWNS,
  CLONE_NEWUSER,
  CLONE_PARENT,
  CLONE_SIGHAND,
  CLONE_THREAD,
  CLONE_VM,
} from '../../src/kernel/unshare.js';
import { cpuLoad, cpuStore } from '../../src/mm/cpu.js';
import { FakeFiles, FakeFs, makeKernel, map, outcome, spawn } from './fixture.js';
import { THREAD, family, fork, thread } from './lifecycle.js';

const test = suite('kernel/fork');

test('a child has what its parent had', () => {
  const kernel = makeKernel();
  const files = new FakeFiles();
  const parent = spawn(kernel, { uid: 1000, comm: 'a program of name', dumpable: 0, files });
  parent.noNewPrivs = true;
  parent.pdeathSignal = 9;
  const child = fork(parent);
  assert.is(child.comm, 'a program of na');
  assert.is(child.cred, parent.cred);
  assert.is(child.noNewPrivs, true);
  assert.is(child.pdeathSignal, 0);
  assert.is(child.parent, parent);
  assert.equal(parent.children, [child]);
  assert.is.not(child.mm, parent.mm);
  assert.is(child.mm?.dumpable, 0);
  assert.is.not(child.files, files);
  assert.is.not(child.group.rlimits, parent.group.rlimits);
});

test('memory is copied on write, and shared with CLONE_VM (K-301, K-550)', () => {
  const parent = spawn(makeKernel());
  map(parent, 0x10000, 4096, 3);
  const child = fork(parent);
  const sharer = copyProcess(parent, { flags: CLONE_VM | SIGCHLD });
  assert.ok(parent.mm && child.mm);
  cpuStore(parent.mm, 0x10000, Uint8Array.of(7));
  const byte = new Uint8Array(1);
  cpuLoad(child.mm, 0x10000, byte);
  assert.is(byte[0], 0);
  assert.is(sharer.mm, parent.mm);
  assert.is(sharer.pid, sharer.tgid);
});

test('threads share everything but the number', () => {
  const kernel = makeKernel();
  const leader = spawn(kernel);
  const second = thread(leader);
  assert.is(second.tgid, leader.pid);
  assert.is.not(second.pid, leader.pid);
  assert.is(second.group, leader.group);
  assert.is(second.mm, leader.mm);
  assert.is(second.parent, leader.parent);
  assert.not(second.isLeader);
  assert.equal(leader.children, []);
});

test('CLONE_FILES and CLONE_FS share, the last user releases', () => {
  const files = new FakeFiles();
  const fs = new FakeFs();
  const parent = spawn(makeKernel(), { files, fs });
  const child = copyProcess(parent, { flags: CLONE_FILES | CLONE_FS | SIGCHLD });
  assert.is(child.files, files);
  assert.is(child.fs, fs);
  doExit(parent, 0);
  assert.not(files.released);
  doExit(child, 0);
  assert.ok(files.released);
  assert.ok(fs.released);
});

test('CLONE_PARENT makes a sibling', () => {
  const { parent, child } = family(makeKernel());
  const sibling = copyProcess(child, { flags: CLONE_PARENT | SIGCHLD });
  assert.is(sibling.parent, parent);
});

test('flags that contradict each other are EINVAL', () => {
  const kernel = makeKernel();
  const task = spawn(kernel);
  const rows = [
    CLONE_THREAD,
    CLONE_THREAD | CLONE_SIGHAND,
    CLONE_SIGHAND,
    CLONE_NEWNS | CLONE_FS,
    CLONE_NEWUSER | CLONE_FS,
    THREAD | CLONE_NEWUSER,
    CLONE_NEWNS,
  ];
  for (const flags of rows)
    assert.is(
      outcome(() => copyProcess(task, { flags })),
      'EINVAL',
    );
  const orphanMaker = (): TaskStruct => copyProcess(kernel.init, { flags: CLONE_PARENT });
  assert.is(outcome(orphanMaker), 'EINVAL');
});

test('CLONE_NEWUSER starts the child in a namespace of its own', () => {
  const parent = spawn(makeKernel(), { uid: 1000 });
  const child = copyProcess(parent, { flags: CLONE_NEWUSER | SIGCHLD });
  assert.is(child.cred.userNs.parent, parent.cred.userNs);
  assert.is(child.cred.userNs.owner, 1000);
});

test('RLIMIT_NPROC counts the threads of a user, root excepted', () => {
  const kernel = makeKernel();
  const limit = { cur: 2n, max: RLIM_INFINITY };
  const user = spawn(kernel, { uid: 1000 });
  user.group.rlimits.set(RLIMIT_NPROC, limit);
  fork(user);
  assert.is(
    outcome(() => fork(user)),
    'EAGAIN',
  );
  assert.is(
    outcome(() => thread(user)),
    'EAGAIN',
  );
  const root = spawn(kernel);
  root.group.rlimits.set(RLIMIT_NPROC, limit);
  for (let i = 0; i < 3; i++) fork(root);
});

test.run();
