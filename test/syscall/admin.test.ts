// What an administrator may do to the machine, answered as by Linux (without CAP_SYS_TIME for its clock).
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { errnoName } from '../../src/errno.js';
import { Machine } from '../../src/machine.js';
import { Guest, type GuestArg } from './guest.js';

const MAGIC1 = 0xfee1dead;
const MAGIC2 = 672274793;
const POWER_OFF = 0x4321fedc;
const TIMEX_SIZE = 208;

const test = suite('syscall/admin');

/** A struct timespec or timeval. */
const time = (seconds: number, fraction: number): Uint8Array =>
  new Uint8Array(BigInt64Array.of(BigInt(seconds), BigInt(fraction)).buffer);

type Row = readonly [root: string, user: string, call: string, ...args: GuestArg[]];

const FAR = 4_000_000_000;

const ROWS: readonly Row[] = [
  ['EINVAL', 'EPERM', 'sethostname', 'x', -1],
  ['EINVAL', 'EPERM', 'sethostname', 'x', 65],
  ['EFAULT', 'EPERM', 'sethostname', 8, 5],
  ['0', 'EPERM', 'sethostname', 'new-name', 8],
  ['EINVAL', 'EPERM', 'setdomainname', 'x', 65],
  ['0', 'EPERM', 'setdomainname', 'home.arpa', 9],
  ['0', 'EPERM', 'vhangup'],
  ['EINVAL', 'EPERM', 'reboot', 1, MAGIC2, 0, 0],
  ['EINVAL', 'EPERM', 'reboot', MAGIC1, 1, 0, 0],
  ['EINVAL', 'EPERM', 'reboot', MAGIC1, MAGIC2, 0x12345, 0],
  ['0', 'EPERM', 'reboot', MAGIC1, MAGIC2, 0, 0],
  ['EINVAL', 'EPERM', 'syslog', 99, 0, 0],
  ['EINVAL', 'EINVAL', 'syslog', 3, 0, 5],
  ['EINVAL', 'EINVAL', 'syslog', 3, 'x', -1],
  ['0', '0', 'syslog', 3, 'x', 1],
  ['131072', '131072', 'syslog', 10, 0, 0],
  ['0', 'EPERM', 'syslog', 5, 0, 0],
  ['EINVAL', 'EPERM', 'syslog', 8, 0, 9],
  ['EINVAL', 'EINVAL', 'clock_settime', 0, time(1, 1_000_000_000)],
  ['EINVAL', 'EINVAL', 'clock_settime', 0, time(-1, 0)],
  ['EINVAL', 'EINVAL', 'clock_settime', 1, time(FAR, 0)],
  ['EINVAL', 'EINVAL', 'clock_settime', 99, time(FAR, 0)],
  ['EFAULT', 'EFAULT', 'clock_settime', 0, 0],
  ['EPERM', 'EPERM', 'clock_settime', 0, time(FAR, 0)],
  ['0', '0', 'settimeofday', 0, 0],
  ['EINVAL', 'EINVAL', 'settimeofday', time(FAR, 1_000_001), 0],
  ['EPERM', 'EPERM', 'settimeofday', time(FAR, 0), 0],
  ['EFAULT', 'EFAULT', 'adjtimex', 0],
  ['5', '5', 'adjtimex', new Uint8Array(TIMEX_SIZE)],
  ['EPERM', 'EPERM', 'adjtimex', new Uint8Array(TIMEX_SIZE).fill(1, 0, 1)],
  ['5', '5', 'clock_adjtime', 0, new Uint8Array(TIMEX_SIZE)],
  ['EOPNOTSUPP', 'EOPNOTSUPP', 'clock_adjtime', 1, new Uint8Array(TIMEX_SIZE)],
  ['EINVAL', 'EINVAL', 'clock_adjtime', 99, new Uint8Array(TIMEX_SIZE)],
];

const shown = (result: number | bigint): string =>
  Number(result) < 0 ? errnoName(-Number(result)) : String(result);

