import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import type { Task } from '../../src/api/task.js';
import { Machine } from '../../src/machine.js';
import { MemoryCheckpoint } from '../../src/mm/checkpoint.js';
import type { Checkpoint } from '../../src/snapshot/checkpoint.js';
import { SnapshotError } from '../../src/snapshot/error.js';
import { fingerprint } from './fingerprint.js';
import { dice, live } from './life.js';

const test = suite('snapshot/checkpoint');
const PAGE = 4096;

async function machineWith(pages: number): Promise<{ machine: Machine; task: Task; addr: bigint }> {
  const machine = await Machine.create({ yama: 1, now: () => 0 });
  const task = machine.spawn({ comm: 'target', uid: 1000 });
  const addr = task.mmap({ length: pages * PAGE });
  task.store(addr, new Uint8Array(pages * PAGE).fill(1));
  return { machine, task, addr };
}

function bytesAt(task: Task, addr: bigint, length = 8): number[] {
  const bytes = new Uint8Array(length);
  task.load(addr, bytes);
  return [...bytes];
}

test('a way back undoes every kind of write, and nothing else', async () => {
  const { machine, task, addr } = await machineWith(4);
  const reader = machine.spawn({ comm: 'reader' });
  const mem = reader.open(`/proc/${task.pid}/mem`, 'r+');
  const before = fingerprint(machine);
  const checkpoint = machine.checkpoint();
  assert.is(fingerprint(machine), before, 'making one changes nothing');
  const writes: readonly (() => void)[] = [
    () => task.store(addr, new Uint8Array(9).fill(2)),
    () => void mem.pwrite(new Uint8Array(3 * PAGE).fill(3), addr),
    () => void reader.processVmWrite(task, addr, new Uint8Array(100).fill(4)),
    () => task.munmap(addr, PAGE),
    () => void task.fork(),
    () => task.exit(),
    () => void machine.sysctl('kernel.pid_max', 400),
    () => machine.addFile('/etc/motd', new Uint8Array(10)),
  ];
  for (const write of writes) {
    write();
    assert.is.not(fingerprint(machine), before);
    checkpoint.restore();
    assert.is(fingerprint(machine), before);
    assert.equal(machine.check(), []);
  }
  checkpoint.dispose();
});

test('of pages that the TLB knows as one row the first store to each is noticed', async () => {
  const pages = 64;
  const { machine, task, addr } = await machineWith(pages);
  const page = (i: number): bigint => addr + BigInt(i * PAGE);
  const before = fingerprint(machine);
  const checkpoint = machine.checkpoint();
  const orders: readonly ((i: number) => number)[] = [
    (i) => i,
    (i) => pages - 1 - i,
    (i) => (i * 37) % pages,
  ];
  for (const order of orders) {
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < pages; i++) task.store64(page(order(i)) + 16n, i + round);
    }
    assert.is(task.load64(page(order(5)) + 16n), 7n);
    assert.is(machine.stats().checkpointFrames, pages);
    checkpoint.restore();
    assert.is(fingerprint(machine), before);
    assert.equal(machine.check(), []);
  }
  checkpoint.dispose();
});

test('page tables that a fork shares are shared again, and copied again', async () => {
  const { machine, task, addr } = await machineWith(600);
  const child = task.fork();
  const checkpoint = machine.checkpoint();
  const before = fingerprint(machine);
  for (let round = 0; round < 3; round++) {
    child.store8(addr, 2);
    task.store8(addr + BigInt(599 * PAGE), 3);
    child.fork().exit();
    assert.is(task.load8(addr), 1);
    assert.equal(machine.check(), []);
    checkpoint.restore();
    assert.is(fingerprint(machine), before);
    assert.equal(machine.check(), []);
  }
  checkpoint.dispose();
});

