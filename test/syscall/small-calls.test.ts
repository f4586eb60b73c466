// Calls that no generator makes: test/linux/programs/small-calls.c asks Linux.
import { suite } from 'uvu';

import { errnoName } from '../../src/errno.js';
import { Machine } from '../../src/machine.js';
import { assertLines, expectedLines, runProgram, whyNoProgram } from '../linux/programs.js';
import { Guest, type GuestArg } from './guest.js';

const PROGRAM = 'small-calls';
const AT_FDCWD = -100n;
const AT_REMOVEDIR = 0x200;
const AT_SYMLINK_NOFOLLOW = 0x100;
const BAD = 8;

/** The program's lines, one after the other. */
class Asker {
  readonly lines: string[] = [];
  readonly guest: Guest;

  constructor(guest: Guest) {
    this.guest = guest;
  }

  show(name: string, value: number | bigint): void {
    const result = Number(value);
    this.lines.push(`${name}: ${result < 0 ? errnoName(-result) : result}`);
  }

  /** Rows of a name, and a call with its arguments. */
  ask(...rows: [name: string, call: string, ...args: GuestArg[]][]): void {
    for (const [name, call, ...args] of rows) this.show(name, this.guest.call(call, ...args));
  }

  load64(addr: number): bigint {
    return this.guest.task.load64(addr);
  }
}

function askNames(asker: Asker, dir: number): void {
  const { guest } = asker;
  asker.ask(
    ['faccessat', 'faccessat', dir, 'f', 4],
    ['faccessat of nothing', 'faccessat', dir, 'none', 0],
    ['faccessat of no mode', 'faccessat', dir, 'f', 8],
    ['linkat', 'linkat', dir, 'f', dir, 'g', 0],
    ['linkat with no such flag', 'linkat', dir, 'f', dir, 'x', 1],
    ['symlinkat', 'symlinkat', 'f', dir, 's'],
    ['symlinkat again', 'symlinkat', 'f', dir, 's'],
    ['renameat', 'renameat', dir, 'g', dir, 'h'],
    ['renameat of nothing', 'renameat', dir, 'g', dir, 'i'],
    ['fchmodat', 'fchmodat', dir, 'f', 0o600],
    ['fchmodat2', 'fchmodat2', dir, 's', 0o640, 0],
    ['fchmodat2 of a link', 'fchmodat2', dir, 's', 0o600, AT_SYMLINK_NOFOLLOW],
    ['fchmodat2 with no such flag', 'fchmodat2', dir, 'f', 0o600, 1],
    ['fchownat', 'fchownat', dir, 'f', 1, 2, 0],
    ['fchownat with no such flag', 'fchownat', dir, 'f', 1, 2, 1],
  );
  const stat = guest.buffer(144);
  asker.ask(['lstat', 'lstat', 's', stat]);
  asker.show('lstat: mode', guest.task.load32(stat + 24));
  asker.ask(
    ['unlinkat', 'unlinkat', dir, 's', 0],
    ['unlinkat of itself', 'unlinkat', dir, '.', AT_REMOVEDIR],
    ['unlinkat of a file as a directory', 'unlinkat', dir, 'f', AT_REMOVEDIR],
    ['unlinkat with no such flag', 'unlinkat', dir, 'f', 1],
  );
}

function askContents(asker: Asker, f: number, to: number): void {
  const { guest } = asker;
  const three = guest.iov([guest.put(new TextEncoder().encode('abc')), 3]);
  const pos = guest.buffer(8);
  asker.ask(
    ['pwritev2', 'pwritev2', f, three, 1, 0, 0, 0],
    ['pwritev2 with RWF_APPEND', 'pwritev2', f, three, 1, 0, 0, 0x10],
    ['pwritev2 with no such flag', 'pwritev2', f, three, 1, 0, 0, 0x1000],
    ['copy_file_range', 'copy_file_range', f, pos, to, 0, 100, 0],
  );
  asker.show('copy_file_range: position', asker.load64(pos));
  asker.ask(['copy_file_range with flags', 'copy_file_range', f, pos, to, 0, 1, 1]);
  const pipes = guest.buffer(8);
  guest.call('pipe', pipes);
  const [from = 0, into = 0] = guest.u32s(pipes, 2);
  guest.task.store(pos, Uint8Array.of(1));
  guest.task.store(pos + 1, new Uint8Array(7));
  asker.ask(['splice', 'splice', f, pos, into, 0, 3, 0]);
  asker.show('splice: position', asker.load64(pos));
  asker.ask(
    ['splice from file to file', 'splice', f, 0, to, 0, 3, 0],
    ['splice with no such flag', 'splice', f, 0, into, 0, 3, 0x100],
  );
  const polled = guest.put(Uint8Array.of(from, 0, 0, 0, 5, 0, 0, 0));
  asker.ask(['ppoll', 'ppoll', polled, 1, guest.buffer(16), 0, 8]);
  asker.show('ppoll: events', guest.task.load8(polled + 6));
  asker.ask(['ppoll for no time there is', 'ppoll', polled, 1, wrongTime(guest), 0, 8]);
}

