import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { CAP_SYS_NICE, capMask } from '../../src/kernel/capability.js';
import { doExit } from '../../src/kernel/exit.js';
import { SIGCHLD } from '../../src/kernel/signal.js';
import { copyProcess } from '../../src/kernel/fork.js';
import { commitCreds, prepareCreds } from '../../src/kernel/cred.js';
import { CLONE_NEWUSER, sysUnshare } from '../../src/kernel/unshare.js';
import type { TaskStruct } from '../../src/kernel/task.js';
import { storeUser } from '../../src/mm/user.js';
import { AT_FDCWD, O_CREAT, O_PATH, O_RDWR, O_WRONLY } from '../../src/vfs/flags.js';
import { readdir } from '../../src/vfs/readdir.js';
import { readlinkat, vfsStatat } from '../../src/vfs/stat.js';
import { ksysLseek } from '../../src/vfs/read-write.js';
import { sysChdir } from '../../src/vfs/fs-calls.js';
import { fork, thread } from '../kernel/lifecycle.js';
import {
  ARENA,
  boot,
  fileOf,
  mapFilled,
  open,
  outcome,
  read,
  readAll,
  tryOpen,
  write,
  writeTo,
} from '../vfs/fixture.js';

/** Gives a task arguments and environment at the end of a page. */
function withArguments(task: TaskStruct, args: string, env: string): void {
  const { mm } = task;
  if (mm === null) throw new Error('no memory');
  mapFilled(task, ARENA, 4096, 0);
  mm.argStart = ARENA + 100;
  mm.argEnd = mm.argStart + args.length;
  mm.envStart = mm.argEnd;
  mm.envEnd = mm.envStart + env.length;
  storeUser(mm, mm.argStart, new TextEncoder().encode(args + env));
}

const test = suite('procfs/entries');

test('cmdline is what the memory holds now, or a title (K-608)', () => {
  const { spawn } = boot();
  const task = spawn();
  assert.is(readAll(task, '/proc/self/cmdline'), '', 'no arguments yet');
  withArguments(task, 'a\0bc\0', 'X=1\0');
  const user = spawn({ uid: 1000 });
  const path = `/proc/${task.pid}/cmdline`;
  assert.is(readAll(user, path), 'a\0bc\0');
  if (task.mm !== null) storeUser(task.mm, ARENA + 100, new TextEncoder().encode('title over\0'));
  assert.is(readAll(user, path), 'title over\0', 'flows over into the environment');
  const fd = open(user, path);
  doExit(task, 0);
  assert.is(read(user, fd), 'ESRCH');
});

test('environ and auxv are those of the exec (K-607)', () => {
  const { spawn } = boot();
  const task = spawn();
  withArguments(task, 'a\0', 'X=1\0Y=2\0');
  assert.is(readAll(task, '/proc/self/environ'), 'X=1\0Y=2\0');
  const fd = open(task, '/proc/self/environ') as number;
  assert.is(ksysLseek(task, fd, 0, 2), 0);
  fileOf(task, fd).pos = 6;
  assert.is(read(task, fd), '2\0');
  fileOf(task, fd).pos = 100;
  assert.is(read(task, fd), '');
  assert.is(readAll(task, '/proc/self/auxv'), '\0'.repeat(16));
  if (task.mm !== null) task.mm.auxv = new Uint8Array(32).fill(1, 0, 16);
  assert.is(readAll(task, '/proc/self/auxv'), '\x01'.repeat(16) + '\0'.repeat(16));
});

test('comm is for its own threads to write, 15 bytes of it', () => {
  const { spawn } = boot();
  const task = spawn({ comm: 'before' });
  const other = thread(task);
  assert.is(readAll(other, '/proc/self/comm'), 'before\n');
  assert.is(writeTo(other, `/proc/self/task/${task.pid}/comm`, 'a name too long for it'), 22);
  assert.is(readAll(task, '/proc/self/comm'), 'a name too long\n');
  assert.is(writeTo(spawn(), `/proc/${task.pid}/comm`, 'x'), 'EINVAL');
  if (task.mm !== null) task.mm.dumpable = 0;
  const user = spawn({ uid: 1000 });
  task.cred = user.cred;
  assert.is(tryOpen(task, '/proc/self/comm', O_WRONLY), 'EACCES');
  assert.is(tryOpen(task, '/proc/thread-self/comm', O_WRONLY), 'ok');
});

