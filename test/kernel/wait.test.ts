import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { doExit, doExitGroup, exitStatus } from '../../src/kernel/exit.js';
import { copyProcess } from '../../src/kernel/fork.js';
import { sysKill } from '../../src/kernel/kill.js';
import { SIGCONT, SIGKILL, SIGSTOP, SIGTERM } from '../../src/kernel/signal.js';
import type { TaskStruct } from '../../src/kernel/task.js';
import type { WaitOutcome } from '../../src/kernel/wait.js';
import {
  __WALL,
  __WCLONE,
  __WNOTHREAD,
  P_ALL,
  P_PGID,
  P_PID,
  wait4,
  waitid,
  WCONTINUED,
  WEXITED,
  WNOHANG,
  WNOWAIT,
  WUNTRACED,
} from '../../src/kernel/wait.js';
import { makeKernel, outcome, spawn } from './fixture.js';
import { family, fork, reap, status, thread } from './lifecycle.js';

const test = suite('kernel/wait');

test('without children it is ECHILD, with live ones it would block', () => {
  const kernel = makeKernel();
  const { parent, child } = family(kernel);
  assert.is(wait4(parent, -1, 0), 'block');
  assert.is(wait4(parent, -1, WNOHANG), null);
  assert.is(
    outcome(() => wait4(child, -1, 0)),
    'ECHILD',
  );
  assert.is(
    outcome(() => wait4(parent, child.pid + 1, 0)),
    'ECHILD',
  );
});

test('arguments are checked first', () => {
  const task = spawn(makeKernel());
  const rows: [() => WaitOutcome, string][] = [
    [() => wait4(task, -1, 0x10), 'EINVAL'],
    [() => wait4(task, -0x80000000, 0), 'ESRCH'],
    [() => waitid(task, P_PID, 0, WEXITED), 'EINVAL'],
    [() => waitid(task, P_ALL, 0, 0), 'EINVAL'],
    [() => waitid(task, P_ALL, 0, 0x10 | WEXITED), 'EINVAL'],
    [() => waitid(task, 9, 0, WEXITED), 'EINVAL'],
    [() => waitid(task, P_PGID, -1, WEXITED), 'EINVAL'],
    [() => waitid(task, P_ALL, 0, WEXITED), 'ECHILD'],
  ];
  for (const [call, expected] of rows) assert.is(outcome(call), expected);
});

test('the status tells exit codes from signals', () => {
  const kernel = makeKernel();
  const parent = spawn(kernel);
  const rows: [(child: TaskStruct) => void, number][] = [
    [(child) => doExitGroup(child, exitStatus(0)), 0],
    [(child) => doExitGroup(child, exitStatus(255)), 0xff00],
    [(child) => doExitGroup(child, exitStatus(256)), 0],
    [(child) => sysKill(parent, child.pid, SIGKILL), 9],
    [(child) => sysKill(parent, child.pid, SIGTERM), 15],
  ];
  for (const [end, expected] of rows) {
    end(fork(parent));
    assert.is(reap(parent), expected);
  }
});

test('WNOWAIT leaves the zombie', () => {
  const { parent, child } = family(makeKernel());
  doExit(child, exitStatus(5));
  assert.is(status(waitid(parent, P_PID, child.pid, WEXITED | WNOWAIT)), 0x500);
  assert.is(child.state, 'Z');
  assert.is(status(waitid(parent, P_ALL, 0, WEXITED)), 0x500);
  assert.is(child.state, 'X');
});

test('a group is waited for by its number', () => {
  const { parent, child } = family(makeKernel());
  doExit(child, 0);
  assert.is(reap(parent, -(child.group.pgid + 1)), 'ECHILD');
  assert.is(reap(parent, 0, WNOHANG), 0);
});

test('any thread may wait, unless it asks for its own children', () => {
  const leader = spawn(makeKernel());
  const second = thread(leader);
  const child = fork(leader);
  doExit(child, 0);
  assert.is(reap(second, -1, WNOHANG | __WNOTHREAD), 'ECHILD');
  assert.is(reap(second), 0);
});

test('children with another exit signal need __WCLONE or __WALL', () => {
  const parent = spawn(makeKernel());
  const child = copyProcess(parent, { flags: 0 });
  doExit(child, 0);
  assert.is(reap(parent), 'ECHILD');
  assert.is(status(wait4(parent, -1, __WCLONE)), 0);
  doExit(copyProcess(parent, { flags: 0 }), 0);
  assert.is(reap(parent, -1, __WALL), 0);
});

test('stops and continues are told once, to those who ask', () => {
  const { parent, child } = family(makeKernel());
  sysKill(parent, child.pid, SIGSTOP);
  assert.is(child.state, 'T');
  assert.is(reap(parent), null);
  assert.is(reap(parent, -1, WNOHANG | WUNTRACED), 0x137f);
  assert.is(reap(parent, -1, WNOHANG | WUNTRACED), null);
  sysKill(parent, child.pid, SIGCONT);
  assert.is(child.state, 'R');
  assert.is(reap(parent, -1, WNOHANG | WCONTINUED), 0xffff);
  assert.is(reap(parent, -1, WNOHANG | WCONTINUED), null);
});

test.run();
