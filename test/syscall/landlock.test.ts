import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import type { Task } from '../../src/api/task.js';
import { Guest, type GuestArg } from './guest.js';

const test = suite('syscall/landlock');

const EPERM = -1;
const E2BIG = -7;
const EBADF = -9;
const EFAULT = -14;
const EINVAL = -22;
const ENOMSG = -42;
const EBADFD = -77;
const SIGNAL = 2;
const PR_SET_NO_NEW_PRIVS = 38;

function words(...values: (number | bigint)[]): Uint8Array {
  return new Uint8Array(new BigUint64Array(values.map(BigInt)).buffer);
}

/** struct landlock_path_beneath_attr, which is packed. */
function beneath(access: number, fd: number | bigint): Uint8Array {
  const bytes = new Uint8Array(12);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(access), true);
  view.setInt32(8, Number(fd), true);
  return bytes;
}

function create(guest: Guest, fs: number, net = 0, scope = 0): number | bigint {
  return guest.call('landlock_create_ruleset', words(fs, net, scope), 24, 0);
}

/** Restricts a task by a ruleset of these scopes. */
function restrict(guest: Guest, task: Task, scope = 0): void {
  const attr = guest.put(words(scope === 0 ? 1 : 0, 0, scope));
  const bytes = guest.task.load(attr, 24);
  const place = task.mmap({ length: 4096 });
  task.store(place, bytes);
  const fd = task.syscall('landlock_create_ruleset', place, 24, 0);
  assert.is(task.syscall('landlock_restrict_self', fd, 0), 0);
}

test('the version is asked with nothing else', async () => {
  const guest = await Guest.create();
  const rows: [attr: number, size: number, flags: number, expected: number][] = [
    [0, 0, 1, 7],
    [0, 0, 2, 7],
    [0, 0, 3, EINVAL],
    [0, 0, 4, EINVAL],
    [8, 0, 1, EINVAL],
    [0, 8, 1, EINVAL],
    [0, 0, 0, EFAULT],
    [0, 8, 0, EFAULT],
  ];
  for (const [attr, size, flags, expected] of rows) {
    assert.is(guest.call('landlock_create_ruleset', attr, size, flags), expected);
  }
});

test('a ruleset has a size of some version and restricts something known', async () => {
  const guest = await Guest.create();
  const zeros = words(1, ...new Array<number>(511).fill(0));
  const sized = (size: number): number | bigint =>
    guest.call('landlock_create_ruleset', zeros, size, 0);
  for (const size of [8, 16, 24, 32, 4096]) assert.ok(sized(size) >= 0);
  assert.is(sized(0), EINVAL);
  assert.is(sized(4), EINVAL);
  assert.is(sized(4097), E2BIG);
  assert.is(guest.call('landlock_create_ruleset', words(1, 0, 0, 1), 32, 0), E2BIG);
  assert.is(create(guest, 0), ENOMSG);
  assert.is(create(guest, 1 << 16), EINVAL);
  assert.is(create(guest, 0, 4), EINVAL);
  assert.is(create(guest, 0, 0, 4), EINVAL);
  const fd = create(guest, 0xffff, 3, 3);
  const link = `/proc/self/fd/${fd}`;
  assert.is(guest.task.readlink(link), 'anon_inode:[landlock-ruleset]');
  assert.is(guest.call('read', fd, guest.buffer(8), 8), EINVAL);
});

test('rules are checked against the ruleset and the file', async () => {
  const guest = await Guest.create();
  const ruleset = create(guest, 0xffff, 3);
  const dir = guest.call('open', '/tmp', 0);
  const file = guest.call('open', '/dev/null', 0);
  const memfd = guest.call('memfd_create', 'x', 0);
  const onlyExecute = create(guest, 1);
  const rows: [fd: number | bigint, type: number, attr: GuestArg, expected: number][] = [
    [ruleset, 1, beneath(1, dir), 0],
    [ruleset, 0, beneath(1, dir), EINVAL],
    [ruleset, 1, 8, EFAULT],
    [999, 1, 8, EBADF],
    [dir, 1, beneath(1, dir), EBADFD],
    [ruleset, 1, beneath(0, dir), ENOMSG],
    [ruleset, 1, beneath(1 << 16, dir), EINVAL],
    [ruleset, 1, beneath(1, -1), EBADF],
    [ruleset, 1, beneath(1, memfd), EBADFD],
    [ruleset, 1, beneath(1, ruleset), EBADFD],
    [ruleset, 1, beneath(8, dir), 0],
    [ruleset, 1, beneath(8, file), EINVAL],
    [ruleset, 1, beneath(0xc007, file), 0],
    [onlyExecute, 1, beneath(2, dir), EINVAL],
    [ruleset, 2, words(1, 80), 0],
    [ruleset, 2, words(0, 80), ENOMSG],
    [ruleset, 2, words(4, 80), EINVAL],
    [ruleset, 2, words(1, 65536), EINVAL],
    [onlyExecute, 2, words(1, 1), EINVAL],
  ];
  for (const [fd, type, attr, expected] of rows) {
    assert.is(guest.call('landlock_add_rule', fd, type, attr, 0), expected);
  }
  assert.is(guest.call('landlock_add_rule', ruleset, 1, beneath(1, dir), 1), EINVAL);
});

