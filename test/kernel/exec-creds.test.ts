import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { CAP_CHOWN, CAP_FULL_SET, CAP_SETUID, capMask } from '../../src/kernel/capability.js';
import { ptraceAttach, ptraceTraceme } from '../../src/kernel/attach.js';
import { SECBIT_KEEP_CAPS, SECBIT_NOROOT } from '../../src/kernel/cred.js';
import type { ExecFile } from '../../src/kernel/exec-creds.js';
import { execCreds } from '../../src/kernel/exec-creds.js';
import { copyProcess } from '../../src/kernel/fork.js';
import { SIGCHLD } from '../../src/kernel/signal.js';
import type { TaskStruct } from '../../src/kernel/task.js';
import {
  CLONE_FS,
  CLONE_NEWUSER,
  CLONE_SIGHAND,
  CLONE_THREAD,
  CLONE_VM,
  sysUnshare,
} from '../../src/kernel/unshare.js';
import type { SpawnOptions } from './fixture.js';
import { caps, FakeFs, gids, makeKernel, outcome, spawn, uids } from './fixture.js';
import { CHOWN_CAPS, exec, program } from './programs.js';

const THREAD = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM;
const FULL = '1ffffffffff';
const CHOWN = capMask(CAP_CHOWN);
const U = { uid: 1000 };

const creds = suite('kernel/exec-creds');

creds('root gets all of the bounding set, others what is ambient (K-415)', () => {
  const ambient = { capInheritable: CHOWN, capAmbient: CHOWN };
  const rows: [SpawnOptions, string][] = [
    [{}, `${FULL},${FULL},0,0`],
    [{ uid: 0, caps: 0n }, `${FULL},${FULL},0,0`],
    [{ cred: { capBset: CAP_FULL_SET & ~CHOWN } }, '1fffffffffe,1fffffffffe,0,0'],
    [{ cred: { securebits: SECBIT_NOROOT } }, '0,0,0,0'],
    [{ uid: [1000, 0, 0] }, `${FULL},${FULL},0,0`],
    [{ uid: [0, 1000, 1000] }, `${FULL},0,0,0`],
    [{ uid: 1000, caps: CHOWN }, '0,0,0,0'],
    [{ uid: 1000, caps: CHOWN, cred: ambient }, '1,1,1,1'],
    [{ uid: [1000, 1001, 1001], caps: CHOWN, cred: ambient }, '1,1,1,1'],
    [{ uid: 1000, gid: [5, 6, 6], caps: CHOWN, cred: ambient }, '1,1,1,1'],
  ];
  for (const [start, expected] of rows) {
    assert.is(caps(exec(spawn(makeKernel(), start))), expected);
  }
});

/** Who runs what, then r,e,s,fs of user and group, and permitted,effective,ambient,inheritable. */
type IdRow = [SpawnOptions, Partial<ExecFile>, string, string, string];

creds('setuid, setgid and file capabilities change ids and capabilities (K-306)', () => {
  const ambient = { uid: 1000, caps: CHOWN, cred: { capInheritable: CHOWN, capAmbient: CHOWN } };
  const one = '1000,1000,1000,1000';
  const toRoot = '1000,0,0,0';
  const rows: IdRow[] = [
    [U, { mode: 0o4755 }, toRoot, one, `${FULL},${FULL},0,0`],
    [U, { mode: 0o4755, uid: 1000 }, one, one, '0,0,0,0'],
    [U, { mode: 0o4755, uid: 1001 }, '1000,1001,1001,1001', one, '0,0,0,0'],
    [U, { mode: 0o2755, gid: 1001 }, one, '1000,1001,1001,1001', '0,0,0,0'],
    [U, { mode: 0o2745, gid: 1001 }, one, one, '0,0,0,0'],
    [U, { mode: 0o4755, nosuid: true }, one, one, '0,0,0,0'],
    [{ uid: [1000, 1001, 1001], gid: 1000 }, { mode: 0o4755 }, toRoot, one, `${FULL},${FULL},0,0`],
    [U, { caps: CHOWN_CAPS }, one, one, '1,1,0,0'],
    [U, { caps: { ...CHOWN_CAPS, effective: false } }, one, one, '1,0,0,0'],
    [U, { caps: CHOWN_CAPS, nosuid: true }, one, one, '0,0,0,0'],
    [U, { caps: { ...CHOWN_CAPS, rootKuid: 5 } }, one, one, '0,0,0,0'],
    [
      { ...U, cred: { capInheritable: CHOWN } },
      { caps: { permitted: 0n, inheritable: CHOWN, effective: true } },
      ...([one, one, '1,1,0,1'] as const),
    ],
    // A setuid-root program with file capabilities gets only those.
    [U, { mode: 0o4755, caps: CHOWN_CAPS }, toRoot, one, '1,1,0,0'],
    // Ambient survives a setgid to a group one has, and nothing else.
    [
      { ...ambient, groups: [1001] },
      { mode: 0o2755, gid: 1001 },
      one,
      '1000,1001,1001,1001',
      '1,1,1,1',
    ],
    [ambient, { mode: 0o2755, gid: 1001 }, one, '1000,1001,1001,1001', '0,0,0,1'],
    [ambient, { caps: CHOWN_CAPS }, one, one, '1,1,0,1'],
  ];
  for (const [start, file, uid, gid, set] of rows) {
    const task = exec(spawn(makeKernel(), start), file);
    assert.equal([uids(task), gids(task), caps(task)], [uid, gid, set]);
  }
});

