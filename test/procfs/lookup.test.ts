import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { doExit } from '../../src/kernel/exit.js';
import type { TaskStruct } from '../../src/kernel/task.js';
import { wait4 } from '../../src/kernel/wait.js';
import { AT_FDCWD, O_DIRECTORY, O_PATH } from '../../src/vfs/flags.js';
import { openat } from '../../src/vfs/open.js';
import { getdents64, readdir } from '../../src/vfs/readdir.js';
import { readlinkat, vfsFstat, vfsStatat } from '../../src/vfs/stat.js';
import { fork, thread } from '../kernel/lifecycle.js';
import { boot, open, outcome, read, readAll, tryOpen } from '../vfs/fixture.js';

/** A child that is a zombie until reap(). */
function mortal(parent: TaskStruct): { child: TaskStruct; reap: () => void } {
  const child = fork(parent);
  return { child, reap: () => void wait4(parent, child.pid, 0) };
}

const test = suite('procfs/lookup');

test('names are canonical decimal numbers of threads (K-001, K-002)', () => {
  const { spawn } = boot();
  const task = spawn();
  const { pid } = task;
  for (const name of ['0', '-1', `0${pid}`, `+${pid}`, '999999', '4294967295', `${pid}x`, '']) {
    assert.is(tryOpen(task, `/proc/${name}/mem`), 'ENOENT', name);
  }
  assert.is(tryOpen(task, `/proc/${pid}/mem`), 'ok');
});

test('self and thread-self are different for everyone (K-003)', () => {
  const { spawn } = boot();
  const task = spawn();
  const other = thread(task);
  const link = (who: TaskStruct, name: string) => readlinkat(who, AT_FDCWD, `/proc/${name}`, 99);
  assert.is(link(task, 'self'), `${task.pid}`);
  assert.is(link(other, 'self'), `${task.pid}`);
  assert.is(link(task, 'thread-self'), `${task.pid}/task/${task.pid}`);
  assert.is(link(other, 'thread-self'), `${task.pid}/task/${other.pid}`);
  assert.is(readAll(other, '/proc/thread-self/status').split('\n')[5], `Pid:\t${other.pid}`);
});

test('threads are reached by number but listed only below their process (K-004, K-005)', () => {
  const { spawn } = boot();
  const task = spawn();
  const other = thread(task);
  const stranger = spawn();
  const names = (path: string) => readdir(task, path).map(({ name }) => name);
  assert.ok(names('/proc').includes(String(task.pid)));
  assert.not(names('/proc').includes(String(other.pid)));
  assert.is(tryOpen(task, `/proc/${other.pid}/mem`), 'ok');
  assert.equal(names(`/proc/${other.pid}/task`), ['.', '..', `${task.pid}`, `${other.pid}`]);
  assert.is(tryOpen(task, `/proc/${other.pid}/task/${task.pid}/mem`), 'ok');
  assert.is(tryOpen(task, `/proc/${stranger.pid}/task/${other.pid}/mem`), 'ENOENT');
  assert.is(vfsStatat(task, AT_FDCWD, '/proc/self/task', 0).nlink, 4);
});

test('what is left of a task after its reap (K-006; answers of a real kernel)', () => {
  const { spawn } = boot();
  const parent = spawn();
  const { child, reap } = mortal(parent);
  const dir = `/proc/${child.pid}`;
  const fd = (path: string, flags = 0) => open(parent, path, flags) as number;
  const dirs = ['', '/task', `/task/${child.pid}`, '/fd', '/fdinfo', '/ns', '/map_files', '/attr'];
  const dirfds = new Map(dirs.map((name) => [name, fd(`${dir}${name}`, O_DIRECTORY)]));
  const pathMem = fd(`${dir}/mem`, O_PATH);
  doExit(child, 0);
  reap();
  const at = (name: string, path: string) =>
    outcome(() => {
      openat(parent, dirfds.get(name) ?? -1, path, 0, 0);
      return 'ok';
    });
  assert.is(tryOpen(parent, `${dir}/mem`), 'ENOENT');
  assert.is(tryOpen(parent, `/proc/self/fd/${pathMem}`), 'ESRCH');
  const rows: [string, string, string][] = [
    ['', 'mem', 'ESRCH'],
    ['', 'nope', 'ESRCH'],
    ['', '.', 'ESRCH'],
    ['', '..', 'ESRCH'],
    ['/task', `${child.pid}`, 'ESRCH'],
    [`/task/${child.pid}`, 'mem', 'ENOENT'],
    ['/fd', '0', 'ENOENT'],
    ['/fdinfo', '0', 'ESRCH'],
    ['/ns', 'user', 'ENOENT'],
    ['/map_files', '1000-2000', 'ENOENT'],
    ['/attr', 'current', 'ENOENT'],
  ];
  for (const [name, path, expected] of rows) assert.is(at(name, path), expected, `${name} ${path}`);
  for (const [name, dirfd] of dirfds) {
    assert.is(
      outcome(() => getdents64(parent, dirfd, 4096)),
      'ENOENT',
      `list ${name}`,
    );
    const gone = ['', '/task', '/fdinfo'].includes(name) ? 'ESRCH' : 'ok';
    assert.is(tryOpen(parent, `/proc/self/fd/${dirfd}`), gone, `reopen ${name}`);
  }
  assert.is(
    outcome(() => vfsFstat(parent, dirfds.get('/fd') ?? -1)),
    'ENOENT',
  );
});

test('what held files of a reaped task read (answers of a real kernel)', () => {
  const { spawn } = boot();
  const parent = spawn();
  const { child, reap } = mortal(parent);
  open(child, '/dev/null');
  const rows: [string, string, string][] = [
    ['maps', 'ESRCH', 'ESRCH'],
    ['stat', 'ESRCH', 'ok'],
    ['status', 'ESRCH', 'ok'],
    ['cmdline', 'ESRCH', 'ok'],
    ['environ', '', 'ESRCH'],
    ['comm', 'ESRCH', 'ok'],
    ['mem', '', 'ESRCH'],
    ['io', 'ESRCH', 'ok'],
    ['limits', 'ESRCH', 'ok'],
    ['statm', 'ESRCH', 'ok'],
    ['wchan', 'ESRCH', 'ok'],
    ['uid_map', '         0          0 4294967295\n', 'EINVAL'],
    ['oom_score_adj', 'ESRCH', 'ok'],
    ['fdinfo/0', 'ENOENT', 'ESRCH'],
    ['coredump_filter', 'ESRCH', 'ok'],
    ['timerslack_ns', 'ESRCH', 'ok'],
    ['attr/current', 'ESRCH', 'ok'],
    ['syscall', 'ESRCH', 'ok'],
    ['pagemap', '', 'ESRCH'],
    ['smaps', 'ESRCH', 'ESRCH'],
    ['smaps_rollup', 'ESRCH', 'ESRCH'],
    ['setgroups', 'allow\n', 'ESRCH'],
    ['oom_score', 'ESRCH', 'ok'],
    ['loginuid', 'ESRCH', 'ok'],
  ];
  const fds = rows.map(([name]) => open(parent, `/proc/${child.pid}/${name}`) as number);
  doExit(child, 0);
  reap();
  for (const [i, [name, text, reopened]] of rows.entries()) {
    assert.is(read(parent, fds[i] ?? -1, 64), text, name);
    assert.is(tryOpen(parent, `/proc/self/fd/${fds[i]}`), reopened, `reopen ${name}`);
  }
});

test.run();
