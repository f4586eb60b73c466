import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { copyProcess } from '../../src/kernel/fork.js';
import { sysGetpgid, sysGetsid, sysSetpgid, sysSetsid } from '../../src/kernel/pgrp.js';
import { SIGCHLD } from '../../src/kernel/signal.js';
import { PF_FORKNOEXEC } from '../../src/kernel/task.js';
import { makeKernel, outcome, spawn } from './fixture.js';

const test = suite('kernel/pgrp');

test('a process inherits group and session, and founds its own', () => {
  const kernel = makeKernel();
  const task = spawn(kernel);
  assert.is(sysGetpgid(task, 0), 1);
  assert.is(sysSetsid(task), task.pid);
  assert.is(sysGetsid(task, task.pid), task.pid);
  assert.is(sysGetpgid(kernel.init, task.pid), task.pid);
  assert.is(
    outcome(() => sysSetsid(task)),
    'EPERM',
  );
  assert.is(
    outcome(() => sysSetpgid(task, 0, 0)),
    'EPERM',
  );
  assert.is(
    outcome(() => sysGetpgid(task, 999999)),
    'ESRCH',
  );
});

test('a child moves to a group of the session until it runs an exec', () => {
  const kernel = makeKernel();
  const parent = spawn(kernel);
  sysSetsid(parent);
  const child = copyProcess(parent, { flags: SIGCHLD });
  sysSetpgid(parent, child.pid, 0);
  assert.is(child.group.pgid, child.pid);
  const second = copyProcess(parent, { flags: SIGCHLD });
  sysSetpgid(parent, second.pid, child.pid);
  assert.is(second.group.pgid, child.pid);
  child.flags &= ~PF_FORKNOEXEC;
  const rows: [number, number, string][] = [
    [child.pid, parent.pid, 'EACCES'],
    [second.pid, -1, 'EINVAL'],
    [second.pid, 1, 'EPERM'],
    [second.pid, 999999, 'EPERM'],
    [1, 0, 'ESRCH'],
    [999999, 0, 'ESRCH'],
  ];
  for (const [pid, pgid, expected] of rows) {
    assert.is(
      outcome(() => sysSetpgid(parent, pid, pgid)),
      expected,
      `${pid} ${pgid}`,
    );
  }
});

test.run();