test('stat has 52 fields, and hides addresses from who may not look (K-604)', () => {
  const { spawn } = boot();
  const task = spawn({ comm: 'a) b' });
  withArguments(task, 'a\0', 'b\0');
  Object.assign(task.mm ?? {}, { startCode: 0x1000, endCode: 0x2000, startStack: 0x9000, brk: 5 });
  const fields = (who: TaskStruct): string[] =>
    readAll(who, `/proc/${task.pid}/stat`).trimEnd().replace('(a) b)', '(comm)').split(' ');
  const own = fields(task);
  assert.is(own.length, 52);
  assert.equal(own.slice(0, 4), [`${task.pid}`, '(comm)', 'R', `${task.parent?.pid}`]);
  assert.equal(own.slice(25, 28), ['4096', '8192', '36864']);
  assert.is(own[47], String(ARENA + 100));
  const others = fields(spawn({ uid: 1000 }));
  assert.equal(others.slice(25, 28), ['1', '1', '0']);
  assert.equal(
    others.slice(44),
    Array.from({ length: 8 }, () => '0'),
  );
});

test('status shows ids as the opener’s namespace has them', () => {
  const { spawn } = boot();
  const task = spawn({ uid: [1, 2, 3], gid: 4, groups: [7, 6] });
  const text = readAll(spawn(), `/proc/${task.pid}/status`);
  for (const line of [
    'Uid:\t1\t2\t3\t2',
    'Gid:\t4\t4\t4\t4',
    'Groups:\t6 7 ',
    'Threads:\t1',
    'Umask:\t0022',
  ]) {
    assert.ok(text.includes(`${line}\n`), line);
  }
  assert.ok(text.includes('VmSize:\t       0 kB\n'));
  const inside = spawn({ uid: 1000 });
  sysUnshare(inside, CLONE_NEWUSER);
  assert.ok(
    readAll(inside, `/proc/${task.pid}/status`).includes('Uid:\t65534\t65534\t65534\t65534\n'),
  );
});

test('fd: what is open, its way back, and how (K-612)', () => {
  const { spawn } = boot();
  const task = spawn();
  open(task, '/tmp/f', O_CREAT | O_WRONLY);
  open(task, '/dev/null', O_RDWR);
  const names = readdir(task, '/proc/self/fd')
    .slice(2)
    .map(({ name }) => name);
  assert.equal(names, ['0', '1']);
  const mode = (fd: number) => vfsStatat(task, AT_FDCWD, `/proc/self/fd/${fd}`, 0x100).mode;
  assert.equal([mode(0), mode(1)], [0o120300, 0o120700]);
  assert.is(readlinkat(task, AT_FDCWD, '/proc/self/fd/0', 99), '/tmp/f');
  assert.is(vfsStatat(task, AT_FDCWD, '/proc/self/fd', 0).size, 2);
  write(task, 0, 'hello');
  assert.ok(readAll(task, '/proc/self/fdinfo/0').startsWith('pos:\t5\nflags:\t0100001\nmnt_id:\t'));
  assert.is(tryOpen(task, '/proc/self/fd/x'), 'ENOENT');
  assert.is(tryOpen(task, '/proc/self/fd/00'), 'ENOENT');
});

test('links lead to the place itself, also out of a root that does not have it', () => {
  const { spawn } = boot();
  const task = spawn();
  sysChdir(task, '/tmp');
  assert.is(readlinkat(task, AT_FDCWD, '/proc/self/cwd', 99), '/tmp');
  assert.is(readlinkat(task, AT_FDCWD, '/proc/self/root', 99), '/');
  assert.is(
    outcome(() => readlinkat(task, AT_FDCWD, '/proc/self/exe', 99)),
    'ENOENT',
  );
  open(task, '/proc/self/cwd/f', O_CREAT | O_RDWR);
  assert.is(tryOpen(task, '/tmp/f'), 'ok');
  const zombie = fork(task);
  doExit(zombie, 0);
  assert.is(
    outcome(() => readlinkat(task, AT_FDCWD, `/proc/${zombie.pid}/cwd`, 99)),
    'ENOENT',
  );
});

