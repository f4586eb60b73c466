import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { CAP_SYS_PTRACE, capMask } from '../../src/kernel/capability.js';
import { ptraceAttach, ptraceTraceme } from '../../src/kernel/attach.js';
import { doExitGroup, exitStatus } from '../../src/kernel/exit.js';
import { copyProcess } from '../../src/kernel/fork.js';
import type { Kernel } from '../../src/kernel/kernel.js';
import { PR_SET_PTRACER, YAMA_PTRACE_SCOPE, YamaModule } from '../../src/kernel/lsm/yama.js';
import { sysPrctl } from '../../src/kernel/prctl.js';
import {
  PTRACE_MODE_ATTACH_FSCREDS,
  PTRACE_MODE_ATTACH_REALCREDS,
  PTRACE_MODE_READ_FSCREDS,
  ptraceMayAccess,
} from '../../src/kernel/ptrace.js';
import { SIGCHLD } from '../../src/kernel/signal.js';
import type { TaskStruct } from '../../src/kernel/task.js';
import { CLONE_SIGHAND, CLONE_THREAD, CLONE_VM } from '../../src/kernel/unshare.js';
import { wait4 } from '../../src/kernel/wait.js';
import { makeKernel, outcome, spawn } from './fixture.js';

const THREAD = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM;
const U = { uid: 1000 };
const ABLE = { uid: 1000, caps: capMask(CAP_SYS_PTRACE) };

/** A kernel with capability and Yama, whose users are all uid 1000. */
function yamaKernel(scope: number): Kernel {
  const kernel = makeKernel();
  kernel.security.install(new YamaModule(kernel.sysctl, scope));
  return kernel;
}

function may(caller: TaskStruct, target: TaskStruct): boolean {
  const fs = ptraceMayAccess(caller, target, PTRACE_MODE_ATTACH_FSCREDS);
  const real = ptraceMayAccess(caller, target, PTRACE_MODE_ATTACH_REALCREDS);
  assert.is(fs, real);
  return fs;
}

function declare(tracee: TaskStruct, tracer: number | bigint): unknown {
  const arg = BigInt.asUintN(64, BigInt(tracer));
  return outcome(() => sysPrctl(tracee, PR_SET_PTRACER, [arg, 0n, 0n, 0n]));
}

const yama = suite('kernel/lsm/yama');

yama('by scope: who may attach to a sibling, a child and a parent (K-053)', () => {
  // [scope, sibling, child, parent, sibling with CAP_SYS_PTRACE]
  const rows: [number, boolean, boolean, boolean, boolean][] = [
    [0, true, true, true, true],
    [1, false, true, false, true],
    [2, false, false, false, true],
    [3, false, false, false, false],
  ];
  for (const [scope, sibling, child, parent, able] of rows) {
    const kernel = yamaKernel(scope);
    const caller = spawn(kernel, U);
    const own = spawn(kernel, { ...U, parent: caller });
    assert.is(may(caller, spawn(kernel, U)), sibling, `sibling ${scope}`);
    assert.is(may(caller, own), child, `child ${scope}`);
    assert.is(may(own, caller), parent, `parent ${scope}`);
    assert.is(may(spawn(kernel, ABLE), caller), able, `able ${scope}`);
  }
});

yama('reading is never restricted (K-053)', () => {
  for (const scope of [0, 1, 2, 3]) {
    const kernel = yamaKernel(scope);
    const reads = ptraceMayAccess(spawn(kernel, U), spawn(kernel, U), PTRACE_MODE_READ_FSCREDS);
    assert.ok(reads, `scope ${scope}`);
  }
});

yama('the own process is out of its reach (K-042, K-053)', () => {
  const task = spawn(yamaKernel(3), U);
  assert.ok(may(copyProcess(task, { flags: THREAD }), task));
});

yama('a descendant is one over any number of forks, by any thread (K-053)', () => {
  const kernel = yamaKernel(1);
  const caller = spawn(kernel, U);
  const child = copyProcess(caller, { flags: SIGCHLD });
  const grandchild = copyProcess(child, { flags: SIGCHLD });
  const thread = copyProcess(grandchild, { flags: THREAD });
  const callerThread = copyProcess(caller, { flags: THREAD });
  for (const target of [child, grandchild, thread]) {
    assert.ok(may(caller, target));
    assert.ok(may(callerThread, target));
  }
});

yama('an orphan is no descendant any more (K-053)', () => {
  const kernel = yamaKernel(1);
  const caller = spawn(kernel, U);
  const child = copyProcess(caller, { flags: SIGCHLD });
  const grandchild = copyProcess(child, { flags: SIGCHLD });
  doExitGroup(child, exitStatus(0));
  assert.not(may(caller, grandchild));
});

