// No step of the kernel may cost more the more tasks there are: walks of the lists of tasks are
// counted, as times would tell more of the machine than of the code.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { doExitGroup } from '../../src/kernel/exit.js';
import type { Kernel } from '../../src/kernel/kernel.js';
import { sysKill } from '../../src/kernel/kill.js';
import { PidTable } from '../../src/kernel/pid.js';
import { doPrlimit, RLIMIT_NPROC } from '../../src/kernel/rlimit.js';
import { propagateHasChildSubreaper } from '../../src/kernel/reparent.js';
import { SIGKILL } from '../../src/kernel/signal.js';
import type { TaskStruct } from '../../src/kernel/task.js';
import { type Linked, TaskList } from '../../src/kernel/task-list.js';
import { wait4, WNOHANG } from '../../src/kernel/wait.js';
import { framesInUse, makeKernel, outcome, spawn } from './fixture.js';
import { fork, thread } from './lifecycle.js';

const test = suite('kernel/many-tasks');
const FEW = 100;
const MANY = 1000;
const atRest = framesInUse();

interface Member extends Linked<Member> {}

/** What every walk of a list of tasks goes through. */
const { find } = TaskList.prototype;
const iterate = TaskList.prototype[Symbol.iterator];
const { tasks } = PidTable.prototype;

/** Members that `act` looks at in lists of threads, children and all tasks. */
function stepsOf(act: () => void): number {
  let steps = 0;
  function* counted<T>(members: Iterable<T>): Generator<T, void, void> {
    for (const member of members) {
      steps += 1;
      yield member;
    }
  }
  TaskList.prototype.find = function (this: TaskList<Member>, is: (member: Member) => boolean) {
    return find.call(this, (member) => {
      steps += 1;
      return is(member as Member);
    });
  };
  TaskList.prototype[Symbol.iterator] = function (this: TaskList<Member>) {
    return counted<Member>({ [Symbol.iterator]: () => iterate.call(this) });
  };
  PidTable.prototype.tasks = function (this: PidTable) {
    return counted(tasks.call(this));
  };
  try {
    act();
  } finally {
    TaskList.prototype.find = find;
    TaskList.prototype[Symbol.iterator] = iterate;
    PidTable.prototype.tasks = tasks;
  }
  return steps;
}

interface Family {
  readonly kernel: Kernel;
  readonly parent: TaskStruct;
  readonly children: TaskStruct[];
}

function family(count: number): Family {
  const kernel = makeKernel();
  kernel.sysctl.set('kernel.pid_max', 4194304);
  const parent = spawn(kernel, { uid: 1000 });
  return { kernel, parent, children: Array.from({ length: count }, () => fork(parent)) };
}

/** What is done once for every task there is. */
const ROWS: [name: string, act: (all: Family) => void, prepare?: (all: Family) => void][] = [
  [
    'forks under RLIMIT_NPROC',
    ({ parent, children }) => {
      const limit = { cur: 60000n, max: 60000n };
      doPrlimit(parent, parent, RLIMIT_NPROC, limit);
      for (const _ of children) fork(parent);
    },
  ],
  [
    'kills, one by one',
    ({ parent, children }) => {
      for (const { pid } of children) sysKill(parent, pid, SIGKILL);
    },
  ],
  [
    'waits for each number, the last first',
    ({ parent, children }) => {
      for (const { pid } of [...children].reverse()) wait4(parent, pid, WNOHANG);
    },
    endAll,
  ],
  [
    'waits for any',
    ({ parent, children }) => {
      for (const _ of children) assert.type(wait4(parent, -1, WNOHANG), 'object');
      assert.is(
        outcome(() => wait4(parent, -1, WNOHANG)),
        'ECHILD',
      );
    },
    endAll,
  ],
  ['the exit of their parent', ({ parent }) => doExitGroup(parent, 0)],
  ['the exit of the parent of zombies', ({ parent }) => doExitGroup(parent, 0), endAll],
  ['kill of everybody', ({ kernel }) => sysKill(spawn(kernel), -1, SIGKILL)],
  [
    'threads, and their end together',
    ({ parent, children }) => {
      for (const _ of children) thread(parent);
      doExitGroup(parent, 0);
    },
  ],
];

function endAll({ children }: Family): void {
  for (const child of children) doExitGroup(child, 0);
}

for (const [name, act, prepare] of ROWS) {
  test(`ten times the tasks take about ten times the steps: ${name}`, () => {
    const [few, many] = [FEW, MANY].map((count) => {
      const all = family(count);
      prepare?.(all);
      const steps = stepsOf(() => act(all));
      all.kernel.shutdown();
      return steps;
    }) as [number, number];
    assert.ok(many <= 11 * few + 100, `${many} steps among ${MANY} tasks, ${few} among ${FEW}`);
  });
}

test('a subreaper above a long line of descendants is known to the last of them', () => {
  const kernel = makeKernel();
  kernel.sysctl.set('kernel.pid_max', 4194304);
  const top = spawn(kernel);
  let last = fork(top);
  for (let depth = 0; depth < 15000; depth++) last = fork(last);
  top.group.isChildSubreaper = true;
  propagateHasChildSubreaper(top);
  assert.ok(last.group.hasChildSubreaper);
  kernel.shutdown();
});

test('the next free number is found in few steps behind a full stretch', () => {
  const kernel = makeKernel();
  const parent = spawn(kernel);
  const first = fork(parent).pid;
  for (let i = 0; i < 5000; i++) fork(parent);
  kernel.pids.setLast(first - 1);
  assert.is(fork(parent).pid, first + 5001);
  kernel.shutdown();
});

test('after the suite every frame is free', () => {
  assert.is(framesInUse(), atRest);
});

test.run();