for (const [i, uid] of [0, 1000].entries()) {
  test(`the calls answer user ${uid} as Linux does`, async () => {
    const guest = await Guest.create({ uid });
    const answers = ROWS.map(
      ([, , call, ...args]) => `${call} ${shown(guest.call(call, ...args))}`,
    );
    assert.equal(
      answers,
      ROWS.map((row) => `${row[2]} ${row[i]}`),
    );
  });
}

test('names that were set are told by uname and in /proc/sys', async () => {
  const guest = await Guest.create();
  guest.call('sethostname', 'new-name', 8);
  guest.call('setdomainname', 'home.arpa', 4);
  const uts = guest.buffer(390);
  guest.call('uname', uts);
  const field = (index: number): string =>
    new TextDecoder().decode(guest.task.load(uts + 65 * index, 65)).replace(/\0.*/, '');
  assert.equal([field(1), field(5)], ['new-name', 'home']);
  assert.is(guest.task.readText('/proc/sys/kernel/hostname'), 'new-name\n');
  assert.is(guest.task.readText('/proc/sys/kernel/domainname'), 'home\n');
});

test('/proc/sys tells limits, and another uuid each time', async () => {
  const { task } = await Guest.create();
  const read = (name: string): string => task.readText(`/proc/sys/${name}`).trimEnd();
  const names = ['fs/file-max', 'fs/nr_open', 'fs/pipe-max-size', 'kernel/core_pattern'];
  assert.equal(names.map(read), ['9223372036854775807', '1048576', '1048576', 'core']);
  assert.ok(Number(read('kernel/threads-max')) > 1000);
  assert.equal(
    ['entropy_avail', 'poolsize'].map((name) => read(`kernel/random/${name}`)),
    ['256', '256'],
  );
  const uuids = [read('kernel/random/uuid'), read('kernel/random/uuid')];
  for (const uuid of uuids) {
    assert.match(uuid, /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
  }
  assert.is.not(uuids[0], uuids[1]);
});

test('powering off kills every process', async () => {
  const guest = await Guest.create();
  const other = guest.machine.spawn({ uid: 1000 });
  assert.is(guest.call('reboot', MAGIC1, MAGIC2, POWER_OFF, 0), 0);
  assert.equal([guest.task.exited, other.exited], [true, true]);
  assert.equal(guest.machine.check(), []);
});

test('CPU clocks are named by processes and threads, and coarse clocks go on by ticks', async () => {
  const guest = await Guest.create();
  const stranger = guest.machine.spawn({});
  const clock = (pid: number, flags: number): number => (~pid << 3) | flags;
  const at = guest.buffer(16);
  const rows: readonly (readonly [number, string])[] = [
    [clock(0, 2), '0'],
    [clock(0, 6), '0'],
    [clock(0, 3), 'EINVAL'],
    [clock(guest.task.pid, 2), '0'],
    [clock(guest.task.pid, 6), '0'],
    [clock(stranger.pid, 2), '0'],
    [clock(stranger.pid, 6), 'EINVAL'],
    [clock(99999, 2), 'EINVAL'],
  ];
  for (const [id, expected] of rows) {
    assert.is(shown(guest.call('clock_gettime', id, at)), expected, `clock ${id}`);
  }
  const resolutions = [0, 1, 5, 6, clock(0, 2)].map((id) => {
    guest.call('clock_getres', id, at);
    return Number(guest.task.load64(at + 8));
  });
  assert.equal(resolutions, [1, 1, 4_000_000, 4_000_000, 1]);
});

test('policies and priorities are in a snapshot', async () => {
  const guest = await Guest.create();
  guest.call('sched_setscheduler', 0, 2, Uint8Array.of(7, 0, 0, 0));
  guest.call('ioprio_set', 1, 0, (2 << 13) | 3);
  guest.call('setdomainname', 'kept', 4);
  const restored = await Machine.restore(guest.machine.snapshot());
  const task = restored.tasks().find(({ pid }) => pid === guest.task.pid);
  assert.is(task?.syscall('sched_getscheduler', 0), 2);
  assert.is(task?.syscall('ioprio_get', 1, 0), (2 << 13) | 3);
  assert.match(task?.readText(`/proc/self/stat`) ?? '', / -8 0 1 0 /);
  assert.is(task?.readText('/proc/sys/kernel/domainname'), 'kept\n');
});

test.run();
