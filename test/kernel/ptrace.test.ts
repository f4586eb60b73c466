import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import {
  CAP_CHOWN,
  CAP_DAC_OVERRIDE,
  CAP_PERFMON,
  CAP_SYS_ADMIN,
  CAP_SYS_PTRACE,
  capMask,
} from '../../src/kernel/capability.js';
import { doExit } from '../../src/kernel/exit.js';
import { copyProcess, createProcess } from '../../src/kernel/fork.js';
import { checkKcmp, checkPidfdGetfd } from '../../src/kernel/kcmp.js';
import type { Kernel } from '../../src/kernel/kernel.js';
import type { ForceOverride } from '../../src/kernel/profile.js';
import {
  mmAccess,
  procMemFollForce,
  PTRACE_MODE_ATTACH,
  PTRACE_MODE_ATTACH_FSCREDS,
  PTRACE_MODE_ATTACH_REALCREDS,
  PTRACE_MODE_READ_FSCREDS,
  ptraceMayAccess,
} from '../../src/kernel/ptrace.js';
import { ptraceAttach } from '../../src/kernel/attach.js';
import { SIGCHLD } from '../../src/kernel/signal.js';
import type { TaskStruct } from '../../src/kernel/task.js';
import {
  CLONE_NEWUSER,
  CLONE_SIGHAND,
  CLONE_THREAD,
  CLONE_VM,
  sysUnshare,
} from '../../src/kernel/unshare.js';
import type { SpawnOptions } from './fixture.js';
import { framesInUse, makeKernel, outcome, spawn } from './fixture.js';

const THREAD = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM;
const PTRACE = capMask(CAP_SYS_PTRACE);
const CHOWN = capMask(CAP_CHOWN);

/**
 * Which of four questions a caller is granted: a as opening mem (attach by filesystem ids), r as
 * maps (read the memory by filesystem ids), l as exe and ns links (read by filesystem ids), v as
 * process_vm_readv (attach by real ids).
 */
function granted(caller: TaskStruct, target: TaskStruct): string {
  const mm = (mode: number): boolean => outcome(() => mmAccess(caller, target, mode)) === target.mm;
  return [
    mm(PTRACE_MODE_ATTACH_FSCREDS) ? 'a' : '',
    mm(PTRACE_MODE_READ_FSCREDS) ? 'r' : '',
    ptraceMayAccess(caller, target, PTRACE_MODE_READ_FSCREDS) ? 'l' : '',
    mm(PTRACE_MODE_ATTACH_REALCREDS) ? 'v' : '',
  ].join('');
}

/** Caller, target, and what is granted. */
type Row = [SpawnOptions, SpawnOptions, string];

function check(rows: readonly Row[]): void {
  const kernel = makeKernel();
  for (const [caller, target, expected] of rows) {
    const got = granted(spawn(kernel, caller), spawn(kernel, target));
    const big = (_: string, v: unknown): unknown => (typeof v === 'bigint' ? `${v}` : v);
    assert.is(got, expected, `${JSON.stringify(caller, big)} on ${JSON.stringify(target, big)}`);
  }
  kernel.shutdown();
}

const U = { uid: 1000 };

const access = suite('kernel/ptrace');

access('all six ids of the target must equal the ids of the caller (K-043)', () => {
  check([
    [U, U, 'arlv'],
    [U, { uid: 1001 }, ''],
    [U, { uid: [1000, 1000, 1001] }, ''],
    [U, { uid: [1001, 1000, 1000] }, ''],
    [U, { uid: [1000, 1001, 1000] }, ''],
    [U, { uid: 1000, gid: [1000, 1001, 1000] }, ''],
    [U, { uid: 1000, gid: [1000, 1000, 1001] }, ''],
    [U, { uid: 1000, gid: [1001, 1000, 1000] }, ''],
    [{ uid: 1000, gid: 1001 }, U, ''],
    // Filesystem ids of the target and supplementary groups do not matter.
    [U, { uid: 1000, fsuid: 1001, fsgid: 1001 }, 'arlv'],
    [{ uid: 1000, gid: 1001, groups: [1000] }, U, ''],
  ]);
});

access('files ask filesystem ids, system calls real ids (K-045)', () => {
  check([
    [{ uid: [1001, 1000, 1001], gid: 1000 }, U, 'arl'],
    [{ uid: [1000, 1001, 1001], gid: 1000 }, U, 'v'],
    [{ uid: 1001, gid: 1001, fsuid: 1000, fsgid: 1000 }, U, 'arl'],
  ]);
});

