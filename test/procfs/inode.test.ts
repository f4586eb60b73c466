import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { doExit } from '../../src/kernel/exit.js';
import { createProcess } from '../../src/kernel/fork.js';
import type { TaskStruct } from '../../src/kernel/task.js';
import { fchmodat2, fchownat } from '../../src/vfs/attr.js';
import { AT_FDCWD, AT_SYMLINK_NOFOLLOW, O_PATH } from '../../src/vfs/flags.js';
import { readdir } from '../../src/vfs/readdir.js';
import { vfsFstat, vfsStatat } from '../../src/vfs/stat.js';
import { sysTruncate } from '../../src/vfs/truncate.js';
import { fork, thread } from '../kernel/lifecycle.js';
import { boot, open, outcome, readAll, tryOpen, writeTo } from '../vfs/fixture.js';

const stat = (task: TaskStruct, path: string) =>
  vfsStatat(task, AT_FDCWD, path, AT_SYMLINK_NOFOLLOW);
const owner = (task: TaskStruct, path: string) => {
  const { uid, gid } = stat(task, path);
  return `${uid}:${gid}`;
};

/** Names and modes of a real /proc/PID (K-600). */
const MODES: Readonly<Record<string, string>> = {
  task: '40555',
  fd: '40500',
  map_files: '40500',
  fdinfo: '40555',
  ns: '40511',
  net: '40555',
  environ: '100400',
  auxv: '100400',
  status: '100444',
  personality: '100400',
  limits: '100444',
  sched: '100644',
  autogroup: '100644',
  timens_offsets: '100644',
  comm: '100644',
  syscall: '100400',
  cmdline: '100444',
  stat: '100444',
  statm: '100444',
  maps: '100444',
  numa_maps: '100444',
  mem: '100600',
  cwd: '120777',
  root: '120777',
  exe: '120777',
  mounts: '100444',
  mountinfo: '100444',
  mountstats: '100400',
  clear_refs: '100200',
  smaps: '100444',
  smaps_rollup: '100444',
  pagemap: '100400',
  attr: '40555',
  wchan: '100444',
  stack: '100400',
  schedstat: '100444',
  cpuset: '100444',
  cgroup: '100444',
  oom_score: '100444',
  oom_adj: '100644',
  oom_score_adj: '100644',
  loginuid: '100644',
  sessionid: '100444',
  coredump_filter: '100644',
  io: '100400',
  uid_map: '100644',
  gid_map: '100644',
  projid_map: '100644',
  setgroups: '100644',
  timers: '100444',
  timerslack_ns: '100666',
  arch_status: '100444',
  ksm_merging_pages: '100400',
  ksm_stat: '100400',
};
/** Entries of a process that a thread's directory has not. */
const PROCESS_ONLY = [
  'task',
  'map_files',
  'mountstats',
  'coredump_filter',
  'timers',
  'timerslack_ns',
  'autogroup',
  'timens_offsets',
];

const test = suite('procfs/inode');

test('every entry has the mode of Linux, and listings their order (K-600)', () => {
  const task = boot().spawn();
  const names = (path: string) =>
    readdir(task, path)
      .map(({ name }) => name)
      .slice(2);
  assert.equal(names('/proc/self'), Object.keys(MODES));
  for (const [name, mode] of Object.entries(MODES)) {
    assert.is(stat(task, `/proc/self/${name}`).mode.toString(8), mode, name);
  }
  const ofThread = Object.keys(MODES).filter((name) => !PROCESS_ONLY.includes(name));
  assert.equal(names('/proc/thread-self').sort(), [...ofThread, 'children'].sort());
});

test('mem looks like an empty file of one link (K-010)', () => {
  const task = boot().spawn();
  const { mode, size, nlink, blksize, blocks } = stat(task, '/proc/self/mem');
  assert.equal([mode, size, nlink, blksize, blocks], [0o100600, 0, 1, 1024, 0]);
});

test('the owner is the effective ids while the memory is dumpable, else root (K-011, K-012)', () => {
  const { spawn } = boot();
  const root = spawn();
  const target = spawn({ uid: [5, 1000, 5], gid: [6, 1001, 6] });
  const dir = `/proc/${target.pid}`;
  assert.is(owner(root, `${dir}/mem`), '1000:1001');
  for (const dumpable of [0, 2] as const) {
    if (target.mm !== null) target.mm.dumpable = dumpable;
    for (const name of ['mem', 'maps', 'fd', 'ns', 'exe']) {
      assert.is(owner(root, `${dir}/${name}`), '0:0', `${name} ${dumpable}`);
    }
    // Directories that are exactly dr-xr-xr-x keep the effective ids (K-013).
    for (const name of ['', '/task', '/fdinfo', '/attr']) {
      assert.is(owner(root, `${dir}${name}`), '1000:1001', `${name} ${dumpable}`);
    }
  }
});