test('no way back where the frames promised to shared tables are held by a later checkpoint', async () => {
  const machine = await Machine.create({ memory: 2 ** 23, now: () => 0 });
  const task = machine.spawn();
  const at = (i: number): bigint => 0x10_0000_0000n + BigInt(i) * 2n ** 21n;
  for (let i = 0; i < 200; i++) {
    task.mmap({ addr: at(i), length: PAGE });
    task.store8(at(i), 1);
  }
  const child = task.fork();
  const early = machine.checkpoint();
  for (let i = 0; i < 200; i++) child.store8(at(i), 2);
  const rest = task.mmap({ length: 2 ** 23 });
  assert.throws(() => task.store(rest, new Uint8Array(2 ** 23)));
  const late = machine.checkpoint();
  assert.throws(
    () => early.restore(),
    (error: unknown) => error instanceof SnapshotError && error.code === 'UNSUPPORTED',
  );
  assert.is(child.load8(at(0)), 2);
  late.dispose();
  early.restore();
  for (let i = 0; i < 200; i++) child.store8(at(i), 3);
  assert.is(task.load8(at(199)), 1);
  assert.equal(machine.check(), []);
  early.dispose();
});

test('a userfaultfd is what it was, with its handler, even if it was closed since', async () => {
  const { machine } = await machineWith(1);
  const task = machine.spawn();
  const addr = task.mmap({ length: 4 * PAGE });
  const asked: bigint[] = [];
  const pager = task.userfaultfd({
    onFault: ({ address }, uffd) => {
      asked.push(address);
      uffd.copy(address, new Uint8Array(PAGE).fill(7));
    },
  });
  pager.register(addr, 4 * PAGE);
  const checkpoint = machine.checkpoint();
  assert.is(task.load8(addr), 7);
  pager.close();
  checkpoint.restore();
  assert.is(task.load8(addr), 7);
  assert.equal(asked, [addr, addr]);
  pager.onFault = null;
  checkpoint.restore();
  assert.is.not(pager.onFault, null);
  assert.is(task.load8(addr + 1n), 7);
  checkpoint.dispose();
});

test('what is kept for speed is forgotten: limits, and listings under way', async () => {
  const { machine, task } = await machineWith(1);
  const limitAs = (bytes: number): void => {
    const [low, high] = [bytes >>> 0, Math.floor(bytes / 2 ** 32)];
    task.store(scratch, new Uint8Array(new Uint32Array([low, high, low, high]).buffer));
    assert.is(task.syscall('prlimit64', 0, 9, scratch, 0), 0);
  };
  const scratch = task.mmap({ length: PAGE });
  task.store8(scratch, 0);
  const checkpoint = machine.checkpoint();
  limitAs(2 ** 20);
  assert.throws(() => task.mmap({ length: 2 ** 24 }), /ENOMEM/);
  checkpoint.restore();
  limitAs(2 ** 30);
  assert.ok(task.mmap({ length: 2 ** 24 }) > 0n);
  assert.throws(() => task.mmap({ length: 2 ** 31 }), /ENOMEM/);
  checkpoint.dispose();
});

test('rules of the program for calls stay as they are', async () => {
  const { machine, task } = await machineWith(1);
  const checkpoint = machine.checkpoint();
  machine.inject({ call: 'getppid', errno: 'EPERM' });
  checkpoint.restore();
  assert.is(task.syscall('getppid'), -1);
  machine.clearInjections();
  assert.is(task.syscall('getppid'), 1);
  checkpoint.dispose();
});