access('CAP_SYS_PTRACE must be effective; uid 0 alone is nothing (K-044)', () => {
  check([
    [{ uid: 1001, caps: PTRACE }, U, 'arlv'],
    [{ uid: 1001, cred: { capPermitted: PTRACE } }, U, ''],
    [{ uid: 0, caps: 0n }, U, ''],
    [{ uid: 0, caps: 0n }, { uid: 0, caps: 0n }, 'arlv'],
    [{ uid: 1001, caps: capMask(CAP_DAC_OVERRIDE) }, U, ''],
    [{ uid: 0 }, U, 'arlv'],
  ]);
});

access('memory that is not dumpable needs CAP_SYS_PTRACE (K-046)', () => {
  check([
    [U, { uid: 1000, dumpable: 0 }, ''],
    [U, { uid: 1000, dumpable: 2 }, ''],
    [{ uid: 1000, caps: PTRACE }, { uid: 1000, dumpable: 0 }, 'arlv'],
    [{ uid: 1001, caps: PTRACE }, { uid: 1000, dumpable: 0 }, 'arlv'],
  ]);
});

access("the target's permitted set lies within the caller's (K-048)", () => {
  const can = { capPermitted: CHOWN };
  check([
    [U, { uid: 1000, cred: can }, ''],
    [{ uid: 1000, caps: CHOWN }, { uid: 1000, cred: can }, 'arlv'],
    [{ uid: 1000, cred: can }, { uid: 1000, cred: can }, 'v'],
    [{ uid: 1000, caps: PTRACE }, { uid: 1000, cred: can }, 'arlv'],
    [U, { uid: 1000, cred: { capInheritable: CHOWN } }, 'arlv'],
    [{ uid: 0, caps: 0n }, { uid: 0 }, ''],
  ]);
});

access('the watchers of performance read any memory, and nothing else (K-041)', () => {
  const rows = [CAP_PERFMON, CAP_SYS_ADMIN].flatMap((cap): Row[] => [
    [{ uid: 1001, caps: capMask(cap) }, U, 'r'],
    [{ uid: 1001, caps: capMask(cap) }, { uid: 1000, dumpable: 0 }, 'r'],
    [{ uid: 1001, cred: { capPermitted: capMask(cap) } }, U, ''],
  ]);
  check(rows);
});

access('CAP_SYS_ADMIN of a child namespace is no watcher of performance (K-041)', () => {
  const kernel = makeKernel();
  const caller = spawn(kernel, { uid: 1001 });
  sysUnshare(caller, CLONE_NEWUSER);
  assert.is(granted(caller, spawn(kernel, U)), '');
});

access('a process always sees into itself, whatever its threads became (K-042)', () => {
  const kernel = makeKernel();
  const leader = spawn(kernel);
  const thread = copyProcess(leader, { flags: THREAD });
  thread.cred = spawn(kernel, U).cred;
  assert.ok(leader.mm);
  leader.mm.dumpable = 0;
  assert.is(granted(thread, leader), 'arlv');
  assert.is(granted(thread, thread), 'arlv');
});

access('who shares the memory may access it, but not the task (K-037, K-040)', () => {
  const kernel = makeKernel();
  const parent = spawn(kernel, U);
  const child = copyProcess(parent, { flags: CLONE_VM | SIGCHLD });
  child.cred = spawn(kernel, { uid: 1001 }).cred;
  assert.is(granted(child, parent), 'arv');
});

access('a mode without one kind of credentials is refused', () => {
  const kernel = makeKernel();
  const task = spawn(kernel);
  for (const mode of [PTRACE_MODE_ATTACH, PTRACE_MODE_ATTACH_FSCREDS | 0x10]) {
    assert.not(ptraceMayAccess(task, task, mode));
  }
});

access('a task without memory is ESRCH before any permission (K-031)', () => {
  const kernel = makeKernel();
  const kthread = createProcess(kernel, kernel.init, { comm: 'kthreadd', kthread: true });
  const zombie = spawn(kernel, { parent: spawn(kernel) });
  doExit(zombie, 0);
  for (const target of [kthread, zombie]) {
    const mm = (): unknown => mmAccess(spawn(kernel, U), target, PTRACE_MODE_ATTACH_FSCREDS);
    assert.is(outcome(mm), 'ESRCH');
  }
});

access('a zombie remembers whether it was dumpable (K-047)', () => {
  const kernel = makeKernel();
  const parent = spawn(kernel);
  const links = (dumpable: 0 | 1, caller: SpawnOptions): boolean => {
    const zombie = spawn(kernel, { uid: 1000, dumpable, parent });
    doExit(zombie, 0);
    return ptraceMayAccess(spawn(kernel, caller), zombie, PTRACE_MODE_READ_FSCREDS);
  };
  assert.ok(links(1, U));
  assert.not(links(0, U));
  assert.ok(links(0, { uid: 1000, caps: PTRACE }));
  const inside = spawn(kernel, { uid: 1000 });
  sysUnshare(inside, CLONE_NEWUSER);
  const zombie = copyProcess(inside, { flags: SIGCHLD });
  assert.ok(zombie.mm);
  zombie.mm.dumpable = 0;
  doExit(zombie, 0);
  // The owner has the capability in the zombie's namespace, but the initial one is asked.
  assert.not(ptraceMayAccess(spawn(kernel, U), zombie, PTRACE_MODE_READ_FSCREDS));
});

