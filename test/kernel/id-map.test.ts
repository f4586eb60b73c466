import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import {
  CAP_CHOWN,
  CAP_FULL_SET,
  CAP_SETFCAP,
  CAP_SETGID,
  CAP_SETUID,
  CAP_SYS_ADMIN,
  capMask,
} from '../../src/kernel/capability.js';
import {
  mayOpenSetgroups,
  readIdMap,
  writeIdMap,
  writeSetgroups,
} from '../../src/kernel/id-map.js';
import { sysSetgid, sysSetgroups } from '../../src/kernel/setgid.js';
import { sysSetuid } from '../../src/kernel/setuid.js';
import type { TaskStruct } from '../../src/kernel/task.js';
import { CLONE_NEWUSER, sysUnshare } from '../../src/kernel/unshare.js';
import { fromKuid } from '../../src/kernel/userns.js';
import { makeKernel, outcome, spawn } from './fixture.js';
import { unshared, writeOwn } from './namespaces.js';

const maps = suite('kernel/id-map');

maps('a user maps its own id once (K-413)', () => {
  const task = unshared();
  assert.is(writeOwn(task, 'uid', '0 1001 1'), 'EPERM');
  assert.is(writeOwn(task, 'uid', '0 1000 2'), 'EPERM');
  assert.is(writeOwn(task, 'uid', '0 1000 1'), 'ok');
  assert.is(fromKuid(task.cred.userNs, 1000), 0);
  assert.is(writeOwn(task, 'uid', '0 1000 1'), 'EPERM');
});

maps('a gid_map of one user needs setgroups denied first (K-413)', () => {
  const task = unshared();
  assert.is(writeOwn(task, 'gid', '0 1000 1'), 'EPERM');
  writeSetgroups(task.cred.userNs, 'deny');
  assert.is(writeOwn(task, 'gid', '0 1000 1'), 'ok');
  assert.is(
    outcome(() => sysSetgroups(task, [])),
    'EPERM',
  );
});

maps('text that is no map is EINVAL (K-413)', () => {
  const rows = [
    '',
    '\n',
    'x',
    '0 1000',
    '0 1000 0',
    '0 1000 1 x',
    ' 1000 1',
    '0 1000 1\n\n',
    '0 1000 1\n0 1001 1',
    '0 1000 1\n5 1000 1',
    '4294967295 1000 1',
    '0 4294967295 1',
    '1 1000 4294967295',
    '-1 1000 1',
    `0 1000 1\n${' '.repeat(4096)}`,
  ];
  for (const text of rows) {
    assert.is(writeOwn(unshared(), 'uid', text), 'EINVAL', JSON.stringify(text));
  }
});

maps('white space and one last newline are free', () => {
  for (const text of ['0 1000 1\n', '  0\t1000  1  \n', '0 1000 1\0junk', '4294967296 1000 1']) {
    assert.is(writeOwn(unshared(), 'uid', text), 'ok', JSON.stringify(text));
  }
});

maps('a position other than 0 is EINVAL', () => {
  const task = unshared();
  const { userNs } = task.cred;
  const write = (): void => writeIdMap(userNs, 'uid', task.cred, task, '0 1000 1', 1);
  assert.is(outcome(write), 'EINVAL');
});

maps('340 lines are accepted and 341 are not', () => {
  const lines = (count: number): string =>
    Array.from({ length: count }, (_, i) => `${i} ${i} 1\n`).join('');
  const attempt = (count: number): string => {
    const kernel = makeKernel();
    const task = spawn(kernel, { uid: 0 });
    sysUnshare(task, CLONE_NEWUSER);
    const root = spawn(kernel);
    return outcome(() => {
      writeIdMap(task.cred.userNs, 'uid', root.cred, root, lines(count));
      return 'ok';
    });
  };
  assert.is(attempt(340), 'ok');
  assert.is(attempt(341), 'EINVAL');
});

maps('a parent with CAP_SETUID maps what it likes, and sees its own ids', () => {
  const kernel = makeKernel();
  const task = spawn(kernel, { uid: 2000 });
  sysUnshare(task, CLONE_NEWUSER);
  const root = spawn(kernel);
  const { userNs } = task.cred;
  writeIdMap(userNs, 'uid', root.cred, root, '0 3000 1\n7 2000 1\n');
  assert.is(fromKuid(userNs, 2000), 7);
  const line = (a: number, b: number, c: number): string =>
    `${[a, b, c].map((n) => String(n).padStart(10)).join(' ')}\n`;
  assert.is(readIdMap(userNs, 'uid', kernel.initUserNs), line(0, 3000, 1) + line(7, 2000, 1));
  assert.is(readIdMap(userNs, 'uid', userNs), line(0, 3000, 1) + line(7, 2000, 1));
  assert.is(readIdMap(kernel.initUserNs, 'uid', userNs), line(0, 4294967295, 4294967295));
  assert.is(readIdMap(userNs, 'gid', kernel.initUserNs), '');
});

