import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { CAP_SYS_PTRACE, capMask } from '../../src/kernel/capability.js';
import { ptraceAttach } from '../../src/kernel/attach.js';
import { execve } from '../../src/kernel/exec.js';
import type { ExecFile } from '../../src/kernel/exec-creds.js';
import { copyProcess } from '../../src/kernel/fork.js';
import { mmAccess, PTRACE_MODE_ATTACH_FSCREDS } from '../../src/kernel/ptrace.js';
import { RLIM_INFINITY, RLIMIT_STACK } from '../../src/kernel/rlimit.js';
import { SIGCHLD, SIGTRAP } from '../../src/kernel/signal.js';
import type { TaskStruct } from '../../src/kernel/task.js';
import {
  CLONE_FILES,
  CLONE_NEWUSER,
  CLONE_SIGHAND,
  CLONE_THREAD,
  CLONE_VM,
  sysUnshare,
} from '../../src/kernel/unshare.js';
import { wait4 } from '../../src/kernel/wait.js';
import { LinuxError } from '../../src/errno.js';
import type { SpawnOptions } from './fixture.js';
import { FakeFiles, framesInUse, makeKernel, map, outcome, spawn } from './fixture.js';
import { CHOWN_CAPS, exec, program } from './programs.js';

const THREAD = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM;
const U = { uid: 1000 };

/** Whether a caller may open the mem file of a task, ids and modes of the file aside. */
function mem(caller: TaskStruct, target: TaskStruct): boolean {
  return typeof outcome(() => mmAccess(caller, target, PTRACE_MODE_ATTACH_FSCREDS)) !== 'string';
}

const image = suite('kernel/exec');

image('dumpable ends with privileges gained or a file one may not read (K-301, K-306)', () => {
  const rows: [SpawnOptions, Partial<ExecFile>, 0 | 1, boolean][] = [
    [{ ...U, dumpable: 0 }, {}, 1, true],
    [U, { readable: false, mode: 0o711 }, 0, false],
    [U, { mode: 0o4755 }, 0, false],
    [U, { mode: 0o4755, uid: 1000 }, 1, true],
    [U, { mode: 0o4755, uid: 1001 }, 0, false],
    [U, { mode: 0o2755, gid: 1001 }, 0, false],
    [U, { caps: CHOWN_CAPS }, 0, false],
    // Ids that differ before the exec are enough.
    [{ uid: [1000, 1001, 1001], gid: 1000 }, {}, 0, false],
    // A real id of 0 gives permitted capabilities only; a gain is a gain.
    [{ uid: 0, caps: 0n }, {}, 0, false],
  ];
  for (const [start, file, dumpable, peer] of rows) {
    const kernel = makeKernel();
    const task = exec(spawn(kernel, start), file);
    assert.is(task.mm?.dumpable, dumpable);
    assert.is(mem(spawn(kernel, U), task), peer);
  }
});

image('fs.suid_dumpable says what it becomes (K-304)', () => {
  const kernel = makeKernel();
  kernel.sysctl.set('fs.suid_dumpable', 2);
  assert.is(exec(spawn(kernel, U), { mode: 0o4755 }).mm?.dumpable, 2);
});

image('no_new_privs with a setuid program stays dumpable (K-306)', () => {
  const task = spawn(makeKernel(), U);
  task.noNewPrivs = true;
  assert.is(exec(task, { mode: 0o4755 }).mm?.dumpable, 1);
});

image(
  'in a child namespace the memory belongs to it, unless the file is unreadable (K-307)',
  () => {
    const kernel = makeKernel();
    const readable = spawn(kernel, U);
    sysUnshare(readable, CLONE_NEWUSER);
    exec(readable);
    assert.is(readable.mm?.userNs, readable.cred.userNs);
    assert.ok(mem(spawn(kernel, U), readable));
    const other = spawn(kernel, U);
    sysUnshare(other, CLONE_NEWUSER);
    exec(other, { readable: false });
    assert.is(other.mm?.userNs, kernel.initUserNs);
    assert.not(mem(spawn(kernel, U), other));
    assert.ok(mem(spawn(kernel, { uid: 1000, caps: capMask(CAP_SYS_PTRACE) }), other));
  },
);