test('restricting oneself wants no_new_privs or CAP_SYS_ADMIN, asked first', async () => {
  const guest = await Guest.create({ uid: 1000 });
  const ruleset = create(guest, 1);
  assert.is(guest.call('landlock_restrict_self', ruleset, 0), EPERM);
  assert.is(guest.call('landlock_restrict_self', -1, 0), EPERM);
  guest.call('prctl', PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  const null_ = guest.call('open', '/dev/null', 0);
  const rows: [fd: number | bigint, flags: number, expected: number][] = [
    [999, 0, EBADF],
    [null_, 0, EBADFD],
    [-1, 0, EBADF],
    [-1, 4, 0],
    [-1, 5, EBADF],
    [ruleset, 8, EINVAL],
    [ruleset, 7, 0],
  ];
  for (const [fd, flags, expected] of rows) {
    assert.is(guest.call('landlock_restrict_self', fd, flags), expected);
  }
});

test('there are at most 16 layers', async () => {
  const guest = await Guest.create();
  const ruleset = create(guest, 1);
  for (let layer = 1; layer <= 16; layer++) {
    assert.is(guest.call('landlock_restrict_self', ruleset, 0), 0);
  }
  assert.is(guest.call('landlock_restrict_self', ruleset, 0), E2BIG);
});

test('a task in a domain traces only what is in it or nested in it', async () => {
  const guest = await Guest.create();
  const { machine, task } = guest;
  const outside = task.fork();
  restrict(guest, task);
  const same = task.fork();
  const nested = task.fork();
  restrict(guest, nested);
  const may = (caller: Task, target: Task): boolean =>
    machine.explainAccess(caller, target).allowed;
  assert.equal([may(task, same), may(task, nested), may(task, outside)], [true, true, false]);
  assert.equal([may(nested, task), may(same, task), may(outside, task)], [false, true, true]);
  const { checks } = machine.explainAccess(task, outside);
  assert.match(checks.at(-1)?.source ?? '', 'hook_ptrace_access_check');
  assert.is(task.syscall('ptrace', 16, outside.pid, 0, 0), EPERM);
  // Reading by CAP_PERFMON asks no module (K-041).
  assert.ok(task.readText(`/proc/${outside.pid}/maps`) !== null);
});

test('TRACEME asks whether the parent could', async () => {
  const guest = await Guest.create();
  const { task } = guest;
  const before = task.fork();
  const restricted = task.fork();
  restrict(guest, restricted);
  assert.is(restricted.syscall('ptrace', 0, 0, 0, 0), 0);
  restrict(guest, task);
  assert.is(before.syscall('ptrace', 0, 0, 0, 0), EPERM);
  assert.is(task.fork().syscall('ptrace', 0, 0, 0, 0), 0);
});

test('a domain that scopes signals keeps them within, whoever nests in it', async () => {
  const guest = await Guest.create();
  const { task } = guest;
  const outside = task.fork();
  restrict(guest, task, SIGNAL);
  const same = task.fork();
  const nested = task.fork();
  restrict(guest, nested);
  const scoped = task.fork();
  restrict(guest, scoped, SIGNAL);
  const kill = (caller: Task, target: Task): number | bigint =>
    caller.syscall('kill', target.pid, 0);
  assert.equal([kill(task, outside), kill(task, same), kill(same, task)], [EPERM, 0, 0]);
  assert.equal([kill(nested, task), kill(nested, outside)], [0, EPERM]);
  assert.equal([kill(scoped, task), kill(scoped, scoped), kill(outside, task)], [EPERM, 0, 0]);
  const pidfd = task.syscall('pidfd_open', outside.pid, 0);
  assert.is(task.syscall('pidfd_send_signal', pidfd, 0, 0, 0), EPERM);
});

test.run();