test('ns names the namespaces; a zombie has left most (K-047)', () => {
  const { spawn, kernel } = boot();
  const task = spawn();
  const link = (name: string, pid = task.pid) =>
    outcome(() => readlinkat(task, AT_FDCWD, `/proc/${pid}/ns/${name}`, 99));
  assert.is(link('user'), `user:[${kernel.initUserNs.inum}]`);
  assert.is(link('pid_for_children'), 'pid:[4026531836]');
  assert.is(link('nope'), 'ENOENT');
  assert.is(tryOpen(task, '/proc/self/ns/user'), 'ok');
  const zombie = fork(task);
  doExit(zombie, 0);
  assert.equal([link('user', zombie.pid), link('net', zombie.pid)], [link('user'), 'ENOENT']);
  const child = copyProcess(task, { flags: SIGCHLD | CLONE_NEWUSER });
  assert.is(link('user', child.pid), `user:[${child.cred.userNs.inum}]`);
});

test('uid_map is written once, setgroups by the privileged only (K-413)', () => {
  const { spawn } = boot();
  const task = spawn({ uid: 1000 });
  sysUnshare(task, CLONE_NEWUSER);
  assert.is(readAll(task, '/proc/self/uid_map'), '');
  assert.is(writeTo(task, '/proc/self/uid_map', '0 1000 1\n', O_RDWR), 9);
  assert.is(readAll(task, '/proc/self/uid_map'), '         0       1000          1\n');
  assert.is(writeTo(task, '/proc/self/uid_map', '0 1000 1\n', O_RDWR), 'EPERM');
  assert.is(writeTo(task, '/proc/self/gid_map', '0 1000 1\n', O_RDWR), 'EPERM');
  assert.is(writeTo(task, '/proc/self/setgroups', 'deny', O_RDWR), 4);
  assert.is(readAll(task, '/proc/self/setgroups'), 'deny\n');
  assert.is(writeTo(task, '/proc/self/gid_map', '0 1000 1\n', O_RDWR), 9);
  const outsider = spawn({ uid: 1000 });
  assert.is(tryOpen(outsider, '/proc/self/setgroups', O_WRONLY), 'EACCES');
  if (task.mm !== null) task.mm.dumpable = 0;
  const hidden = spawn({ uid: 1000, dumpable: 0 });
  assert.is(tryOpen(hidden, '/proc/self/uid_map', O_WRONLY), 'EACCES');
});

test('clear_refs takes 1 to 5 (K-609)', () => {
  const { spawn } = boot();
  const task = spawn();
  const rows: [string, number | string][] = [
    ['1', 1],
    ['5', 1],
    ['1\n', 2],
    ['0', 'EINVAL'],
    ['6', 'EINVAL'],
    ['', 'EINVAL'],
    ['x', 'EINVAL'],
    ['-1', 'EINVAL'],
    ['1 2', 'EINVAL'],
    ['12345678901234567', 'ERANGE'],
  ];
  for (const [text, expected] of rows) {
    assert.is(writeTo(task, '/proc/self/clear_refs', text), expected, text);
  }
  assert.is(tryOpen(spawn({ uid: 1000 }), '/proc/self/clear_refs'), 'EACCES');
});