/** A timespec of 10^9 nanoseconds. */
function wrongTime(guest: Guest): number {
  return guest.put(new Uint8Array(new BigUint64Array([0n, 1_000_000_000n]).buffer));
}

function askTimes(asker: Asker): void {
  const { guest } = asker;
  const spec = guest.buffer(16);
  const wrong = wrongTime(guest);
  const { tid } = guest.task;
  asker.ask(
    ['pkey_free of the default', 'pkey_free', 0],
    ['pkey_free of none', 'pkey_free', 1],
    ['pkey_free of less than none', 'pkey_free', -1n],
    ['tkill with 0', 'tkill', tid, 0],
    ['tkill with no such signal', 'tkill', tid, 65],
    ['tkill of nobody', 'tkill', 0x3fffffff, 0],
    ['tkill of 0', 'tkill', 0, 0],
    ['sync', 'sync'],
    ['sched_yield', 'sched_yield'],
  );
  asker.show('gettid', Number(guest.call('gettid') === guest.call('getpid')));
  asker.ask(
    ['getcpu', 'getcpu', 0, 0, 0],
    ['getcpu to nowhere', 'getcpu', BAD, 0, 0],
    ['clock_getres', 'clock_getres', 1, spec],
  );
  asker.show('clock_getres: seconds', asker.load64(spec));
  asker.ask(
    ['clock_getres of no clock', 'clock_getres', 99, spec],
    ['clock_getres to no place', 'clock_getres', 1, 0],
    ['clock_gettime', 'clock_gettime', 0, spec],
    ['clock_gettime of no clock', 'clock_gettime', 99, spec],
    ['clock_gettime to no place', 'clock_gettime', 0, 0],
    ['clock_nanosleep for no time there is', 'clock_nanosleep', 1, 0, wrong, 0],
    ['clock_nanosleep on no clock', 'clock_nanosleep', 99, 0, wrong, 0],
    ['gettimeofday', 'gettimeofday', 0, 0],
    ['gettimeofday to nowhere', 'gettimeofday', BAD, 0],
  );
  asker.show('time', Number(Number(guest.call('time', 0)) > 0));
  asker.ask(['time to nowhere', 'time', BAD]);
  asker.show('times', Number(Number(guest.call('times', 0)) > 0));
  asker.ask(
    ['times to nowhere', 'times', BAD],
    ['sysinfo', 'sysinfo', guest.buffer(128)],
    ['sysinfo to nowhere', 'sysinfo', BAD],
  );
}

const test = suite('syscall/small-calls');

test('calls that no generator makes answer as Linux does', async () => {
  let clock = 1_700_000_000_000;
  const machine = await Machine.create({ now: () => (clock += 20) });
  const guest = new Guest(machine, machine.spawn());
  const asker = new Asker(guest);
  guest.call('mkdir', '/tmp/s', 0o755);
  guest.call('chdir', '/tmp/s');
  asker.ask(
    ['mkdirat', 'mkdirat', AT_FDCWD, 'd', 0o755],
    ['mkdirat again', 'mkdirat', AT_FDCWD, 'd', 0o755],
  );
  guest.call('chdir', 'd');
  const dir = Number(guest.call('open', '.', 0, 0));
  asker.ask(
    ['mknodat', 'mknodat', dir, 'f', 0o100644, 0],
    ['mknodat again', 'mknodat', dir, 'f', 0o100644, 0],
  );
  const f = Number(guest.call('openat', dir, 'f', 2, 0));
  const to = Number(guest.call('openat', dir, 'to', 0o102, 0o600));
  askNames(asker, dir);
  askContents(asker, f, to);
  askTimes(asker);
  asker.ask(
    ['chroot to nothing', 'chroot', 'none'],
    ['chroot to a file', 'chroot', 'f'],
    ['chroot', 'chroot', '.'],
    ['chroot: the file is at the top', 'access', '/f', 0],
  );
  assertLines(asker.lines, expectedLines(PROGRAM));
});

const reason = whyNoProgram();
if (reason !== null) {
  console.log(`SKIPPED syscall/small-calls on Linux: ${reason}`);
} else {
  test('the kernel underneath answers so too', () => {
    assertLines(runProgram(PROGRAM), expectedLines(PROGRAM));
  });
}

test.run();
