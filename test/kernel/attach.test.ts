import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { CAP_SYS_PTRACE, capMask } from '../../src/kernel/capability.js';
import { doExit, doExitGroup } from '../../src/kernel/exit.js';
import { copyProcess, createProcess } from '../../src/kernel/fork.js';
import { sysKill } from '../../src/kernel/kill.js';
import { SIGCHLD, SIGKILL, SIGTERM, SIGUSR1 } from '../../src/kernel/signal.js';
import type { TaskStruct } from '../../src/kernel/task.js';
import { CLONE_SIGHAND, CLONE_THREAD, CLONE_VM } from '../../src/kernel/unshare.js';
import type { SpawnOptions } from './fixture.js';
import { makeKernel, spawn } from './fixture.js';
import {
  TRACEME,
  PEEKDATA,
  POKEDATA,
  CONT,
  KILL,
  ATTACH,
  DETACH,
  SETOPTIONS,
  SEIZE,
  INTERRUPT,
  EXITKILL,
  ptrace,
  wait,
  pair,
} from './tracing.js';

const THREAD = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM;
const U = { uid: 1000 };

const attach = suite('kernel/attach');

attach('who cannot be attached to (K-200)', () => {
  const { kernel, tracer, tracee } = pair();
  const thread = copyProcess(tracer, { flags: THREAD });
  const kthread = createProcess(kernel, kernel.init, { comm: 'kthreadd', kthread: true });
  const zombie = spawn(kernel, { ...U, parent: tracer });
  doExit(zombie, 0);
  const rows: [TaskStruct | number, string][] = [
    [999999, 'ESRCH'],
    [0, 'ESRCH'],
    [-1, 'ESRCH'],
    [tracer, 'EPERM'],
    [thread, 'EPERM'],
    [kthread, 'EPERM'],
    [zombie, 'EPERM'],
  ];
  for (const [target, expected] of rows) {
    assert.is(ptrace(tracer, ATTACH, target), expected);
    assert.is(ptrace(tracer, SEIZE, target), expected);
  }
  assert.is(ptrace(spawn(kernel, { uid: 1001 }), ATTACH, tracee), 'EPERM');
});

attach('real ids of the caller count (K-045, K-200)', () => {
  const rows: [SpawnOptions, string | undefined][] = [
    [U, undefined],
    [{ uid: [1001, 1000, 1001], gid: 1000 }, 'EPERM'],
    [{ uid: [1000, 1001, 1001], gid: 1000 }, undefined],
  ];
  for (const [caller, expected] of rows) {
    const { kernel, tracee } = pair();
    assert.is(ptrace(spawn(kernel, caller), SEIZE, tracee), expected);
  }
});

attach('SEIZE with an address or unknown options is EIO, before any permission (K-200)', () => {
  const { kernel, tracee } = pair();
  const stranger = spawn(kernel, { uid: 1001 });
  assert.is(ptrace(stranger, SEIZE, tracee, 1), 'EIO');
  assert.is(ptrace(stranger, SEIZE, tracee, 0, 0x80000000), 'EIO');
  assert.is(ptrace(stranger, SEIZE, tracee, 0, 2n ** 63n), 'EIO');
});

attach('one tracer at a time (K-054, K-200)', () => {
  const { kernel, tracer, tracee } = pair();
  assert.is(ptrace(tracer, ATTACH, tracee), undefined);
  assert.is(tracee.ptracer, tracer);
  for (const request of [ATTACH, SEIZE]) {
    assert.is(ptrace(tracer, request, tracee), 'EPERM');
    assert.is(ptrace(spawn(kernel), request, tracee), 'EPERM');
  }
});

attach('ATTACH stops the task, which the tracer sees once', () => {
  const { tracer, tracee } = pair();
  ptrace(tracer, ATTACH, tracee);
  assert.is(tracee.state, 't');
  assert.is(wait(tracer), 0x137f);
  assert.is(wait(tracer), null);
  assert.is(ptrace(tracer, DETACH, tracee), undefined);
  assert.is(tracee.state, 'R');
  assert.is(tracee.ptracer, null);
});

attach('requests to others than a stopped tracee are ESRCH (K-201)', () => {
  const { kernel, tracer, tracee } = pair();
  for (const request of [PEEKDATA, POKEDATA, CONT, DETACH, KILL, INTERRUPT, 99]) {
    assert.is(ptrace(tracer, request, tracee), 'ESRCH');
    assert.is(ptrace(tracer, request, 999999), 'ESRCH');
  }
  ptrace(tracer, SEIZE, tracee);
  assert.is(ptrace(tracer, PEEKDATA, tracee), 'ESRCH');
  assert.is(ptrace(tracer, INTERRUPT, tracee), undefined);
  assert.is(wait(tracer), 0x80057f);
  assert.is(ptrace(tracer, 99, tracee), 'EIO');
  assert.is(ptrace(spawn(kernel), PEEKDATA, tracee), 'ESRCH');
  assert.is(ptrace(copyProcess(tracer, { flags: THREAD }), PEEKDATA, tracee), 'ESRCH');
});

attach('INTERRUPT is for seized tasks', () => {
  const { tracer, tracee } = pair();
  ptrace(tracer, ATTACH, tracee);
  assert.is(ptrace(tracer, INTERRUPT, tracee), 'EIO');
});

