import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { errnoName } from '../../src/errno.js';
import { Machine } from '../../src/machine.js';
import type { Task } from '../../src/api/task.js';
import { Guest } from '../syscall/guest.js';

const O_RDWR = 2;
const O_NOCTTY = 0o400;
const O_NONBLOCK = 0o4000;
const TIOCGPTN = 0x80045430;
const TIOCSPTLCK = 0x40045431;
const TIOCPKT = 0x5420;

/** A task that makes calls by their names, and bytes it reads and writes. */
function caller(machine: Machine, task: Task = machine.spawn()) {
  const guest = new Guest(machine, task);
  const call = (name: string, ...args: Parameters<Guest['call']>[1][]): number | string => {
    const value = Number(guest.call(name, ...args));
    return value < 0 ? errnoName(-value) : value;
  };
  const buffer = guest.buffer(8192);
  return {
    task,
    call,
    open: (path: string, flags = O_RDWR | O_NOCTTY | O_NONBLOCK) =>
      Number(call('openat', -100, path, flags, 0)),
    read(fd: number, length = 4096): string {
      const n = call('read', fd, buffer, length);
      if (typeof n === 'string') return n;
      const bytes = new Uint8Array(n);
      task.load(buffer, bytes);
      return Buffer.from(bytes).toString('latin1');
    },
    write: (fd: number, text: string) =>
      call('write', fd, Buffer.from(text, 'latin1'), text.length),
    ioctl(fd: number, cmd: number, value = 0): number | string {
      task.store(buffer, new Uint8Array(Uint32Array.of(value).buffer));
      const result = call('ioctl', fd, cmd, buffer);
      return typeof result === 'string' ? result : task.load32(buffer);
    },
  };
}

/** Both sides of a new terminal. */
function pair(machine: Machine) {
  const world = caller(machine);
  const master = world.open('/dev/ptmx');
  const number = world.ioctl(master, TIOCGPTN);
  world.ioctl(master, TIOCSPTLCK, 0);
  return { ...world, master, number, slave: world.open(`/dev/pts/${number}`) };
}

const test = suite('vfs/pty');

test('what one side writes the other reads, and each gets the lowest number free', async () => {
  const machine = await Machine.create();
  const one = pair(machine);
  const two = pair(machine);
  assert.equal([one.number, two.number], [0, 1]);
  assert.equal(one.task.readdir('/dev/pts'), ['1', '0', 'ptmx']);
  assert.is(one.write(one.master, 'typed\n'), 6);
  assert.is(one.read(one.slave), 'typed\n');
  assert.is(one.write(one.slave, 'shown\n'), 6);
  assert.is(one.read(one.master), 'typed\r\nshown\r\n');
  assert.is(one.read(one.master), 'EAGAIN');
  assert.is(one.task.readlink(`/proc/self/fd/${one.slave}`), '/dev/pts/0');
  assert.match(one.task.readText(`/proc/self/fdinfo/${one.master}`), /^tty-index:\t0$/m);
  one.task.exit();
  assert.is(pair(machine).number, 0);
  assert.equal(machine.check(), []);
});

test('what nobody reads stops the writer, of either side', async () => {
  const machine = await Machine.create();
  const { write, read, master, slave, task } = pair(machine);
  const many = 'x'.repeat(4096);
  let written = 0;
  for (let n = write(slave, many); typeof n === 'number'; n = write(slave, many)) written += n;
  assert.is(written, 20480, 'what Linux takes byte by byte');
  assert.is(read(master, 1), 'x');
  assert.is(write(slave, 'yz'), 1);
  task.syscall('fcntl', slave, 4, O_RDWR);
  assert.is(write(slave, 'more'), 'ERESTARTSYS');
  task.exit();
});

test('a machine out of a snapshot has its terminals, and what waits in them', async () => {
  const machine = await Machine.create();
  const first = pair(machine);
  first.call('setsid');
  assert.is(first.call('ioctl', first.slave, 0x540e, 0), 0);
  first.ioctl(first.master, TIOCPKT, 1);
  first.write(first.master, 'line\nhalf');
  const checkpoint = machine.checkpoint();
  const copy = await Machine.restore(machine.snapshot());
  for (const each of [machine, copy]) {
    const task = each.task(first.task.pid) as Task;
    const { read, write } = caller(each, task);
    assert.match(task.readText('/proc/self/stat'), /^\d+ \(task\) R 1 \d+ \d+ 34816 \d+ /);
    assert.is(read(first.slave), 'line\n');
    assert.is(read(first.master), '\0line\r\nhalf');
    write(first.master, ' a line\n');
    assert.is(read(first.slave), 'half a line\n');
    assert.equal(each.check(), []);
  }
  machine.restoreTo(checkpoint);
  assert.is(first.read(first.slave), 'line\n');
  copy.kernel.shutdown();
});

test('a leader that exits takes its terminal along, once, and the foreground hears of it', async () => {
  const machine = await Machine.create();
  const parent = machine.spawn();
  const leader = caller(machine, parent.fork());
  leader.call('setsid');
  const tty = pair(machine);
  const slave = leader.open(`/dev/pts/${tty.number}`, O_RDWR);
  assert.is(leader.ioctl(slave, 0x540f), leader.task.pid);
  const job = leader.task.fork();
  leader.task.exit(3);
  assert.is(job.exited, true);
  assert.is(job.struct.killedBy?.signal, 1);
  const { pid, exitCode } = parent.wait() ?? {};
  assert.equal([pid, exitCode], [leader.task.pid, 3]);
  assert.is(tty.ioctl(tty.master, 0x5429), 'ENOTTY');
  tty.task.exit();
});

test('a read with VTIME ends when its time is over', async () => {
  let now = 0;
  const machine = await Machine.create({ now: () => now });
  const { call, read, write, master, slave, task } = pair(machine);
  const raw = new Uint8Array(36);
  raw.set([3, 10], 17 + 5); // VTIME 0.3 s, VMIN 10
  assert.is(call('ioctl', slave, 0x5402, raw), 0);
  task.syscall('fcntl', slave, 4, O_RDWR);
  assert.is(read(slave), 'ERESTARTSYS');
  now += 1000;
  assert.is(read(slave), 'ERESTARTSYS', 'no time runs before the first byte');
  write(master, 'ab');
  assert.is(read(slave), 'ERESTARTSYS');
  now += 299;
  assert.is(read(slave), 'ERESTARTSYS');
  now += 1;
  assert.is(read(slave), 'ab');
  task.exit();
});

test('the drivers of terminals are told of, and how many there may be', async () => {
  const machine = await Machine.create();
  const task = machine.spawn();
  const drivers = task.readText('/proc/tty/drivers').split('\n');
  assert.is(drivers[3], 'pty_slave            /dev/pts      136 0-1048575 pty:slave');
  assert.is(task.readText('/proc/tty/ldiscs'), 'n_tty       0\n');
  assert.is(task.readText('/proc/sys/kernel/pty/max'), '4096\n');
  assert.match(task.readText('/proc/mounts'), /^devpts \/dev\/pts devpts rw/m);
});

test.run();
