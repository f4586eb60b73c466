import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { errnoName } from '../../src/errno.js';
import type { Task } from '../../src/api/task.js';
import { Machine } from '../../src/machine.js';
import { assertLines, expectedLines, runProgram, whyNoProgram } from '../linux/programs.js';
import { Guest } from '../syscall/guest.js';

const PROGRAM = 'sysctl';
const O_RDONLY = 0;
const O_WRONLY = 1;
const O_RDWR = 2;
const O_CREAT = 0o100;
const SEEK_SET = 0;
const SEEK_END = 2;

const visible = (text: string): string =>
  text.replaceAll('\n', '\\n').replaceAll('\t', '\\t').replaceAll('\0', '\\0');

const shown = (ret: number | bigint): string =>
  Number(ret) < 0 ? errnoName(-Number(ret)) : String(ret);

/** The program, a line at a time. */
class Session {
  readonly lines: string[] = [];
  private readonly guest: Guest;
  private path = '';
  private current = '';

  constructor(guest: Guest) {
    this.guest = guest;
  }

  private result(name: string, ret: number | bigint): void {
    this.lines.push(`  ${name}: ${shown(ret)}`);
  }

  private open(flags: number): number | bigint {
    return this.guest.call('open', this.path, flags);
  }

  use(path: string): void {
    this.path = path;
    const { task } = this.guest;
    const { mode, uid, gid } = task.stat(path);
    this.current = mode < 0o100000 ? '' : task.readText(path).replace(/\n$/, '');
    this.lines.push(`${path} ${mode.toString(8)} ${uid}:${gid}`);
  }

  write(...texts: string[]): void {
    for (const text of texts) this.writeAt(text, 0);
  }

  writeAt(text: string, pos: number): void {
    const bytes = text.replaceAll('@', this.current);
    const fd = this.open(O_WRONLY);
    const at = this.guest.put(new TextEncoder().encode(bytes));
    const ret = Number(this.guest.call('pwrite64', fd, at, bytes.length, pos));
    this.guest.call('close', fd);
    const result = ret === bytes.length ? 'taken' : shown(ret);
    this.lines.push(`  write '${visible(text)}' at ${pos}: ${result}`);
  }

  readParts(isShown: boolean): void {
    const { guest } = this;
    const fd = this.open(O_RDONLY);
    const buffer = guest.buffer(64);
    for (const length of [1, 1, 60]) {
      const count = Number(guest.call('read', fd, buffer, length));
      const text = new TextDecoder().decode(guest.task.load(buffer, count));
      this.lines.push(`  read: ${count} '${isShown ? visible(text) : ''}'`);
    }
    this.result('pread at 1', guest.call('pread64', fd, buffer, 60, 1));
    this.result('pread at 100', guest.call('pread64', fd, buffer, 60, 100));
    this.result('seek to the end', guest.call('lseek', fd, 0, SEEK_END));
    this.result('seek before the start', guest.call('lseek', fd, -1, SEEK_SET));
    guest.call('close', fd);
  }

  attributes(): void {
    const { guest, path } = this;
    this.result('chmod', guest.call('chmod', path, 0o600));
    this.result('chown', guest.call('chown', path, 1, 1));
    this.result('unlink', guest.call('unlink', path));
    this.result('truncate', guest.call('truncate', path, 0));
    this.result('create', guest.call('open', '/proc/sys/vm/new', O_CREAT | O_WRONLY, 0o600));
  }

  /** The result of an open, without the number of the descriptor. */
  opens(name: string, flags: number): void {
    const fd = this.open(flags);
    this.result(name, Number(fd) < 0 ? fd : 0);
  }

  asUser(): void {
    const { guest } = this;
    const fd = this.open(O_RDWR);
    guest.call('setgroups', 0, 0);
    guest.call('setresgid', 1000, 1000, 1000);
    guest.call('setresuid', 1000, 1000, 1000);
    this.opens('open for reading', O_RDONLY);
    this.opens('open for writing', O_WRONLY);
    const byte = guest.buffer(1);
    this.result("read of a descriptor of root's", guest.call('pread64', fd, byte, 1, 0));
    this.result('write to it', guest.call('pwrite64', fd, byte, 1, 0));
  }

  meminfo(): void {
    this.use('/proc/meminfo');
    this.result('write', this.guest.call('write', this.open(O_WRONLY), 'x', 1));
    this.result('seek to the end', this.guest.call('lseek', this.open(O_RDONLY), 0, SEEK_END));
  }
}