test('checkpoints are restored in any order, forwards too, and disposed of in any order', async () => {
  for (let seed = 1; seed <= 12; seed++) {
    const roll = dice(seed * 7919);
    const { machine } = await machineWith(8);
    const standing: { checkpoint: Checkpoint; print: string }[] = [];
    for (let round = 0; round < 40; round++) {
      live(machine, roll, roll(25));
      const what = roll(4);
      if (what < 2 && standing.length < 5) {
        const print = fingerprint(machine);
        standing.push({ print, checkpoint: machine.checkpoint() });
      } else if (what === 2 && standing.length > 0) {
        const { checkpoint, print } = standing[roll(standing.length)]!;
        machine.restoreTo(checkpoint);
        assert.is(fingerprint(machine), print, `seed ${seed}, round ${round}`);
      } else if (standing.length > 0) {
        const [gone] = standing.splice(roll(standing.length), 1);
        const print = fingerprint(machine);
        gone!.checkpoint.dispose();
        assert.is(fingerprint(machine), print, `seed ${seed}, round ${round}: disposing`);
      }
      assert.equal(machine.check(), [], `seed ${seed}, round ${round}`);
    }
    for (const { checkpoint } of standing) checkpoint.dispose();
    assert.is(machine.stats().checkpointFrames, 0, `seed ${seed}`);
    machine.kernel.shutdown();
    machine.tasks().forEach((task) => assert.ok(task.exited));
    assert.equal(machine.check(), []);
  }
});

test('a checkpoint takes memory for what changes, and gives all of it back', async () => {
  const { machine, task, addr } = await machineWith(64);
  const used = machine.stats().framesInUse;
  const checkpoint = machine.checkpoint();
  assert.is(machine.stats().checkpointFrames, 0);
  task.store(addr, new Uint8Array(10 * PAGE).fill(2));
  assert.is(machine.stats().checkpointFrames, 10, 'former contents');
  task.store(addr, new Uint8Array(10 * PAGE).fill(3));
  assert.is(machine.stats().checkpointFrames, 10, 'once only');
  task.munmap(addr, 64 * PAGE);
  assert.ok(machine.stats().checkpointFrames >= 74, 'what was freed is kept');
  checkpoint.restore();
  assert.is(machine.stats().checkpointFrames, 0);
  assert.is(machine.stats().framesInUse, used);
  task.munmap(addr, 64 * PAGE);
  checkpoint.dispose();
  assert.is(machine.stats().checkpointFrames, 0);
  assert.is.not(machine.stats().framesInUse, used);
});

test('two checkpoints with nothing between them share the former contents', async () => {
  const { machine, task, addr } = await machineWith(16);
  const both = [machine.checkpoint(), machine.checkpoint()];
  task.store(addr, new Uint8Array(16 * PAGE).fill(2));
  assert.is(machine.stats().checkpointFrames, 16);
  both[0]!.dispose();
  assert.is(machine.stats().checkpointFrames, 16);
  both[1]!.restore();
  assert.equal(bytesAt(task, addr, 2), [1, 1]);
  both[1]!.dispose();
  assert.is(machine.stats().checkpointFrames, 0);
});

test('tasks and open files are again what they were', async () => {
  const { machine, task, addr } = await machineWith(1);
  const file = task.open('/proc/self/maps');
  const first = new Uint8Array(20);
  file.read(first);
  const then = machine.checkpoint();
  const second = new Uint8Array(20);
  file.read(second);
  const child = task.fork();
  const later = machine.checkpoint();
  const opened = child.open('/proc/self/status');
  task.exit(3);
  assert.ok(task.exited);

  then.restore();
  assert.not(task.exited);
  assert.is(machine.task(task.pid), task, 'the same Task stands for it');
  const again = new Uint8Array(20);
  file.read(again);
  assert.equal(again, second, 'the position went back');
  assert.throws(() => child.load(addr, new Uint8Array(1)), /made after the moment/);
  assert.throws(() => opened.read(new Uint8Array(1)), /EBADF/);
  assert.is(task.fork().pid, child.pid, 'the number is free again');

  later.restore();
  assert.equal(bytesAt(child, addr, 1), [1], 'forwards it is there again');
  assert.throws(() => opened.read(new Uint8Array(1)), /EBADF/);
  then.dispose();
  later.dispose();
});