image('the old memory dies with its last user (K-101)', () => {
  const parent = spawn(makeKernel());
  const sharer = copyProcess(parent, { flags: CLONE_VM | SIGCHLD });
  const old = parent.mm;
  exec(parent);
  assert.ok(old?.alive);
  exec(sharer);
  assert.not(old?.alive);
});

image('name, program file and close-on-exec', () => {
  const references: string[] = [];
  const file = {
    path: '/opt/a/long-program-name',
    get: () => references.push('get'),
    put: () => references.push('put'),
  };
  const files = new FakeFiles();
  const task = spawn(makeKernel(), { uid: 1000, files });
  exec(task, file);
  assert.is(task.comm, 'long-program-na');
  assert.is(task.mm?.exeFile?.path, '/opt/a/long-program-name');
  assert.is(files.cloexec, 1);
  exec(task);
  assert.equal(references, ['get', 'put']);
});

image('shared descriptors come apart before any is closed', () => {
  const files = new FakeFiles();
  const task = spawn(makeKernel(), { files });
  const sharer = copyProcess(task, { flags: CLONE_FILES | SIGCHLD });
  exec(sharer);
  assert.is.not(sharer.files, files);
  assert.is(files.cloexec, 0);
  assert.is(files.users, 1);
});

image('other threads end, and one that is not the leader takes its number over', () => {
  const kernel = makeKernel();
  const parent = spawn(kernel);
  const leader = spawn(kernel, { parent });
  const second = copyProcess(leader, { flags: THREAD });
  const third = copyProcess(leader, { flags: THREAD });
  const { pid, threadPid } = leader;
  exec(second);
  assert.is(second.pid, pid);
  assert.is(second.tgid, pid);
  assert.ok(second.isLeader);
  assert.is(threadPid.task, second);
  assert.equal([leader.state, third.state, second.state], ['X', 'X', 'R']);
  assert.equal([...second.group.threads], [second]);
  assert.equal(parent.children, [second]);
  assert.is(kernel.findTask(pid), second);
  assert.is(wait4(parent, pid, 0), 'block');
});

image('a loader that fails leaves the task as it was', () => {
  const kernel = makeKernel();
  const task = spawn(kernel, { uid: 1000, dumpable: 0 });
  map(task, 0x10000, 4096, 3);
  const { mm, cred } = task;
  const frames = framesInUse();
  const load = (): void => {
    throw new LinuxError(12);
  };
  assert.is(
    outcome(() => execve(task, program({ mode: 0o4755 }), load)),
    'ENOMEM',
  );
  assert.is(task.mm, mm);
  assert.is(task.cred, cred);
  assert.is(framesInUse(), frames);
});

image('a privileged program starts with a usual stack limit and no pdeath signal', () => {
  const task = spawn(makeKernel(), U);
  task.group.rlimits.set(RLIMIT_STACK, { cur: RLIM_INFINITY, max: RLIM_INFINITY });
  task.pdeathSignal = 9;
  exec(task, { mode: 0o4755 });
  assert.is(task.group.rlimits.get(RLIMIT_STACK).cur, 8388608n);
  assert.is(task.pdeathSignal, 0);
});

image('a tracee traps after exec unless it was seized', () => {
  const kernel = makeKernel();
  const root = spawn(kernel);
  for (const seize of [null, { addr: 0, options: 0 }]) {
    const task = spawn(kernel, U);
    ptraceAttach(root, task, seize);
    task.state = 'R';
    exec(task);
    assert.is(task.stopCode, seize === null ? (SIGTRAP << 8) | 0x7f : null);
  }
});

image.run();