attach('a signal to let through is 0 to 64, else EIO (K-203)', () => {
  const { tracer, tracee } = pair();
  ptrace(tracer, ATTACH, tracee);
  for (const request of [CONT, DETACH]) {
    assert.is(ptrace(tracer, request, tracee, 0, 65), 'EIO');
    assert.is(ptrace(tracer, request, tracee, 0, 2n ** 64n - 1n), 'EIO');
  }
  assert.is(ptrace(tracer, CONT, tracee, 0, SIGTERM), undefined);
  assert.is(wait(tracer), SIGTERM);
});

attach('options are set on a stopped tracee; unknown ones are EINVAL there', () => {
  const { tracer, tracee } = pair();
  ptrace(tracer, ATTACH, tracee);
  assert.is(ptrace(tracer, SETOPTIONS, tracee, 0, EXITKILL), undefined);
  assert.is(ptrace(tracer, SETOPTIONS, tracee, 0, 0x40000000), 'EINVAL');
});

attach('TRACEME twice is EPERM (K-204)', () => {
  const { tracer, tracee } = pair();
  assert.is(ptrace(tracee, TRACEME, 0), undefined);
  assert.is(tracee.ptracer, tracer);
  assert.is(ptrace(tracee, TRACEME, 0), 'EPERM');
});

attach("TRACEME asks the parent's capabilities only (K-204)", () => {
  const ptraceCap = capMask(CAP_SYS_PTRACE);
  const rows: [SpawnOptions, SpawnOptions, string | undefined][] = [
    [{}, {}, undefined],
    [U, {}, 'EPERM'],
    [{ uid: 1000, caps: ptraceCap }, {}, undefined],
    [U, { uid: 1001 }, undefined],
    [{}, { dumpable: 0 }, undefined],
    [{ uid: 0, caps: 0n }, { uid: 0, caps: 1n }, 'EPERM'],
    [{ uid: 0, cred: { capEffective: 0n } }, { uid: 0 }, undefined],
  ];
  for (const [parentOptions, childOptions, expected] of rows) {
    const kernel = makeKernel();
    const parent = spawn(kernel, parentOptions);
    const child = spawn(kernel, { ...childOptions, parent });
    assert.is(ptrace(child, TRACEME, 0), expected);
  }
});

attach('a tracee stops for each signal, and goes on with what the tracer lets through', () => {
  const { tracer, tracee } = pair();
  ptrace(tracer, ATTACH, tracee);
  wait(tracer);
  sysKill(tracer, tracee.pid, SIGUSR1);
  assert.is(wait(tracer), null);
  ptrace(tracer, CONT, tracee);
  assert.is(wait(tracer), (SIGUSR1 << 8) | 0x7f);
  ptrace(tracer, CONT, tracee);
  assert.is(tracee.state, 'R');
  sysKill(tracer, tracee.pid, SIGUSR1);
  ptrace(tracer, CONT, tracee, 0, SIGUSR1);
  assert.is(wait(tracer), SIGUSR1);
});

attach('a signal that waited works once the tracer is gone', () => {
  const { tracer, tracee } = pair();
  ptrace(tracer, ATTACH, tracee);
  sysKill(tracer, tracee.pid, SIGUSR1);
  ptrace(tracer, DETACH, tracee);
  assert.is(wait(tracer), SIGUSR1);
});

attach('KILL works in any state', () => {
  const { tracer, tracee } = pair();
  ptrace(tracer, SEIZE, tracee);
  assert.is(ptrace(tracer, KILL, tracee), undefined);
  assert.is(wait(tracer), SIGKILL);
});

attach('when the tracer exits its tracees run on, or die if asked (K-206)', () => {
  const { kernel, tracee } = pair();
  const other = spawn(kernel, U);
  const tracer = spawn(kernel, { parent: spawn(kernel) });
  ptrace(tracer, ATTACH, tracee);
  assert.is(wait(tracer), 0x137f);
  ptrace(tracer, SEIZE, other, 0, EXITKILL);
  doExitGroup(tracer, 0);
  assert.is(tracee.ptracer, null);
  assert.is(tracee.state, 'R');
  assert.is(other.state, 'X');
  assert.is(ptrace(spawn(kernel), ATTACH, tracee), undefined);
});

attach('a traced zombie shows to its tracer first, then to its parent', () => {
  const kernel = makeKernel();
  const parent = spawn(kernel);
  const child = copyProcess(parent, { flags: SIGCHLD });
  const tracer = spawn(kernel);
  ptrace(tracer, SEIZE, child);
  sysKill(parent, child.pid, SIGKILL);
  assert.is(wait(parent), null);
  assert.is(wait(tracer), SIGKILL);
  assert.is(wait(tracer), 'ECHILD');
  assert.is(wait(parent), SIGKILL);
  assert.is(child.state, 'X');
});

attach('a traced zombie goes to its parent when the tracer exits', () => {
  const kernel = makeKernel();
  const parent = spawn(kernel);
  const child = copyProcess(parent, { flags: SIGCHLD });
  const orphan = spawn(kernel, U);
  const tracer = spawn(kernel);
  for (const task of [child, orphan]) {
    ptrace(tracer, SEIZE, task);
    doExitGroup(task, 0x100);
    assert.is(task.state, 'Z');
  }
  doExitGroup(tracer, 0);
  assert.is(wait(parent), 0x100);
  assert.is(orphan.state, 'X');
});

attach.run();
