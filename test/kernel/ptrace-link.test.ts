import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { doExit, doExitGroup } from '../../src/kernel/exit.js';
import { copyProcess } from '../../src/kernel/fork.js';
import { sysKill, sysTgkill } from '../../src/kernel/kill.js';
import { SIGCHLD, SIGCONT, SIGKILL, SIGSTOP, SIGUSR1 } from '../../src/kernel/signal.js';
import type { TaskStruct } from '../../src/kernel/task.js';
import {
  CLONE_FILES,
  CLONE_PTRACE,
  CLONE_SIGHAND,
  CLONE_THREAD,
  CLONE_UNTRACED,
  CLONE_VFORK,
  CLONE_VM,
} from '../../src/kernel/unshare.js';
import { __WNOTHREAD, wait4, waitid, WNOHANG, WSTOPPED, WUNTRACED } from '../../src/kernel/wait.js';
import { makeKernel, outcome, spawn } from './fixture.js';
import {
  ATTACH,
  CONT,
  DETACH,
  INTERRUPT,
  LISTEN,
  type Pair,
  pair,
  PEEKDATA,
  ptrace,
  SEIZE,
  SETOPTIONS,
  wait,
} from './tracing.js';

const THREAD = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM | CLONE_FILES;
const STOPPED = 0x137f;
const EVENT_STOP = 0x80057f;
const GROUP_STOP = 0x80137f;
const O_FORK = 1 << 1;
const O_VFORK = 1 << 2;
const O_CLONE = 1 << 3;
const O_VFORKDONE = 1 << 5;
const O_EXIT = 1 << 6;

const test = suite('kernel/ptrace-link');

/** A running tracee, seized or attached, with options. */
function traced(seized: boolean, options: number): Pair {
  const all = pair();
  const { tracer, tracee } = all;
  if (seized) {
    ptrace(tracer, SEIZE, tracee, 0, options);
  } else {
    ptrace(tracer, ATTACH, tracee);
    wait(tracer);
    ptrace(tracer, SETOPTIONS, tracee, 0, options);
    ptrace(tracer, CONT, tracee);
  }
  return all;
}

const FORKS: readonly [options: number, flags: number, event: number | null][] = [
  [0, SIGCHLD, null],
  [O_FORK, SIGCHLD, 0x1057f],
  [O_FORK, 10, null],
  [O_CLONE, 10, 0x3057f],
  [O_CLONE, THREAD, 0x3057f],
  [O_VFORK, CLONE_VFORK | CLONE_VM | SIGCHLD, 0x2057f],
  [O_FORK | O_CLONE | O_VFORK, CLONE_UNTRACED | SIGCHLD, null],
];

for (const seized of [false, true]) {
  const how = seized ? 'seized' : 'attached';
  test(`events of fork, vfork and clone, and the child that comes along: ${how}`, () => {
    for (const [options, flags, event] of FORKS) {
      const { tracer, tracee } = traced(seized, options);
      const child = copyProcess(tracee, { flags });
      assert.is(tracee.state, event === null ? 'R' : 't');
      assert.is(child.ptracer, event === null ? null : tracer);
      if (event === null) continue;
      assert.is(wait(tracer, tracee.pid), event);
      assert.is(Number(tracee.ptrace?.message), child.pid);
      assert.is(wait(tracer, child.pid), seized ? EVENT_STOP : STOPPED);
    }
  });

  test(`CLONE_PTRACE brings the child along without an event: ${how}`, () => {
    const { tracer, tracee } = traced(seized, 0);
    const child = copyProcess(tracee, { flags: CLONE_PTRACE | SIGCHLD });
    assert.is(tracee.state, 'R');
    assert.is(wait(tracer, child.pid), seized ? EVENT_STOP : STOPPED);
  });

  test(`an exit stops first where it was asked for, killed or not: ${how}`, () => {
    const { kernel, tracer, tracee } = traced(seized, O_EXIT);
    doExitGroup(tracee, 0x500);
    assert.is(wait(tracer), 0x6057f);
    assert.is(Number(tracee.ptrace?.message), 0x500);
    ptrace(tracer, CONT, tracee);
    assert.is(wait(tracer), 0x500);
    const other = spawn(kernel, { parent: tracer });
    ptrace(tracer, SEIZE, other, 0, O_EXIT);
    sysKill(tracer, other.pid, SIGKILL);
    assert.is(wait(tracer), 0x6057f);
    sysKill(tracer, other.pid, SIGKILL);
    assert.is(wait(tracer), SIGKILL);
  });
}

test('the end of a vfork is an event once the parent runs', () => {
  const { tracer, tracee } = traced(true, O_VFORK | O_VFORKDONE);
  const child = copyProcess(tracee, { flags: CLONE_VFORK | CLONE_VM | SIGCHLD });
  wait(tracer, tracee.pid);
  ptrace(tracer, CONT, child);
  doExit(child, 0x300);
  assert.is(tracee.state, 't');
  ptrace(tracer, CONT, tracee);
  assert.is(wait(tracer, tracee.pid), 0x5057f);
  assert.is(wait(tracer, child.pid), 0x300);
});

test('ATTACH to a stopped process shows its group stop, then the SIGSTOP', () => {
  const { tracer, tracee } = pair();
  sysKill(tracer, tracee.pid, SIGSTOP);
  ptrace(tracer, ATTACH, tracee);
  assert.is(tracee.state, 't');
  assert.is(wait(tracer), STOPPED);
  assert.is(tracee.ptrace?.info, null);
  ptrace(tracer, CONT, tracee);
  assert.is(wait(tracer), STOPPED);
  assert.not(tracee.ptrace?.info === null);
  ptrace(tracer, CONT, tracee);
  assert.is(tracee.state, 'R');
});

