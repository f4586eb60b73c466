import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { CAP_KILL, capMask } from '../../src/kernel/capability.js';
import { doExit, doExitGroup } from '../../src/kernel/exit.js';
import { copyProcess } from '../../src/kernel/fork.js';
import { sysKill, sysTgkill } from '../../src/kernel/kill.js';
import { sysSetpgid, sysSetsid } from '../../src/kernel/pgrp.js';
import {
  SIGCHLD,
  SIGCONT,
  SIGKILL,
  SIGSTOP,
  SIGTERM,
  SIGURG,
  SIGWINCH,
} from '../../src/kernel/signal.js';
import type { TaskStruct } from '../../src/kernel/task.js';
import { CLONE_SIGHAND, CLONE_THREAD, CLONE_VM } from '../../src/kernel/unshare.js';
import type { SpawnOptions } from './fixture.js';
import { makeKernel, outcome, spawn } from './fixture.js';

const THREAD = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM;
const U = { uid: 1000 };

function kill(caller: TaskStruct, pid: number, signal: number): unknown {
  return outcome(() => sysKill(caller, pid, signal));
}

const test = suite('kernel/kill');

test('real or effective id must be the real or saved id of the target, or CAP_KILL', () => {
  const rows: [SpawnOptions, SpawnOptions, boolean][] = [
    [U, U, true],
    [U, { uid: 1001 }, false],
    [{ uid: [1000, 5, 5] }, U, true],
    [{ uid: [5, 1000, 5] }, U, true],
    [{ uid: [5, 6, 1000] }, U, false],
    [U, { uid: [1000, 5, 5] }, true],
    [U, { uid: [5, 5, 1000] }, true],
    [U, { uid: [5, 1000, 5] }, false],
    [{ uid: 0, caps: 0n }, U, false],
    [{ uid: 5, caps: capMask(CAP_KILL) }, U, true],
    // Groups do not matter.
    [{ uid: 1000, gid: 7 }, U, true],
  ];
  const kernel = makeKernel();
  for (const [caller, target, allowed] of rows) {
    const answer = kill(spawn(kernel, caller), spawn(kernel, target).pid, 0);
    assert.is(answer, allowed ? undefined : 'EPERM');
  }
});

test('the target is looked up before the signal is judged', () => {
  const kernel = makeKernel();
  const task = spawn(kernel, U);
  const rows: [number, number, string | undefined][] = [
    [1, 0, 'EPERM'],
    [1, 65, 'EINVAL'],
    [999999, 65, 'ESRCH'],
    [-999999, 0, 'ESRCH'],
    [-0x80000000, 0, 'ESRCH'],
    [0, 0, undefined],
    [task.pid, -1, 'EINVAL'],
    [task.pid, 64, undefined],
  ];
  for (const [pid, signal, expected] of rows) assert.is(kill(task, pid, signal), expected);
});

test('-1 is everybody but pid 1 and the caller, and a refusal by all is no error', () => {
  const kernel = makeKernel();
  const caller = spawn(kernel, U);
  assert.is(kill(caller, -1, SIGTERM), 'ESRCH');
  const other = spawn(kernel, { uid: 1001 });
  assert.is(kill(caller, -1, SIGTERM), undefined);
  const own = spawn(kernel, U);
  assert.is(kill(caller, -1, SIGTERM), undefined);
  assert.equal([caller.state, other.state, own.state], ['R', 'R', 'X']);
  assert.is(kill(caller, -1, 65), 'EINVAL');
});

test('a signal to a group goes to those who take it', () => {
  const kernel = makeKernel();
  const caller = spawn(kernel, U);
  const other = spawn(kernel, { uid: 1001 });
  const own = spawn(kernel, U);
  sysSetsid(caller);
  for (const task of [other, own]) {
    kernel.pids.put(task.group.pgrp);
    task.group.pgrp = kernel.pids.get(caller.group.pgrp);
  }
  assert.is(kill(caller, 0, SIGURG), undefined);
  assert.is(kill(spawn(kernel, { uid: 7 }), -caller.pid, SIGTERM), 'EPERM');
  assert.is(kill(own, -caller.pid, SIGTERM), undefined);
  assert.equal([caller.state, other.state, own.state], ['X', 'R', 'X']);
});