test('settings of the process: their formats, their ranges, who may', () => {
  const { spawn } = boot();
  const task = spawn({ uid: 1000 });
  const rows: [string, string, string, string, number | string][] = [
    ['oom_score_adj', '0\n', '10', '10\n', 2],
    ['oom_score_adj', '10\n', '-1', '10\n', 'EACCES'],
    ['oom_score_adj', '10\n', '1001', '10\n', 'EINVAL'],
    ['oom_adj', '0\n', '15', '15\n', 2],
    ['oom_adj', '15\n', '16', '15\n', 'EINVAL'],
    ['coredump_filter', '00000033\n', '0x7f', '0000007f\n', 4],
    ['coredump_filter', '0000007f\n', 'zz', '0000007f\n', 'EINVAL'],
    ['timerslack_ns', '50000\n', '7', '7\n', 1],
    ['timerslack_ns', '7\n', '0', '50000\n', 1],
    ['loginuid', '4294967295', '1000', '1000', 4],
    ['loginuid', '1000', '1', '1000', 'EPERM'],
  ];
  for (const [name, before, text, after, expected] of rows) {
    const path = `/proc/self/${name}`;
    assert.is(readAll(task, path), before, `${name} before ${text}`);
    assert.is(writeTo(task, path, text), expected, `${name} ${text}`);
    assert.is(readAll(task, path), after, `${name} after ${text}`);
  }
  const nice = spawn({ uid: 1001, caps: capMask(CAP_SYS_NICE) });
  assert.is(readAll(nice, `/proc/${task.pid}/timerslack_ns`), '50000\n');
  assert.is(readAll(spawn({ uid: 1001 }), `/proc/${task.pid}/timerslack_ns`), 'EPERM');
  assert.is(readAll(fork(task), '/proc/self/coredump_filter'), '0000007f\n', 'inherited');
});

test('io counts bytes and calls, and asks at each read (K-605)', () => {
  const { spawn } = boot();
  const task = spawn();
  const fd = open(task, '/tmp/f', O_CREAT | O_RDWR);
  write(task, fd, 'hello');
  const io = open(task, '/proc/self/io');
  assert.ok(read(task, io).startsWith('rchar: 0\nwchar: 5\nsyscr: 0\nsyscw: 1\n'));
  const target = spawn();
  const other = open(task, `/proc/${target.pid}/io`);
  task.cred = spawn({ uid: 1000 }).cred;
  assert.is(read(task, other), 'EACCES');
});

test('files that say the same of every task here', () => {
  const { spawn } = boot();
  const task = spawn();
  for (const [name, text] of [
    ['cpuset', '/\n'],
    ['sessionid', '4294967295'],
    ['ksm_merging_pages', '0\n'],
    ['ksm_stat', 'ksm_rmap_items 0\nksm_zero_pages 0\nksm_merging_pages 0\n'],
    ['sched', `${task.comm} (${task.pid}, #threads: 1)\n---`],
  ] as const) {
    assert.is(readAll(task, `/proc/self/${name}`).slice(0, text.length), text, name);
  }
});

test('small files: limits, mounts, children, and what no module has', () => {
  const { spawn } = boot();
  const task = spawn();
  const child = fork(task);
  assert.ok(
    readAll(task, '/proc/self/limits').includes(
      'Max stack size            8388608              unlimited            bytes     \n',
    ),
  );
  assert.ok(readAll(task, '/proc/self/mounts').includes('proc /proc proc rw,relatime 0 0\n'));
  assert.ok(
    /^\d+ \d+ 0:\d+ \/ \/proc rw,relatime - proc proc rw$/m.test(
      readAll(task, '/proc/self/mountinfo'),
    ),
  );
  assert.is(readAll(task, `/proc/self/task/${task.pid}/children`), `${child.pid} `);
  const second = thread(task);
  const itsChild = fork(second);
  assert.is(readAll(task, `/proc/self/task/${second.pid}/children`), `${itsChild.pid} `);
  assert.is(readAll(task, `/proc/self/task/${task.pid}/children`), `${child.pid} `);
  assert.is(readAll(task, '/proc/self/attr/current'), 'EINVAL');
  assert.is(readAll(task, '/proc/self/wchan'), '0');
  assert.is(readAll(task, '/proc/self/personality'), '00000000\n');
  assert.is(tryOpen(task, '/proc/self/fd/0', O_PATH), 'ENOENT');
  const cred = prepareCreds(child);
  cred.capEffective = 0n;
  commitCreds(child, cred);
  assert.is(readAll(child, '/proc/self/stack'), 'EACCES');
});

test.run();
