import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { CAP_PERFMON, CAP_SYS_PTRACE, capMask } from '../../src/kernel/capability.js';
import { Cred } from '../../src/kernel/cred.js';
import { doExit } from '../../src/kernel/exit.js';
import type { AccessQuestion } from '../../src/kernel/explain.js';
import { explainAccess } from '../../src/kernel/explain.js';
import { copyProcess } from '../../src/kernel/fork.js';
import type { Kernel } from '../../src/kernel/kernel.js';
import { YamaModule } from '../../src/kernel/lsm/yama.js';
import {
  mmAccess,
  PTRACE_MODE_ATTACH_FSCREDS,
  PTRACE_MODE_ATTACH_REALCREDS,
  PTRACE_MODE_READ_FSCREDS,
  PTRACE_MODE_READ_REALCREDS,
  ptraceMayAccess,
} from '../../src/kernel/ptrace.js';
import { SIGCHLD } from '../../src/kernel/signal.js';
import type { TaskStruct } from '../../src/kernel/task.js';
import {
  CLONE_NEWUSER,
  CLONE_SIGHAND,
  CLONE_THREAD,
  CLONE_VM,
  sysUnshare,
} from '../../src/kernel/unshare.js';
import { makeKernel, outcome, spawn } from './fixture.js';

const test = suite('kernel/explain');

/** The outcomes of the checks in order, and the check that decided. */
function story(kernel: Kernel, caller: TaskStruct, target: TaskStruct): [string, string] {
  const { checks } = explainAccess(caller, target, PTRACE_MODE_ATTACH_FSCREDS);
  const decided = checks.filter((check) => check.decided);
  assert.is(decided.length, 1);
  assert.ok(kernel);
  return [checks.map((check) => check.outcome).join(' '), decided[0]?.check ?? ''];
}

test('it tells the checks in order and which one decided', () => {
  const kernel = makeKernel();
  const user = { uid: 1000 };
  const rows: [string, TaskStruct, TaskStruct, string, RegExp][] = [
    [
      'same user',
      spawn(kernel, user),
      spawn(kernel, user),
      'continue continue continue continue continue allowed',
      /permitted capabilities/,
    ],
    [
      'other user',
      spawn(kernel, { uid: 1001 }),
      spawn(kernel, user),
      'continue continue continue continue denied',
      /CAP_SYS_PTRACE in the namespace of the target's credentials/,
    ],
    [
      'not dumpable',
      spawn(kernel, user),
      spawn(kernel, { ...user, dumpable: 0 }),
      'continue continue continue continue continue denied',
      /namespace of the memory/,
    ],
    [
      'capable',
      spawn(kernel, { uid: 1001, caps: capMask(CAP_SYS_PTRACE) }),
      spawn(kernel, { uid: 1000, cred: { capPermitted: 1n } }),
      'continue continue continue continue continue continue continue allowed',
      /CAP_SYS_PTRACE in the target's user namespace/,
    ],
  ];
  for (const [name, caller, target, outcomes, decided] of rows) {
    const [got, by] = story(kernel, caller, target);
    assert.is(got, outcomes, name);
    assert.match(by, decided, name);
  }
});

test('the own process is one check after the memory', () => {
  const kernel = makeKernel();
  const task = spawn(kernel);
  const { allowed, errno, checks } = explainAccess(task, task, PTRACE_MODE_ATTACH_FSCREDS);
  assert.ok(allowed);
  assert.is(errno, null);
  assert.equal(
    checks.map((check) => check.source),
    ['kernel/fork.c, mm_access()', 'kernel/fork.c, may_access_mm()'],
  );
});

test('it compares what the check compares', () => {
  const kernel = makeKernel();
  const caller = spawn(kernel, { uid: [1001, 1000, 1001], gid: 7 });
  const target = spawn(kernel, { uid: [1, 2, 3], gid: [4, 5, 6] });
  const ids = (mode: number): unknown =>
    explainAccess(caller, target, mode).checks.find((check) => check.check.includes('uid and gid'))
      ?.compared;
  const six = { uid: 1, euid: 2, suid: 3, gid: 4, egid: 5, sgid: 6 };
  assert.equal(ids(PTRACE_MODE_ATTACH_FSCREDS), {
    creds: 'filesystem',
    caller: { uid: 1000, gid: 7 },
    target: six,
    match: false,
  });
  assert.equal(ids(PTRACE_MODE_ATTACH_REALCREDS), {
    creds: 'real',
    caller: { uid: 1001, gid: 7 },
    target: six,
    match: false,
  });
});