test('the owner of what has no memory is root (K-014)', () => {
  const { spawn, kernel } = boot();
  const root = spawn();
  const parent = spawn({ uid: 1000 });
  const zombie = fork(parent);
  doExit(zombie, 0);
  assert.is(owner(root, `/proc/${zombie.pid}/mem`), '0:0');
  assert.is(owner(root, `/proc/${zombie.pid}`), '1000:1000');
  const kthread = createProcess(kernel, kernel.init, { comm: 'kthread', kthread: true });
  assert.is(owner(root, `/proc/${kthread.pid}/mem`), '0:0');
});

test('a walk brings the owner up to date, an open descriptor keeps the last', () => {
  const { spawn } = boot();
  const root = spawn();
  const target = spawn({ uid: 1000 });
  const path = `/proc/${target.pid}/mem`;
  const fd = open(root, path, O_PATH) as number;
  if (target.mm !== null) target.mm.dumpable = 0;
  assert.is(vfsFstat(root, fd).uid, 1000);
  assert.is(owner(root, path), '0:0');
  assert.is(vfsFstat(root, fd).uid, 0, 'they share the inode');
});

test('attributes cannot be changed to any effect (K-015)', () => {
  const { spawn } = boot();
  const task = spawn();
  const call = (act: () => void) => outcome(act) ?? 'ok';
  const chown = (path: string, uid: number) => fchownat(task, AT_FDCWD, path, uid, uid, 0);
  assert.is(
    call(() => fchmodat2(task, AT_FDCWD, '/proc/self/mem', 0o777, 0)),
    'EPERM',
  );
  assert.is(
    call(() => chown('/proc/self/mem', 1)),
    'ok',
  );
  assert.is(owner(task, '/proc/self/mem'), '0:0');
  assert.is(
    call(() => sysTruncate(task, '/proc/self/mem', 5)),
    'ok',
  );
  assert.is(stat(task, '/proc/self/mem').size, 0);
  assert.is(
    call(() => chown('/proc/self', 1)),
    'EPERM',
    'immutable',
  );
  assert.is(
    call(() => chown('/proc/self', 0xffffffff)),
    'ok',
  );
  assert.is(
    call(() => fchmodat2(task, AT_FDCWD, '/proc/self', 0o700, 0)),
    'EPERM',
  );
});

/** What can be opened of a task without memory, and what it reads (K-031, K-032). */
const WITHOUT_MM: readonly (readonly [string, string, string])[] = [
  ['mem', 'ESRCH', ''],
  ['environ', 'ESRCH', ''],
  ['auxv', 'ESRCH', ''],
  ['pagemap', 'ESRCH', ''],
  ['smaps_rollup', 'ESRCH', ''],
  ['maps', 'ok', ''],
  ['smaps', 'ok', ''],
  ['numa_maps', 'ok', ''],
  ['cmdline', 'ok', ''],
  ['coredump_filter', 'ok', ''],
  ['statm', 'ok', '0 0 0 0 0 0 0\n'],
  ['map_files/1000-2000', 'ESRCH', ''],
  ['map_files/xx', 'ENOENT', ''],
  ['exe', 'ENOENT', ''],
];

for (const kind of ['zombie', 'kernel thread']) {
  test(`a ${kind} has no memory to open (K-031 to K-033)`, () => {
    const { spawn, kernel } = boot();
    const root = spawn();
    let target = fork(root);
    if (kind === 'zombie') doExit(target, 0);
    else target = createProcess(kernel, kernel.init, { comm: 'kthread', kthread: true });
    const dir = `/proc/${target.pid}`;
    for (const [name, opened, text] of WITHOUT_MM) {
      assert.is(tryOpen(root, `${dir}/${name}`), opened, name);
      if (opened === 'ok') assert.is(readAll(root, `${dir}/${name}`), text, name);
    }
    assert.is(writeTo(root, `${dir}/clear_refs`, '1'), 1);
    assert.is(readdir(root, `${dir}/map_files`).length, 2);
    const user = spawn({ uid: 1000 });
    for (const name of ['mem', 'environ', 'auxv', 'pagemap']) {
      assert.is(tryOpen(user, `${dir}/${name}`), 'EACCES', 'DAC comes first');
    }
    assert.is(readAll(user, `${dir}/maps`), '');
  });
}

test('a leader that exited before its sibling is a zombie, the sibling lives (K-034)', () => {
  const { spawn } = boot();
  const root = spawn();
  const leader = spawn();
  const sibling = thread(leader);
  doExit(leader, 0);
  assert.is(tryOpen(root, `/proc/${leader.pid}/mem`), 'ESRCH');
  assert.is(tryOpen(root, `/proc/${leader.pid}/task/${sibling.pid}/mem`), 'ok');
  assert.ok(readAll(root, `/proc/${leader.pid}/status`).includes('State:\tZ (zombie)\n'));
});

test.run();
