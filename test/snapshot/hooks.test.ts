// Watches and devices of the program beside checkpoints and snapshots.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { Machine, SnapshotError, type Task, type Watch } from '../../src/index.js';

const test = suite('snapshot/hooks');

interface Watched {
  readonly machine: Machine;
  readonly task: Task;
  readonly addr: bigint;
  /** Addresses of hits, since they were asked for last. */
  takeHits(): bigint[];
  watch(start: bigint): Watch;
}

async function watched(): Promise<Watched> {
  const machine = await Machine.create();
  const task = machine.spawn();
  const addr = task.mmap({ length: 8192 });
  task.store8(addr, 1);
  const hits: bigint[] = [];
  const watch = (start: bigint): Watch =>
    task.watch({ start, length: 4, on: 'write', hit: ({ address }) => void hits.push(address) });
  return { machine, task, addr, takeHits: () => hits.splice(0), watch };
}

/** Everything consistent, and nothing left once the watches and the task are gone. */
function end({ machine, task }: Watched, watches: readonly Watch[]): void {
  assert.equal(machine.check(), []);
  for (const watch of watches) watch.remove();
  assert.equal(machine.check(), []);
  assert.is(machine.kernel.core.watches, 0);
  task.exit();
  assert.is(machine.kernel.core.watches + machine.kernel.core.devices, 0);
}

test('a watch set before a checkpoint tells of the same store before and after a restore', async () => {
  const all = await watched();
  const { machine, task, addr, takeHits } = all;
  const watch = all.watch(addr);
  const checkpoint = machine.checkpoint();
  for (let i = 0; i < 3; i++) {
    task.store8(addr, 7);
    task.store8(addr + 4096n, 7);
    assert.equal(takeHits(), [addr]);
    checkpoint.restore();
    assert.equal(takeHits(), [], 'going back is no access');
    assert.equal(machine.check(), []);
    assert.is(task.load8(addr), 1);
  }
  checkpoint.dispose();
  end(all, [watch]);
});

test('a watch set after a checkpoint stays through a restore, one removed stays removed', async () => {
  const all = await watched();
  const { machine, task, addr, takeHits } = all;
  const removed = all.watch(addr + 4096n);
  const checkpoint = machine.checkpoint();
  removed.remove();
  const later = all.watch(addr);
  checkpoint.restore();
  assert.equal([removed.active, later.active], [false, true]);
  task.store8(addr, 7);
  task.store8(addr + 4096n, 7);
  assert.equal(takeHits(), [addr]);
  later.remove();
  checkpoint.restore();
  task.store8(addr, 7);
  assert.equal(takeHits(), []);
  checkpoint.dispose();
  end(all, []);
});

test('the watches of memory that is not there at the checkpoint end, and do no harm after', async () => {
  const all = await watched();
  const { machine, takeHits } = all;
  const checkpoint = machine.checkpoint();
  const child = machine.spawn();
  const addr = child.mmap({ length: 4096 });
  const watch = child.watch({
    start: addr,
    length: 1,
    on: 'write',
    hit: () => assert.unreachable(),
  });
  checkpoint.restore();
  assert.is(watch.active, false);
  assert.is(machine.kernel.core.watches, 0);
  watch.remove();
  assert.equal(takeHits(), []);
  checkpoint.dispose();
  end(all, []);
});

test('a task whose exit ended its watches comes back without them', async () => {
  const all = await watched();
  const { machine, task, addr, takeHits } = all;
  const watch = all.watch(addr);
  const checkpoint = machine.checkpoint();
  task.exit();
  checkpoint.restore();
  assert.is(watch.active, false);
  task.store8(addr, 7);
  assert.equal(takeHits(), []);
  const frames = machine.stats().framesInUse;
  const anew = all.watch(addr);
  task.store8(addr, 8);
  assert.equal(takeHits(), [addr]);
  anew.remove();
  assert.is(machine.stats().framesInUse, frames, 'the list of the first went with it');
  checkpoint.dispose();
  end(all, []);
});

test('a device comes and goes with the mappings of a checkpoint, and answers again', async () => {
  const all = await watched();
  const { machine, task } = all;
  const device = { length: 8, read: () => 0x5a, write: () => assert.unreachable() };
  const before = machine.checkpoint();
  const addr = task.mapDevice(device);
  const mapped = machine.checkpoint();
  task.munmap(addr, 4096);
  assert.is(machine.kernel.core.devices, 0);
  mapped.restore();
  assert.is(machine.kernel.core.devices, 1);
  assert.is(task.load8(addr), 0x5a);
  before.restore();
  assert.is(machine.kernel.core.devices, 0);
  assert.throws(() => task.load8(addr), /SEGV/);
  mapped.restore();
  assert.is(task.load8(addr), 0x5a);
  assert.equal(machine.check(), []);
  for (const checkpoint of [before, mapped]) checkpoint.dispose();
  end(all, []);
});

test('no snapshot is made of a machine with watches or devices, and one is once they are gone', async () => {
  const all = await watched();
  const { machine, task, addr } = all;
  const refused = (what: RegExp): void => {
    assert.throws(
      () => machine.snapshot(),
      (error: unknown) =>
        error instanceof SnapshotError && error.code === 'UNSUPPORTED' && what.test(error.message),
    );
  };
  const watch = all.watch(addr);
  refused(/watches/);
  watch.remove();
  const device = task.mapDevice({ length: 8, read: () => 0, write: () => undefined });
  refused(/devices/);
  task.munmap(device, 4096);
  const copy = await Machine.restore(machine.snapshot());
  assert.equal(copy.check(), []);
  const again = copy.task(task.pid);
  assert.ok(again);
  const hits: number[] = [];
  const on = { start: addr, length: 1, on: 'write', hit: () => void hits.push(1) } as const;
  const second = again.watch(on);
  again.store8(addr, 3);
  assert.equal(hits, [1]);
  second.remove();
  end(all, []);
});

test.run();
