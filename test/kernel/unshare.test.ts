import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { copyProcess } from '../../src/kernel/fork.js';
import { writeSetgroups } from '../../src/kernel/id-map.js';
import { SIGCHLD } from '../../src/kernel/signal.js';
import type { TaskStruct } from '../../src/kernel/task.js';
import {
  CLONE_FS,
  CLONE_NEWNS,
  CLONE_NEWUSER,
  CLONE_SIGHAND,
  CLONE_THREAD,
  CLONE_VM,
  setnsUser,
  sysUnshare,
} from '../../src/kernel/unshare.js';
import { fromKuidMunged } from '../../src/kernel/userns.js';
import { caps, FakeFs, makeKernel, outcome, spawn } from './fixture.js';
import { unshared, writeOwn } from './namespaces.js';

const THREAD = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM;

const unshare = suite('kernel/unshare');

unshare('a new user namespace gives all capabilities, effective and permitted (K-412)', () => {
  const task = unshared();
  assert.is(caps(task), '1ffffffffff,1ffffffffff,0,0');
  assert.is(task.cred.uid, 1000);
  assert.is(fromKuidMunged(task.cred.userNs, task.cred.uid), 65534);
});

unshare('a process of several threads cannot make one (K-412)', () => {
  const task = spawn(makeKernel());
  copyProcess(task, { flags: THREAD });
  assert.is(
    outcome(() => sysUnshare(task, CLONE_NEWUSER)),
    'EINVAL',
  );
});

unshare('a process with a changed root cannot make one (K-412)', () => {
  const fs = new FakeFs();
  fs.chrooted = true;
  const task = spawn(makeKernel(), { fs });
  assert.is(
    outcome(() => sysUnshare(task, CLONE_NEWUSER)),
    'EPERM',
  );
});

unshare('an id that is not mapped cannot make one below', () => {
  const task = unshared();
  assert.is(
    outcome(() => sysUnshare(task, CLONE_NEWUSER)),
    'EPERM',
  );
});

unshare('33 levels are enough', () => {
  const task = spawn(makeKernel());
  const once = (): string =>
    outcome(() => {
      sysUnshare(task, CLONE_NEWUSER);
      return writeOwn(task, 'uid', '0 0 1');
    });
  const gid = (): string => {
    writeSetgroups(task.cred.userNs, 'deny');
    return writeOwn(task, 'gid', '0 0 1');
  };
  for (let level = 1; level <= 33; level++) {
    assert.is(once(), 'ok', `level ${level}`);
    assert.is(gid(), 'ok', `level ${level}`);
  }
  assert.is(once(), 'ENOSPC');
});

unshare('memory stays dumpable as it was (K-303)', () => {
  for (const uid of [0, 1000]) {
    const task = unshared(uid);
    assert.is(task.mm?.dumpable, 1);
  }
});

unshare('other namespaces are EINVAL to those who may ask, EPERM to others', () => {
  assert.is(
    outcome(() => sysUnshare(spawn(makeKernel()), CLONE_NEWNS)),
    'EINVAL',
  );
  const user = spawn(makeKernel(), { uid: 1000 });
  assert.is(
    outcome(() => sysUnshare(user, CLONE_NEWNS)),
    'EPERM',
  );
  assert.is(
    outcome(() => sysUnshare(user, CLONE_NEWNS | CLONE_NEWUSER)),
    'EINVAL',
  );
});

unshare('unknown flags are EINVAL', () => {
  assert.is(
    outcome(() => sysUnshare(spawn(makeKernel()), 1)),
    'EINVAL',
  );
});

unshare('CLONE_FS takes a root and working directory of its own', () => {
  const fs = new FakeFs();
  const task = spawn(makeKernel(), { fs });
  const child = copyProcess(task, { flags: CLONE_FS | SIGCHLD });
  assert.is(child.fs, fs);
  assert.is(fs.users, 2);
  sysUnshare(child, CLONE_FS);
  assert.is.not(child.fs, fs);
  assert.is(fs.users, 1);
});

unshare.run();

const setns = suite('kernel/unshare: setns');

function setnsTable(): { owner: TaskStruct; other: TaskStruct; root: TaskStruct; in: TaskStruct } {
  const kernel = makeKernel();
  const inside = spawn(kernel, { uid: 1000 });
  sysUnshare(inside, CLONE_NEWUSER);
  return {
    in: inside,
    owner: spawn(kernel, { uid: 1000 }),
    other: spawn(kernel, { uid: 1001 }),
    root: spawn(kernel),
  };
}

setns('the owner and root may enter, others and siblings may not (K-414)', () => {
  const tasks = setnsTable();
  const { userNs } = tasks.in.cred;
  setnsUser(tasks.owner, userNs);
  assert.is(caps(tasks.owner), '1ffffffffff,1ffffffffff,0,0');
  assert.is(
    outcome(() => setnsUser(tasks.other, userNs)),
    'EPERM',
  );
  assert.is(
    outcome(() => setnsUser(tasks.in, userNs)),
    'EINVAL',
  );
  sysUnshare(tasks.other, CLONE_NEWUSER);
  assert.is(
    outcome(() => setnsUser(tasks.other, userNs)),
    'EPERM',
  );
});

setns('root entering a child namespace of another user becomes non-dumpable (K-303)', () => {
  const { root, in: inside } = setnsTable();
  setnsUser(root, inside.cred.userNs);
  assert.is(root.mm?.dumpable, 0);
});

setns('threads and a shared root are EINVAL', () => {
  const { owner, root, in: inside } = setnsTable();
  copyProcess(owner, { flags: THREAD });
  assert.is(
    outcome(() => setnsUser(owner, inside.cred.userNs)),
    'EINVAL',
  );
  root.fs = new FakeFs();
  copyProcess(root, { flags: CLONE_FS });
  assert.is(
    outcome(() => setnsUser(root, inside.cred.userNs)),
    'EINVAL',
  );
});

setns.run();