maps('both the opener and the writer need the capability', () => {
  const kernel = makeKernel();
  const attempt = (opener: TaskStruct, writer: TaskStruct): string => {
    const task = spawn(kernel, { uid: 2000 });
    sysUnshare(task, CLONE_NEWUSER);
    return outcome(() => {
      writeIdMap(task.cred.userNs, 'uid', opener.cred, writer, '0 3000 1');
      return 'ok';
    });
  };
  const root = spawn(kernel);
  const user = spawn(kernel, { uid: 1000 });
  const half = spawn(kernel, { uid: 1000, caps: capMask(CAP_SETUID, CAP_SETGID) });
  const whole = spawn(kernel, { uid: 1000, caps: capMask(CAP_SETUID, CAP_SYS_ADMIN) });
  assert.is(attempt(root, root), 'ok');
  assert.is(attempt(root, user), 'EPERM');
  assert.is(attempt(user, root), 'EPERM');
  assert.is(attempt(half, half), 'EPERM');
  assert.is(attempt(whole, whole), 'ok');
});

maps("mapping the parent's root needs CAP_SETFCAP, of the creator or of the opener", () => {
  const kernel = makeKernel();
  const inside = (capSet: bigint): TaskStruct => {
    const task = spawn(kernel, { uid: 0, caps: capSet });
    sysUnshare(task, CLONE_NEWUSER);
    return task;
  };
  assert.is(writeOwn(inside(capMask(CAP_SETFCAP)), 'uid', '0 0 1'), 'ok');
  assert.is(writeOwn(inside(0n), 'uid', '0 0 1'), 'EPERM');
  const outside = (capSet: bigint): string => {
    const writer = spawn(kernel, { uid: 0, caps: capSet });
    return outcome(() => {
      writeIdMap(inside(0n).cred.userNs, 'uid', writer.cred, writer, '0 0 1');
      return 'ok';
    });
  };
  assert.is(outside(CAP_FULL_SET), 'ok');
  assert.is(outside(CAP_FULL_SET & ~capMask(CAP_SETFCAP)), 'EPERM');
});

maps('the initial namespace and strangers are refused', () => {
  const kernel = makeKernel();
  const root = spawn(kernel);
  assert.is(
    outcome(() => writeIdMap(kernel.initUserNs, 'uid', root.cred, root, '0 0 1')),
    'EPERM',
  );
  const task = spawn(kernel, { uid: 1000 });
  sysUnshare(task, CLONE_NEWUSER);
  const sibling = spawn(kernel, { uid: 1000 });
  sysUnshare(sibling, CLONE_NEWUSER);
  const { userNs } = task.cred;
  assert.is(
    outcome(() => writeIdMap(userNs, 'uid', sibling.cred, sibling, '0 1000 1')),
    'EPERM',
  );
});

maps('setgroups takes "deny" until the gid_map is set, and "allow" until "deny"', () => {
  const rows: [string, string | undefined][] = [
    ['allow', undefined],
    ['allow\n', undefined],
    ['deny', undefined],
    ['deny\n', undefined],
    ['denyx', 'EINVAL'],
    ['', 'EINVAL'],
    ['deny    ', 'EINVAL'],
  ];
  for (const [text, expected] of rows) {
    const { userNs } = unshared().cred;
    assert.is(
      outcome(() => writeSetgroups(userNs, text)),
      expected,
      JSON.stringify(text),
    );
  }
  const task = unshared();
  const { userNs } = task.cred;
  writeSetgroups(userNs, 'deny');
  assert.is(
    outcome(() => writeSetgroups(userNs, 'allow')),
    'EPERM',
  );
  writeOwn(task, 'gid', '0 1000 1');
  assert.is(
    outcome(() => writeSetgroups(userNs, 'deny')),
    'EPERM',
  );
});

maps('opening setgroups for writing needs CAP_SYS_ADMIN in the namespace', () => {
  const task = unshared();
  assert.ok(mayOpenSetgroups(task, task.cred.userNs));
  assert.not(mayOpenSetgroups(task, task.kernel.initUserNs));
});

maps('an id the namespace does not map is EINVAL to setuid and setgid (K-404)', () => {
  const task = unshared(1000, capMask(CAP_CHOWN));
  assert.is(
    outcome(() => sysSetuid(task, 0)),
    'EINVAL',
  );
  assert.is(
    outcome(() => sysSetgid(task, 0)),
    'EINVAL',
  );
  writeOwn(task, 'uid', '5 1000 1');
  assert.is(
    outcome(() => sysSetuid(task, 5)),
    undefined,
  );
  assert.is(
    outcome(() => sysSetuid(task, 6)),
    'EINVAL',
  );
});

maps.run();