test('SEIZE of a stopped process is an event of its group stop', () => {
  const { tracer, tracee } = pair();
  sysKill(tracer, tracee.pid, SIGSTOP);
  ptrace(tracer, SEIZE, tracee);
  assert.is(wait(tracer), GROUP_STOP);
  ptrace(tracer, CONT, tracee);
  assert.is(tracee.state, 'R');
  sysKill(tracer, tracee.pid, SIGCONT);
  assert.is(wait(tracer), EVENT_STOP);
  ptrace(tracer, CONT, tracee);
  assert.is(wait(tracer), 0x127f);
});

test('a stop signal let through stops the group: bare when attached, an event when seized', () => {
  const attached = traced(false, 0);
  sysKill(attached.tracer, attached.tracee.pid, SIGSTOP);
  wait(attached.tracer);
  ptrace(attached.tracer, CONT, attached.tracee, 0, SIGSTOP);
  assert.is(wait(attached.tracer), STOPPED);
  assert.is(attached.tracee.ptrace?.info, null);
  const { tracer, tracee } = traced(true, 0);
  sysKill(tracer, tracee.pid, SIGSTOP);
  wait(tracer);
  assert.is(ptrace(tracer, LISTEN, tracee), 'EIO');
  ptrace(tracer, CONT, tracee, 0, SIGSTOP);
  assert.is(wait(tracer), GROUP_STOP);
});

test('LISTEN leaves a task in its group stop, out of reach until something happens', () => {
  const { tracer, tracee } = traced(true, 0);
  sysKill(tracer, tracee.pid, SIGSTOP);
  ptrace(tracer, CONT, tracee, 0, SIGSTOP);
  wait(tracer);
  assert.is(ptrace(tracer, LISTEN, tracee), undefined);
  assert.is(tracee.state, 't');
  assert.is(ptrace(tracer, PEEKDATA, tracee), 'ESRCH');
  assert.is(wait(tracer), null);
  sysKill(tracer, tracee.pid, SIGCONT);
  assert.is(wait(tracer), EVENT_STOP);
});

test('an INTERRUPT of a stopped task works when it runs again', () => {
  const { tracer, tracee } = traced(true, 0);
  ptrace(tracer, INTERRUPT, tracee);
  assert.is(wait(tracer), EVENT_STOP);
  ptrace(tracer, INTERRUPT, tracee);
  assert.is(wait(tracer), null);
  ptrace(tracer, CONT, tracee, 0, SIGUSR1);
  assert.is(wait(tracer), EVENT_STOP);
  ptrace(tracer, CONT, tracee, 0, SIGUSR1);
  assert.is(tracee.state, 'R');
});

test('a task in a stopped group stops when its tracer leaves it', () => {
  const { tracer, tracee } = pair();
  sysKill(tracer, tracee.pid, SIGSTOP);
  ptrace(tracer, SEIZE, tracee);
  ptrace(tracer, CONT, tracee);
  assert.is(tracee.state, 'R');
  ptrace(tracer, INTERRUPT, tracee);
  ptrace(tracer, DETACH, tracee);
  assert.is(tracee.state, 'T');
});

test('the signal of a stop nobody waited for is delivered when the tracer exits', () => {
  const { kernel, tracee } = pair();
  const tracer = spawn(kernel);
  ptrace(tracer, ATTACH, tracee);
  doExitGroup(tracer, 0);
  assert.is(tracee.state, 'T');
});

test('a tracee stops even for what it would ignore; a blocked signal waits', () => {
  const { tracer, tracee } = traced(true, 0);
  sysKill(tracer, tracee.pid, SIGCHLD);
  assert.is(wait(tracer), (SIGCHLD << 8) | 0x7f);
  ptrace(tracer, CONT, tracee);
  tracee.blocked = 1n << BigInt(SIGUSR1 - 1);
  sysTgkill(tracer, null, tracee.pid, SIGUSR1);
  assert.is(tracee.state, 'R');
  assert.equal(
    tracee.pendingSignals.list().map(({ signal }) => signal),
    [SIGUSR1],
  );
});

test('the parent sees a group stop with WUNTRACED, once; WNOWAIT leaves it', () => {
  const kernel = makeKernel();
  const parent = spawn(kernel);
  const child = copyProcess(parent, { flags: SIGCHLD });
  sysKill(parent, child.pid, SIGSTOP);
  const status = (options: number): unknown => {
    const result = outcome(() => wait4(parent, child.pid, options | WNOHANG));
    return typeof result === 'object' && result !== null ? result.status : result;
  };
  assert.is(status(0), null);
  const peek = waitid(parent, 1, child.pid, WSTOPPED | WNOHANG | 0x01000000);
  assert.is((peek as { status: number }).status, STOPPED);
  assert.is(status(WUNTRACED), STOPPED);
  assert.is(status(WUNTRACED), null);
});

test('with __WNOTHREAD only the own children and tracees count', () => {
  const { kernel, tracer } = traced(true, 0);
  const thread: TaskStruct = copyProcess(tracer, { flags: THREAD });
  const target = spawn(kernel, { uid: 1000 });
  ptrace(thread, ATTACH, target);
  const options = WNOHANG | __WNOTHREAD;
  assert.is(
    outcome(() => wait4(tracer, target.pid, options)),
    'ECHILD',
  );
  assert.is((wait4(thread, target.pid, options) as { status: number }).status, STOPPED);
});

test.run();
