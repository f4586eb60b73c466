import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { filesOf } from '../../src/vfs/fdtable.js';
import { Console, type ConsoleOptions, Machine } from '../../src/index.js';
import { read, write } from '../vfs/fixture.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A task with a console as its standard streams, and what it wrote. */
async function setup(options: ConsoleOptions = {}) {
  const machine = await Machine.create();
  const task = machine.spawn();
  let written = '';
  const console = new Console({
    write: (part) => void (written += new TextDecoder().decode(part)),
    ...options,
  });
  for (const fd of [0, 1, 2]) console.install(task.struct, fd);
  return { machine, task, struct: task.struct, console, written: () => written };
}

const test = suite('guest/console');

test('a pipe gives input as it comes, waits for more, and ends', async () => {
  let wanted = 0;
  const { struct, console, task } = await setup({ onWanted: () => (wanted += 1) });
  assert.match(task.readlink('/proc/self/fd/0'), /^pipe:\[\d+\]$/);
  assert.is(read(struct, 0), 'ERESTARTSYS');
  assert.is(wanted, 1);
  console.push(bytes('one'));
  console.push(bytes(' two'));
  assert.is(console.waiting, 7);
  assert.is(read(struct, 0, 5), 'one t');
  assert.is(read(struct, 0), 'wo');
  console.end();
  assert.is(read(struct, 0), '');
  assert.is(write(struct, 0, 'x'), 'EBADF');
});

test('what is written goes to the host at once, until nobody reads', async () => {
  let open = true;
  let text = '';
  const { struct } = await setup({
    write: (part) => {
      text += new TextDecoder().decode(part);
      return open;
    },
  });
  assert.is(write(struct, 1, 'to stdout'), 9);
  assert.is(write(struct, 2, ', to stderr'), 11);
  assert.is(text, 'to stdout, to stderr');
  open = false;
  assert.is(write(struct, 1, 'x'), 'EPIPE');
  assert.is(read(struct, 1), 'EBADF');
});

test('a terminal is one open file under three numbers, and controls a session of its own', async () => {
  const { struct, task, console, written } = await setup({ tty: true, columns: 100, rows: 30 });
  assert.is(task.readlink('/proc/self/fd/0'), '/dev/pts/0');
  const files = filesOf(struct);
  assert.is(files.get(0), files.get(2));
  assert.is(struct.group.sid, task.pid);
  const addr = Number(task.mmap({ addr: 0x10000, length: 4096, flags: 0x32 }));
  const ioctl = (cmd: number): number => Number(task.syscall('ioctl', 0, cmd, addr));
  assert.is(ioctl(0x5413), 0);
  assert.equal([task.load32(addr) & 0xffff, task.load32(addr) >>> 16], [30, 100]);
  assert.is(ioctl(0x540f), 0);
  assert.is(task.load32(addr), task.pid);
  assert.is(ioctl(0x5401), 0);
  assert.is(task.load32(addr + 12), 0o105073);
  assert.is(Number(task.syscall('ioctl', 0, 0x5402, addr)), 0);
  assert.is(ioctl(0x1234), -25);
  let woken = 0;
  console.onInput = () => (woken += 1);
  console.push(bytes('typed\n'));
  console.resize(80, 25);
  assert.is(woken, 2);
  assert.is(read(struct, 0), 'typed\n');
  assert.is(written(), 'typed\r\n');
  console.end();
  assert.is(read(struct, 0), '');
});

test('what is typed before a program is there waits for it', async () => {
  const machine = await Machine.create();
  const console = new Console({ tty: true });
  console.push(bytes('early\n'));
  const { struct } = machine.spawn();
  console.install(struct, 0);
  assert.is(read(struct, 0), 'early\n');
});

test('checkpoints keep a console', async () => {
  const { machine, struct, console } = await setup({ tty: true });
  console.push(bytes('kept\n'));
  const checkpoint = machine.checkpoint();
  assert.is(read(struct, 0), 'kept\n');
  machine.restoreTo(checkpoint);
  assert.is(read(struct, 0), 'kept\n');
});

for (const tty of [false, true]) {
  const what = tty ? 'a terminal' : 'a pipe';
  test(`a machine that is restored gets its console anew: ${what}`, async () => {
    const { machine, console, task } = await setup({ tty });
    console.push(bytes('old\n'));
    let written = '';
    const fresh = new Console({
      tty,
      write: (part) => void (written += new TextDecoder().decode(part)),
    });
    const consoles = tty ? { tty: fresh } : { stdin: fresh };
    const restored = await Machine.restore(machine.snapshot(), { consoles });
    const { struct } = restored.task(task.pid) as typeof task;
    assert.is(fresh.waiting, 4);
    assert.is(read(struct, 0), 'old\n');
    fresh.push(bytes('new\n'));
    assert.is(read(struct, 0), 'new\n');
    // One console was all three, by the name of the first.
    assert.is(write(struct, 1, 'out'), 3);
    assert.ok(written.endsWith('out'));
  });

  test(`without one it is hung up: ${what}`, async () => {
    const { machine, task } = await setup({ tty });
    const restored = await Machine.restore(machine.snapshot());
    const { struct } = restored.task(task.pid) as typeof task;
    assert.is(read(struct, 0), '');
    assert.is(write(struct, 1, 'out'), tty ? 3 : 'EPIPE');
  });
}

test('a console of the other kind is refused', async () => {
  const { machine } = await setup();
  const consoles = { stdin: new Console({ tty: true }) };
  const error = await Machine.restore(machine.snapshot(), { consoles }).catch((e: unknown) => e);
  assert.instance(error, TypeError);
});

test('options that are none are refused', () => {
  assert.throws(() => new Console({ tty: 1 as unknown as boolean }), TypeError);
  assert.throws(() => new Console({ columns: -1 }), RangeError);
  assert.throws(() => new Console().push('text' as unknown as Uint8Array), TypeError);
});

test.run();