yama('a target declares its tracer, whose descendants may as well (K-053)', () => {
  const kernel = yamaKernel(1);
  const target = spawn(kernel, U);
  const tracer = spawn(kernel, U);
  const helper = copyProcess(tracer, { flags: SIGCHLD });
  assert.not(may(tracer, target));
  assert.is(declare(target, tracer.pid), 0);
  assert.ok(may(tracer, target));
  assert.ok(may(helper, target));
  assert.not(may(spawn(kernel, U), target));
  assert.is(declare(target, helper.pid), 0);
  assert.not(may(tracer, target));
  assert.is(declare(target, 0), 0);
  assert.not(may(helper, target));
});

yama('-1 declares anybody, and a thread speaks for its process (K-053)', () => {
  for (const anybody of [-1, 0xffffffffn]) {
    const kernel = yamaKernel(1);
    const target = spawn(kernel, U);
    const thread = copyProcess(target, { flags: THREAD });
    assert.is(declare(thread, anybody), 0);
    assert.ok(may(spawn(kernel, U), target));
    assert.ok(may(spawn(kernel, U), thread));
  }
});

yama('a number nobody has is EINVAL', () => {
  assert.is(declare(spawn(yamaKernel(1), U), 999999), 'EINVAL');
});

yama('a relation ends with either task (K-053)', () => {
  const kernel = yamaKernel(1);
  const parent = spawn(kernel);
  const target = spawn(kernel, U);
  const tracer = spawn(kernel, { ...U, parent });
  const helper = copyProcess(tracer, { flags: SIGCHLD });
  declare(target, tracer.pid);
  doExitGroup(tracer, 0);
  wait4(parent, tracer.pid, 0);
  assert.not(may(helper, target));
});

yama('a declaration is no help in scopes 2 and 3 (K-053)', () => {
  for (const scope of [2, 3]) {
    const kernel = yamaKernel(scope);
    const target = spawn(kernel, U);
    declare(target, -1);
    assert.not(may(spawn(kernel, U), target));
  }
});

yama('a tracer already attached may do more of it (K-053)', () => {
  const kernel = yamaKernel(1);
  const tracer = spawn(kernel, { uid: 0 });
  const target = spawn(kernel, { uid: 0, caps: 0n });
  ptraceAttach(tracer, target, null);
  tracer.cred = target.cred;
  assert.ok(may(tracer, target));
  assert.ok(may(copyProcess(tracer, { flags: THREAD }), target));
});

yama('TRACEME needs a capable parent in scope 2 and fails in scope 3 (K-053)', () => {
  const rows: [number, string | undefined, string | undefined][] = [
    [0, undefined, undefined],
    [1, undefined, undefined],
    [2, 'EPERM', undefined],
    [3, 'EPERM', 'EPERM'],
  ];
  for (const [scope, plain, able] of rows) {
    const kernel = yamaKernel(scope);
    const traceme = (parent: TaskStruct): unknown =>
      outcome(() => ptraceTraceme(spawn(kernel, { ...U, parent })));
    assert.is(traceme(spawn(kernel, U)), plain, `scope ${scope}`);
    assert.is(traceme(spawn(kernel, ABLE)), able, `scope ${scope}`);
  }
});

yama('the scope can be raised to 3 and never comes back (K-053)', () => {
  const { sysctl } = yamaKernel(1);
  const set = (value: number): unknown => outcome(() => sysctl.set(YAMA_PTRACE_SCOPE, value));
  for (const value of [0, 2, 1, 3, 3]) assert.is(set(value), undefined, `${value}`);
  for (const value of [0, 1, 2, 4, -1]) assert.is(set(value), 'EINVAL', `${value}`);
  assert.is(sysctl.get(YAMA_PTRACE_SCOPE), 3);
});

yama('the sysctl is there only with the module', () => {
  const { sysctl } = makeKernel();
  assert.not(sysctl.has(YAMA_PTRACE_SCOPE));
  assert.is(
    outcome(() => sysctl.get(YAMA_PTRACE_SCOPE)),
    'ENOENT',
  );
});

yama('a scope that does not exist is a RangeError, a second module a TypeError', () => {
  const { sysctl, security } = yamaKernel(1);
  assert.throws(
    () => new YamaModule(sysctl, 4),
    (error: unknown) => error instanceof RangeError,
  );
  const second = new YamaModule(sysctl, 1);
  assert.throws(
    () => security.install(second),
    (error: unknown) => error instanceof TypeError,
  );
});

yama.run();