test("the machine's own clock stands still on the way back", async () => {
  let now = 1000;
  const machine = await Machine.create({ now: () => now });
  now += 500;
  const checkpoint = machine.checkpoint();
  now += 10_000;
  assert.is(machine.kernel.time(), 10_500);
  checkpoint.restore();
  assert.is(machine.kernel.time(), 500);
  now += 1;
  assert.is(machine.kernel.time(), 501);
});

test('misuse is named', async () => {
  const { machine } = await machineWith(1);
  const other = await Machine.create();
  const checkpoint = machine.checkpoint();
  assert.throws(() => other.restoreTo(checkpoint), /another machine/);
  assert.throws(() => machine.restoreTo({} as Checkpoint), /not a Checkpoint/);
  const dispose = (checkpoint as unknown as Record<symbol, () => void>)[Symbol.dispose];
  dispose?.call(checkpoint);
  checkpoint.dispose();
  assert.ok(checkpoint.disposed);
  assert.throws(() => checkpoint.restore(), /disposed/);
});

test('page tables are kept as pages are: none is copied, and those that change go back', async () => {
  const regions = 16;
  const machine = await Machine.create({ now: () => 0 });
  const task = machine.spawn({ comm: 'target', uid: 1000 });
  const length = regions * 2 ** 21;
  const addr = Number(task.mmap({ length }));
  const copied = (): number => {
    const { frames } = new MemoryCheckpoint(machine.kernel.core).kernel;
    return frames.length;
  };
  const before = copied();
  for (let at = addr; at < addr + length; at += 2 ** 21) task.store8(at, 1);
  assert.is(copied(), before, 'sixteen tables more are no byte more to copy');

  const state = fingerprint(machine);
  const checkpoint = machine.checkpoint();
  const changes: readonly [what: string, change: () => void, held: number][] = [
    ['a page more in one table copies that table', () => task.store8(addr + PAGE, 1), 1],
    ['a protection copies every table', () => task.mprotect(addr, length, 1), regions],
    // Copied, then freed as their pages are; and the one table above them is copied.
    ['a hole over half of them', () => task.munmap(addr, length / 2), (3 * regions) / 2 + 1],
    ['a fork protects in the one table above', () => void task.fork(), 1],
  ];
  for (const [what, change, held] of changes) {
    change();
    assert.is(machine.stats().checkpointFrames, held, what);
    checkpoint.restore();
    assert.is(fingerprint(machine), state, what);
    assert.equal(machine.check(), [], what);
  }
  checkpoint.dispose();
  assert.is(machine.stats().checkpointFrames, 0);
});

test('state of an unknown class is refused by its path, and nothing has changed', async () => {
  class Secret {}
  const { machine, task } = await machineWith(1);
  const { cred } = task.struct;
  task.struct.cred = Object.assign(Object.create(Object.getPrototypeOf(cred)), cred, {
    security: { mine: new Secret() },
  }) as typeof cred;
  const refused = (error: unknown): boolean =>
    error instanceof SnapshotError &&
    error.code === 'UNSUPPORTED' &&
    /mine.*Secret/.test(error.message);
  assert.throws(() => machine.checkpoint(), refused);
  assert.throws(() => machine.snapshot(), refused);
  assert.is(machine.stats().checkpointFrames, 0);
});

test('without memory for former contents the machine goes on, and the way back is refused', async () => {
  const machine = await Machine.create({ memory: 2 ** 21 });
  const task = machine.spawn();
  const addr = task.mmap({ length: 2 ** 20 });
  const written = new Uint8Array(2 ** 20).fill(1);
  task.store(addr, written);
  const checkpoint = machine.checkpoint();
  task.store(addr, written.fill(2));
  const found = new Uint8Array(2 ** 20);
  task.load(addr, found);
  assert.equal(found, written);
  assert.throws(
    () => checkpoint.restore(),
    (error: unknown) => error instanceof SnapshotError && /ran out/.test(error.message),
  );
  assert.equal(machine.check(), []);
  checkpoint.dispose();
  assert.is(machine.stats().checkpointFrames, 0);
  assert.equal(machine.check(), []);
});

test.run();