test('a task without memory is ESRCH, a refused one EACCES, and EPERM to ptrace', () => {
  const kernel = makeKernel();
  const caller = spawn(kernel, { uid: 1000 });
  const target = spawn(kernel, { parent: spawn(kernel) });
  const errno = (question: AccessQuestion): string | null =>
    explainAccess(caller, target, PTRACE_MODE_ATTACH_FSCREDS, question).errno;
  assert.is(errno('mm_access'), 'EACCES');
  assert.is(errno('ptrace_may_access'), 'EPERM');
  doExit(target, 0);
  assert.is(errno('mm_access'), 'ESRCH');
});

test('Yama tells its reason', () => {
  const kernel = makeKernel();
  kernel.security.install(new YamaModule(kernel.sysctl, 1));
  const user = { uid: 1000 };
  const { allowed, checks } = explainAccess(
    spawn(kernel, user),
    spawn(kernel, user),
    PTRACE_MODE_ATTACH_FSCREDS,
  );
  assert.not(allowed);
  assert.match(checks.at(-1)?.source ?? '', /yama_ptrace_access_check/);
  assert.equal(checks.at(-2)?.compared, { scope: 1, descendant: false, declared: false });
});

const id = fc.constantFrom(0, 1000, 1001);
const set = fc.constantFrom(0n, 1n, capMask(CAP_SYS_PTRACE), capMask(CAP_PERFMON), 2n ** 41n - 1n);

/** Random credentials of few values, so that they often agree. */
const credFields = fc.record({
  ...{ uid: id, euid: id, suid: id, fsuid: id },
  ...{ gid: id, egid: id, sgid: id, fsgid: id },
  ...{ capEffective: set, capPermitted: set, capInheritable: set },
});

const scene = fc.record({
  caller: credFields,
  target: credFields,
  plain: fc.boolean(),
  callerNs: fc.boolean(),
  targetNs: fc.boolean(),
  dumpable: fc.constantFrom(0, 1, 2) as fc.Arbitrary<0 | 1 | 2>,
  relation: fc.constantFrom('none', 'child', 'vm', 'thread', 'zombie'),
  scope: fc.integer({ min: 0, max: 3 }),
  mode: fc.constantFrom(
    ...[PTRACE_MODE_ATTACH_FSCREDS, PTRACE_MODE_ATTACH_REALCREDS],
    ...[PTRACE_MODE_READ_FSCREDS, PTRACE_MODE_READ_REALCREDS, 2],
  ),
});

type Scene = typeof scene extends fc.Arbitrary<infer T> ? T : never;

const FLAGS: Record<string, number> = {
  none: SIGCHLD,
  child: SIGCHLD,
  zombie: SIGCHLD,
  vm: CLONE_VM | SIGCHLD,
  thread: CLONE_THREAD | CLONE_SIGHAND | CLONE_VM,
};

function stage(kernel: Kernel, s: Scene): [TaskStruct, TaskStruct] {
  const caller = spawn(kernel);
  const from = s.relation === 'none' ? spawn(kernel) : caller;
  const target = copyProcess(from, { flags: FLAGS[s.relation] ?? SIGCHLD });
  caller.cred = new Cred(kernel.initUserNs, s.caller);
  target.cred = new Cred(kernel.initUserNs, s.plain ? s.caller : s.target);
  for (const [task, moves] of [
    [caller, s.callerNs],
    [target, s.targetNs],
  ] as const) {
    if (moves) outcome(() => sysUnshare(task, CLONE_NEWUSER));
  }
  if (target.mm !== null) target.mm.dumpable = s.dumpable;
  if (s.relation === 'zombie') doExit(target, 0);
  return [caller, target];
}

test('it cannot disagree with the check, and one check decides: the last', () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(scene, (s) => {
      const kernel = makeKernel();
      kernel.security.install(new YamaModule(kernel.sysctl, s.scope));
      const [caller, target] = stage(kernel, s);
      const mm = outcome(() => mmAccess(caller, target, s.mode));
      const memory = explainAccess(caller, target, s.mode);
      assert.is(memory.allowed, typeof mm !== 'string');
      assert.is(memory.errno, typeof mm === 'string' ? mm : null);
      const ptrace = explainAccess(caller, target, s.mode, 'ptrace_may_access');
      assert.is(ptrace.allowed, ptraceMayAccess(caller, target, s.mode));
      for (const { allowed, checks } of [memory, ptrace]) {
        assert.equal(
          checks.map((check) => check.decided),
          checks.map((_, index) => index === checks.length - 1),
        );
        assert.is(checks.at(-1)?.outcome, allowed ? 'allowed' : 'denied');
        for (const check of checks.slice(0, -1)) assert.is(check.outcome, 'continue');
        seen.add(`${checks.at(-1)?.check} ${allowed}`);
      }
      kernel.shutdown();
    }),
    { numRuns: 2000 },
  );
  assert.ok(seen.size >= 10, `only ${seen.size} ways to decide were met`);
});

test.run();
