import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import {
  CAP_SYS_ADMIN,
  CAP_SYS_PTRACE,
  capMask,
  capable,
  privilegedWrtInodeUidgid,
} from '../../src/kernel/capability.js';
import { writeSetgroups } from '../../src/kernel/id-map.js';
import type { TaskStruct } from '../../src/kernel/task.js';
import { CLONE_NEWUSER, sysUnshare } from '../../src/kernel/unshare.js';
import { fromKuid, fromKuidMunged, makeInitUserNs, makeKuid } from '../../src/kernel/userns.js';
import { makeKernel, spawn } from './fixture.js';
import { unshared, writeOwn } from './namespaces.js';

const ids = suite('kernel/userns');

ids('the initial namespace maps every id but -1 to itself', () => {
  const ns = makeInitUserNs();
  for (const id of [0, 1, 1000, 65534, 0xfffffffe]) {
    assert.is(makeKuid(ns, id), id);
    assert.is(fromKuid(ns, id), id);
  }
  for (const id of [-1, 0xffffffff]) assert.is(makeKuid(ns, id), -1);
});

ids('an id without a mapping looks like 65534', () => {
  const { userNs } = unshared().cred;
  assert.is(fromKuid(userNs, 1000), -1);
  assert.is(fromKuidMunged(userNs, 1000), 65534);
});

ids('a namespace is privileged over an inode only when it maps both its owners', () => {
  const task = unshared();
  const { userNs } = task.cred;
  writeSetgroups(userNs, 'deny');
  writeOwn(task, 'uid', '0 1000 1');
  assert.not(privilegedWrtInodeUidgid(userNs, { uid: 1000, gid: 1000 }));
  writeOwn(task, 'gid', '0 1000 1');
  assert.ok(privilegedWrtInodeUidgid(userNs, { uid: 1000, gid: 1000 }));
  assert.not(privilegedWrtInodeUidgid(userNs, { uid: 0, gid: 1000 }));
});

ids.run();

const lookup = suite('kernel/lsm/capability: namespaces');

lookup('the owner has all capabilities below, whatever its gid; others none (K-050)', () => {
  const kernel = makeKernel();
  const inside = spawn(kernel, { uid: 1000 });
  sysUnshare(inside, CLONE_NEWUSER);
  const { userNs } = inside.cred;
  const rows: [TaskStruct, boolean][] = [
    [spawn(kernel, { uid: 1000, gid: 1001 }), true],
    [spawn(kernel, { uid: [1001, 1000, 1001] }), true],
    [spawn(kernel, { uid: [1000, 1001, 1000] }), false],
    [spawn(kernel, { uid: 1001 }), false],
    [spawn(kernel, { uid: 1001, caps: capMask(CAP_SYS_PTRACE) }), true],
    [spawn(kernel, { uid: 0, caps: 0n }), false],
  ];
  for (const [task, expected] of rows) {
    assert.is(capable(task, userNs, CAP_SYS_PTRACE), expected);
  }
  assert.not(capable(inside, kernel.initUserNs, CAP_SYS_PTRACE));
});

lookup('a grandchild belongs to the owners of all namespaces above it', () => {
  const kernel = makeKernel();
  const inside = spawn(kernel, { uid: 1000 });
  sysUnshare(inside, CLONE_NEWUSER);
  writeOwn(inside, 'uid', '0 1000 1');
  writeSetgroups(inside.cred.userNs, 'deny');
  writeOwn(inside, 'gid', '0 1000 1');
  sysUnshare(inside, CLONE_NEWUSER);
  assert.is(inside.cred.userNs.level, 2);
  assert.ok(capable(spawn(kernel, { uid: 1000 }), inside.cred.userNs, CAP_SYS_ADMIN));
  assert.not(capable(spawn(kernel, { uid: 1001 }), inside.cred.userNs, CAP_SYS_ADMIN));
});

lookup.run();