test('SIGCONT goes to the whole session', () => {
  const kernel = makeKernel();
  const target = spawn(kernel, { uid: 1001 });
  assert.is(kill(spawn(kernel, U), target.pid, SIGCONT), undefined);
});

test('default actions end, stop, continue or do nothing', () => {
  const kernel = makeKernel();
  const root = spawn(kernel);
  const states = (signal: number): string => {
    const target = spawn(kernel);
    sysKill(root, target.pid, signal);
    return target.state;
  };
  for (const signal of [1, 2, 6, 9, 11, 15, 34, 64]) assert.is(states(signal), 'X', `${signal}`);
  assert.is(states(19), 'T');
  // Nobody of their session could continue them: their parent is pid 1.
  for (const signal of [20, 21, 22]) assert.is(states(signal), 'R', `${signal}`);
  for (const signal of [0, SIGCHLD, SIGCONT, SIGURG, SIGWINCH]) assert.is(states(signal), 'R');
});

test('a job of a shell stops, and is told when the shell goes', () => {
  const kernel = makeKernel();
  const root = spawn(kernel);
  for (const signal of [20, 21, 22]) {
    const shell = spawn(kernel, { parent: root });
    const job = spawn(kernel, { parent: shell });
    sysSetpgid(job, 0, 0);
    sysKill(root, job.pid, signal);
    assert.is(job.state, 'T', `${signal}`);
    doExitGroup(shell, 0);
    assert.is(job.killedBy?.signal, 1, 'SIGHUP, then SIGCONT');
  }
});

test('a stopped process takes SIGKILL at once and the rest when it continues', () => {
  const kernel = makeKernel();
  const root = spawn(kernel);
  const killed = spawn(kernel);
  const ended = spawn(kernel);
  for (const task of [killed, ended]) sysKill(root, task.pid, SIGSTOP);
  sysKill(root, killed.pid, SIGKILL);
  sysKill(root, ended.pid, SIGTERM);
  assert.equal([killed.state, ended.state], ['X', 'T']);
  sysKill(root, ended.pid, SIGCONT);
  assert.is(ended.state, 'X');
});

test('pid 1 takes no signal, a zombie none either', () => {
  const kernel = makeKernel();
  const root = spawn(kernel);
  assert.is(kill(root, 1, SIGKILL), undefined);
  assert.is(kernel.init.state, 'R');
  const zombie = spawn(kernel, { parent: root });
  doExit(zombie, 0x100);
  assert.is(kill(root, zombie.pid, SIGKILL), undefined);
  assert.is(zombie.exitCode, 0x100);
});

test('a signal to an exited leader reaches the threads that live', () => {
  const kernel = makeKernel();
  const root = spawn(kernel);
  const leader = spawn(kernel, { parent: root });
  const thread = copyProcess(leader, { flags: THREAD });
  doExit(leader, 0);
  sysKill(root, leader.pid, SIGTERM);
  assert.is(thread.state, 'X');
});

test('tgkill names process and thread', () => {
  const kernel = makeKernel();
  const root = spawn(kernel);
  const leader = spawn(kernel, U);
  const thread = copyProcess(leader, { flags: THREAD });
  const rows: [number | null, number, string | undefined][] = [
    [0, thread.pid, 'EINVAL'],
    [leader.pid, 0, 'EINVAL'],
    [leader.pid, 999999, 'ESRCH'],
    [root.pid, thread.pid, 'ESRCH'],
    [leader.pid, thread.pid, undefined],
    [null, thread.pid, undefined],
    [null, -1, 'EINVAL'],
  ];
  for (const [tgid, tid, expected] of rows) {
    assert.is(
      outcome(() => sysTgkill(root, tgid, tid, 0)),
      expected,
    );
  }
  assert.is(
    outcome(() => sysTgkill(spawn(kernel, { uid: 5 }), null, thread.pid, 9)),
    'EPERM',
  );
  sysTgkill(root, leader.pid, thread.pid, SIGKILL);
  assert.is(leader.state, 'X');
});

test.run();