function play(session: Session): void {
  session.use('/proc/sys/vm/overcommit_memory');
  session.readParts(false);
  session.write('@', '@\n', ' \t@', '@ 2', '@ x', '0x@', '@\t\n', '', '\n', 'x', '-1', '+1', '3');
  session.write('010', '1x', '0x', '@\0', '99999999999', '99999999999999999999999');
  session.writeAt('2', 1);
  session.attributes();
  session.use('/proc/sys/vm/max_map_count');
  session.write('@', '-5', '4294967296');
  session.use('/proc/sys/vm/mmap_min_addr');
  session.write('@', '-5', '18446744073709551616');
  session.use('/proc/sys/kernel/pid_max');
  session.write('@', '300', '4194305');
  session.use('/proc/sys/fs/suid_dumpable');
  session.write('@', '3');
  session.use('/proc/sys/kernel/hostname');
  session.write('@', '@\nmore');
  session.use('/proc/sys/kernel/ostype');
  session.readParts(true);
  session.opens('open for writing', O_WRONLY);
  session.use('/proc/sys/kernel/cap_last_cap');
  session.readParts(true);
  session.use('/proc/sys/vm');
  session.meminfo();
  session.use('/proc/sys/vm/overcommit_ratio');
  session.asUser();
}

async function boot(): Promise<Task> {
  return (await Machine.create({ yama: 1 })).spawn();
}

const test = suite('procfs/sysctl');

test('files under /proc/sys are read and written as on Linux, try by try', async () => {
  const machine = await Machine.create();
  const session = new Session(new Guest(machine, machine.spawn()));
  play(session);
  assertLines(session.lines, expectedLines(PROGRAM));
});

const reason = whyNoProgram();
if (reason !== null) {
  console.log(`SKIPPED procfs/sysctl on Linux: ${reason}`);
} else {
  test('the kernel underneath takes and refuses the same', () => {
    assertLines(runProgram(PROGRAM), expectedLines(PROGRAM));
  });
}

test('a setting written is a setting of the machine', async () => {
  const machine = await Machine.create({ yama: 1 });
  const task = machine.spawn();
  const write = (name: string, text: string) =>
    task.writeFile(`/proc/sys/${name}`, new TextEncoder().encode(text));
  write('vm/max_map_count', '0x100\n');
  assert.is(machine.sysctl('vm.max_map_count'), 256);
  write('vm/overcommit_kbytes', '1000');
  assert.is(machine.sysctl('vm.overcommit_ratio'), 0, 'the other way to say it is void');
  write('kernel/yama/ptrace_scope', '3');
  assert.is(machine.sysctl('kernel.yama.ptrace_scope'), 3);
  assert.throws(() => write('kernel/yama/ptrace_scope', '1'), /EINVAL/);
  write('kernel/hostname', 'elsewhere\n');
  assert.is(task.readText('/proc/sys/kernel/hostname'), 'elsewhere\n');
});

test('ptrace_scope is there with Yama only, and for CAP_SYS_PTRACE to write', async () => {
  const plain = (await Machine.create()).spawn();
  assert.throws(() => plain.readText('/proc/sys/kernel/yama/ptrace_scope'), /ENOENT/);
  const task = await boot();
  assert.is(task.readText('/proc/sys/kernel/yama/ptrace_scope'), '1\n');
  const machine = await Machine.create({ yama: 1 });
  const powerless = machine.spawn({ uid: 0, caps: 0n });
  const write = () =>
    powerless.writeFile('/proc/sys/kernel/yama/ptrace_scope', new TextEncoder().encode('0'));
  assert.throws(write, /EPERM/);
});

test('directories of /proc list by length and name, those of /proc/sys by name', async () => {
  const task = await boot();
  const names = task.readdir('/proc').filter((name) => !/^[0-9]+$/.test(name));
  assert.equal(names, [
    ...['net', 'sys', 'tty', 'stat', 'swaps', 'mounts', 'uptime', 'vmstat', 'cpuinfo', 'loadavg'],
    ...['meminfo', 'sysvipc', 'version', 'diskstats', 'partitions', 'filesystems', 'self'],
    'thread-self',
  ]);
  assert.equal(task.readdir('/proc/sys'), ['fs', 'kernel', 'net', 'vm']);
  assert.equal(task.readdir('/proc/sys/kernel/yama'), ['ptrace_scope']);
  assert.is(task.readlink('/proc/mounts'), 'self/mounts');
});

test.run();