creds('file capabilities beyond the bounding set are EPERM when they must be effective', () => {
  const task = spawn(makeKernel(), { uid: 1000, cred: { capBset: 0n } });
  assert.is(
    outcome(() => execCreds(task, program({ caps: CHOWN_CAPS }))),
    'EPERM',
  );
  exec(task, { caps: { ...CHOWN_CAPS, effective: false } });
  assert.is(caps(task), '0,0,0,0');
});

creds('no_new_privs gives nothing, and takes nothing from ids that differ already', () => {
  const rows: [SpawnOptions, Partial<ExecFile>, string, string][] = [
    [U, { mode: 0o4755 }, '1000,1000,1000,1000', '0,0,0,0'],
    [{ uid: 1000, caps: capMask(CAP_SETUID) }, { mode: 0o4755 }, '1000,1000,1000,1000', '0,0,0,0'],
    [U, { caps: CHOWN_CAPS }, '1000,1000,1000,1000', '0,0,0,0'],
    [{ uid: 0, caps: 0n }, {}, '0,0,0,0', '0,0,0,0'],
    [{ uid: [1000, 0, 0], caps: CAP_FULL_SET }, {}, '1000,0,0,0', `${FULL},${FULL},0,0`],
    [{ uid: [0, 1000, 1000] }, {}, '0,1000,1000,1000', `${FULL},0,0,0`],
  ];
  for (const [start, file, uid, set] of rows) {
    const task = spawn(makeKernel(), start);
    task.noNewPrivs = true;
    exec(task, file);
    assert.equal([uids(task), caps(task)], [uid, set]);
  }
});

creds(
  'a tracer without the right holds a setuid program back, and TRACEME always does (K-205)',
  () => {
    const kernel = makeKernel();
    const root = spawn(kernel);
    const attached = (tracer: TaskStruct): string => {
      const task = spawn(kernel, U);
      ptraceAttach(tracer, task, null);
      return uids(exec(task, { mode: 0o4755 }));
    };
    assert.is(attached(root), '1000,0,0,0');
    assert.is(attached(spawn(kernel, U)), '1000,1000,1000,1000');
    const own = spawn(kernel, { ...U, parent: root });
    ptraceTraceme(own);
    assert.is(uids(exec(own, { mode: 0o4755 })), '1000,1000,1000,1000');
  },
);

creds('a root directory shared with another process holds it back too', () => {
  const kernel = makeKernel();
  const task = spawn(kernel, { ...U, fs: new FakeFs() });
  copyProcess(task, { flags: THREAD | CLONE_FS });
  assert.is(
    uids(exec(copyProcess(task, { flags: CLONE_FS | SIGCHLD }), { mode: 0o4755 })),
    '1000,1000,1000,1000',
  );
  const alone = spawn(kernel, { ...U, fs: new FakeFs() });
  assert.is(uids(exec(alone, { mode: 0o4755 })), '1000,0,0,0');
});

creds('an owner the namespace does not map is no setuid', () => {
  const task = spawn(makeKernel(), U);
  sysUnshare(task, CLONE_NEWUSER);
  assert.is(uids(exec(task, { mode: 0o4755 })), '1000,1000,1000,1000');
});

creds('keepcaps ends with exec', () => {
  const task = spawn(makeKernel(), { uid: 1000, cred: { securebits: SECBIT_KEEP_CAPS } });
  assert.is(exec(task).cred.securebits, 0);
});

creds('secureexec marks programs that run with more than their user', () => {
  const rows: [SpawnOptions, Partial<ExecFile>, boolean][] = [
    [U, {}, false],
    [{}, {}, false],
    [U, { mode: 0o4755 }, true],
    [U, { mode: 0o2755, gid: 1001 }, true],
    [U, { caps: CHOWN_CAPS }, true],
    [{ uid: [1000, 1001, 1001] }, {}, true],
    [{ uid: 1000, caps: CHOWN, cred: { capInheritable: CHOWN, capAmbient: CHOWN } }, {}, false],
  ];
  for (const [start, file, expected] of rows) {
    const { secureexec } = execCreds(spawn(makeKernel(), start), program(file));
    assert.is(secureexec, expected);
  }
});

creds.run();