access.run();

const namespaces = suite('kernel/ptrace: user namespaces');

/** A uid-1000 process that unshared its user namespace. */
function inside(kernel: Kernel, options: SpawnOptions = U): TaskStruct {
  const task = spawn(kernel, options);
  sysUnshare(task, CLONE_NEWUSER);
  return task;
}

namespaces('the creator gets in while the memory is dumpable (K-046, K-050)', () => {
  const kernel = makeKernel();
  const target = inside(kernel);
  const rows: [SpawnOptions, string, string][] = [
    [U, 'arlv', ''],
    [{ uid: 1000, gid: 1001 }, 'arlv', ''],
    [{ uid: 1001 }, '', ''],
    [{ uid: 1001, caps: PTRACE }, 'arlv', 'arlv'],
  ];
  for (const [caller, dumpable, not] of rows) {
    assert.ok(target.mm);
    target.mm.dumpable = 1;
    assert.is(granted(spawn(kernel, caller), target), dumpable);
    // The memory was made before the namespace: its mm->user_ns is the initial one.
    target.mm.dumpable = 0;
    assert.is(granted(spawn(kernel, caller), target), not);
  }
});

namespaces('the subset shortcut needs one and the same namespace (K-049)', () => {
  const kernel = makeKernel();
  assert.is(granted(inside(kernel), spawn(kernel, U)), '');
  assert.is(granted(inside(kernel), inside(kernel)), '');
});

namespaces('dumpable is asked in the namespace of the memory (K-046, K-307)', () => {
  const kernel = makeKernel();
  const target = inside(kernel);
  assert.ok(target.mm);
  target.mm.dumpable = 0;
  target.mm.userNs = target.cred.userNs;
  assert.is(granted(spawn(kernel, U), target), 'arlv');
});

namespaces.run();

const force = suite('kernel/ptrace: procMemFollForce');

force('force_override is always, never, or for the tracing thread (K-116)', () => {
  const rows: [ForceOverride, boolean, boolean, boolean][] = [
    ['always', true, true, true],
    ['ptrace', false, true, false],
    ['never', false, false, false],
  ];
  for (const [forceOverride, before, tracer, other] of rows) {
    const kernel = makeKernel({ profile: { forceOverride } });
    const caller = spawn(kernel);
    const target = spawn(kernel, U);
    const { mm } = target;
    assert.ok(mm);
    assert.is(procMemFollForce(target, mm, caller), before);
    ptraceAttach(caller, target, null);
    assert.is(procMemFollForce(target, mm, caller), tracer);
    assert.is(procMemFollForce(target, mm, spawn(kernel)), other);
    // A thread of the tracer's process is not the tracer.
    assert.is(procMemFollForce(target, mm, copyProcess(caller, { flags: THREAD })), other);
  }
});

force('the file must still name the memory of the traced task (K-116)', () => {
  const kernel = makeKernel({ profile: { forceOverride: 'ptrace' } });
  const caller = spawn(kernel);
  const target = spawn(kernel, U);
  ptraceAttach(caller, target, null);
  const other = spawn(kernel, U).mm;
  assert.ok(other);
  assert.not(procMemFollForce(target, other, caller));
  assert.not(procMemFollForce(null, other, caller));
});

force.run();

const kcmp = suite('kernel/kcmp');

kcmp('kcmp and pidfd_getfd ask real ids (K-045)', () => {
  const kernel = makeKernel();
  const target = spawn(kernel, U);
  const rows: [SpawnOptions, string | undefined][] = [
    [U, undefined],
    [{ uid: [1001, 1000, 1001], gid: 1000 }, 'EPERM'],
    [{ uid: [1000, 1001, 1001], gid: 1000 }, undefined],
  ];
  for (const [options, expected] of rows) {
    const caller = spawn(kernel, options);
    assert.is(
      outcome(() => checkPidfdGetfd(caller, target)),
      expected,
    );
    const pair = outcome(() => checkKcmp(caller, caller.pid, target.pid));
    assert.is(typeof pair === 'string' ? pair : undefined, expected);
  }
  assert.is(
    outcome(() => checkKcmp(target, target.pid, 999999)),
    'ESRCH',
  );
});

kcmp('every frame is free after a shutdown', () => {
  const before = framesInUse();
  const kernel = makeKernel();
  const task = spawn(kernel, U);
  copyProcess(task, { flags: THREAD });
  copyProcess(task, { flags: SIGCHLD });
  kernel.shutdown();
  assert.is(framesInUse(), before);
});

kcmp.run();
