import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { CoreFileSystem } from '../../src/api/core-file-system.js';
import { SourcePages } from '../../src/api/source-pages.js';
import type { ByteSource } from '../../src/elf/source.js';
import { BytesSource } from '../../src/elf/source.js';
import type { SecurityModule } from '../../src/kernel/security.js';
import { PageFault } from '../../src/api/page-fault.js';
import { Machine } from '../../src/machine.js';
import { mmap } from '../../src/mm/mmap.js';
import { NO_LIMITS } from '../../src/mm/limits.js';
import { SnapshotError, type SnapshotErrorCode } from '../../src/snapshot/error.js';
import { encodeState } from '../../src/snapshot/state.js';
import { STORE_CHUNK, STORE_TO_COME } from '../../src/snapshot/store.js';
import { SnapshotWriter } from '../../src/snapshot/writer.js';
import { MAP_FIXED, MAP_PRIVATE } from '../../assembly/abi/mman.js';
import { fingerprint } from './fingerprint.js';
import { dice, live } from './life.js';

const test = suite('snapshot/snapshot');
const PAGE = 4096;

async function code(restore: Promise<Machine>): Promise<SnapshotErrorCode | null> {
  try {
    await restore;
    return null;
  } catch (error) {
    if (error instanceof SnapshotError) return error.code;
    throw error;
  }
}

test('a machine out of bytes is the same, and goes on the same', async () => {
  for (let seed = 1; seed <= 15; seed++) {
    const machine = await Machine.create({ yama: 1, now: () => 0 });
    machine.spawn({ comm: 'a', uid: 1000 });
    machine.spawn({ comm: 'b' });
    live(machine, dice(seed), 200);
    const copy = await Machine.restore(machine.snapshot(), { now: () => 0 });
    assert.is(fingerprint(copy), fingerprint(machine), `seed ${seed}`);
    assert.equal(copy.check(), []);
    live(machine, dice(seed + 1000), 200);
    live(copy, dice(seed + 1000), 200);
    const texts = [machine, copy].map((each) => {
      const root = each.spawn({ comm: 'root' });
      const tasks = each.tasks().filter((task) => !task.exited);
      return tasks.map((task) => root.readText(`/proc/${task.pid}/smaps`)).join();
    });
    assert.is(texts[1], texts[0], `seed ${seed}: goes on`);
    assert.equal(copy.check(), []);
    copy.kernel.shutdown();
  }
});

test('written in parts it is the same bytes', async () => {
  const machine = await Machine.create({ now: () => 0 });
  live(machine, dice(3), 10);
  const whole = machine.snapshot();
  const parts: number[] = [];
  machine.writeSnapshot((part) => parts.push(...part));
  assert.ok(Buffer.from(whole).equals(Buffer.from(parts)));
});

test('free and untouched memory is not in it', async () => {
  const machine = await Machine.create();
  const task = machine.spawn();
  const empty = machine.snapshot().length;
  const addr = task.mmap({ length: 2 ** 24 });
  task.store(addr, new Uint8Array(2 ** 24).fill(1));
  assert.ok(machine.snapshot().length - empty > 2 ** 24);
  task.munmap(addr, 2 ** 24);
  assert.ok(machine.snapshot().length - empty < 2 ** 16);
});

test('its own checkpoints are not part of it', async () => {
  const machine = await Machine.create({ now: () => 0 });
  const task = machine.spawn();
  const addr = task.mmap({ length: 8 * PAGE });
  task.store(addr, new Uint8Array(8 * PAGE).fill(1));
  const before = machine.snapshot().length;
  const checkpoint = machine.checkpoint();
  task.store(addr, new Uint8Array(8 * PAGE).fill(2));
  assert.is(machine.snapshot().length, before);
  const copy = await Machine.restore(machine.snapshot());
  assert.is(copy.stats().checkpointFrames, 0);
  checkpoint.dispose();
});

test('security modules of the embedder are given again by name', async () => {
  const module: SecurityModule = { name: 'mine', ptraceAccessCheck: () => -1 };
  const machine = await Machine.create({ security: [module] });
  const bytes = machine.snapshot();
  assert.is(await code(Machine.restore(bytes)), 'MISSING');
  const copy = await Machine.restore(bytes, { security: [module] });
  assert.equal(copy.kernel.security.names(), machine.kernel.security.names());
});

test('the memory limit stays, unless another is given that suffices', async () => {
  const machine = await Machine.create({ memory: 2 ** 23 });
  const bytes = machine.snapshot();
  assert.is((await Machine.restore(bytes)).stats().memoryLimit, 2 ** 23);
  assert.is((await Machine.restore(bytes, { memory: 2 ** 24 })).stats().memoryLimit, 2 ** 24);
  const task = machine.spawn();
  task.store(task.mmap({ length: 2 ** 22 }), new Uint8Array(2 ** 22).fill(1));
  try {
    await Machine.restore(machine.snapshot(), { memory: 2 ** 21 });
    assert.unreachable();
  } catch (error) {
    assert.instance(error, RangeError);
  }
});

/** A snapshot of a process whose pages are in the store, as of a live process that was copied. */
async function withStore(contents: Uint8Array): Promise<Uint8Array> {
  const machine = await Machine.create();
  const task = machine.spawn({ comm: 'copied' });
  const extent = { offset: 0, start: 0, length: contents.length };
  const files = new CoreFileSystem(machine.vfs);
  const file = files.standIn('', contents.length, new SourcePages(STORE_TO_COME, [extent]));
  const mapped = { file, fileWritable: false, mayWrite: true, mayExec: true };
  const request = { addr: 0x10000000, length: contents.length, prot: 3, offset: 0 };
  mmap(
    task.struct.mm!,
    { ...request, flags: MAP_PRIVATE | MAP_FIXED, mapFile: () => mapped },
    NO_LIMITS,
  );
  const parts: number[][] = [];
  const writer = new SnapshotWriter(machine.kernel.core, (part) => parts.push([...part]));
  writer.begin(0);
  for (let at = 0; at < contents.length; at += STORE_CHUNK) {
    writer.store(contents.subarray(at, at + STORE_CHUNK));
  }
  writer.machine(encodeState(machine.kernel, machine.vfs).state);
  writer.end();
  return Uint8Array.from(parts.flat());
}

test('pages of the store are read when they are touched, and no others', async () => {
  const contents = new Uint8Array(3 * 2 ** 20).map((_, i) => (i >>> 12) + i);
  const bytes = await withStore(contents);
  let read = 0;
  const source: ByteSource = {
    name: 'snapshot',
    size: bytes.length,
    read(offset, length) {
      read += length;
      return bytes.subarray(offset, offset + length);
    },
  };
  const machine = await Machine.restore(source);
  assert.ok(read < 2 ** 20, `${read} bytes to open it`);
  const task = machine.tasks().find(({ comm }) => comm === 'copied')!;
  const found = new Uint8Array(100);
  const opened = read;
  task.load(0x10000000 + 2_100_000, found);
  assert.equal(found, contents.slice(2_100_000, 2_100_100));
  assert.ok(read - opened <= 2 ** 20 + 2 * PAGE, `${read - opened} bytes for a page`);
  const again = await Machine.restore(machine.snapshot());
  const all = new Uint8Array(contents.length);
  again.task(task.pid)!.load(0x10000000, all);
  assert.ok(Buffer.from(all).equals(Buffer.from(contents)), 'the store went along');
});

test('a damaged part of the store is refused at once out of an array, and is EIO when it is lazy', async () => {
  const contents = new Uint8Array(2 * 2 ** 20).fill(7);
  const bytes = await withStore(contents);
  bytes[PAGE + 2 ** 20 + 5]! ^= 1;
  assert.is(await code(Machine.restore(bytes)), 'CORRUPT');
  const machine = await Machine.restore(new BytesSource('snapshot', bytes));
  const task = machine.tasks().find(({ comm }) => comm === 'copied')!;
  task.load(0x10000000, new Uint8Array(100));
  const mem = machine.spawn().open(`/proc/${task.pid}/mem`);
  assert.throws(() => mem.pread(new Uint8Array(100), 0x10000000 + 2 ** 20), /EIO/);
  assert.equal(machine.check(), []);
});

test('a userfaultfd of a machine out of bytes waits until it is told who resolves faults', async () => {
  const machine = await Machine.create();
  const task = machine.spawn();
  const addr = task.mmap({ length: 4096 });
  const pager = task.userfaultfd({ onFault: () => assert.unreachable() });
  pager.register(addr, 4096);
  const copy = (await Machine.restore(machine.snapshot())).task(task.pid)!;
  assert.throws(
    () => copy.load8(addr),
    (error: unknown) => error instanceof PageFault && error.code === 'USERFAULT',
  );
  const uffd = copy.userfaultfdOf(pager.fd);
  assert.is(uffd.take()?.address, addr);
  uffd.onFault = ({ address }, it) => it.copy(address, new Uint8Array(4096).fill(9));
  uffd.wake(addr, 4096);
  assert.is(copy.load8(addr), 9);
});

test('a machine out of bytes lacks the calls that the first one lacked', async () => {
  const machine = await Machine.create({ profile: { missingSyscalls: ['mseal'] } });
  const { pid } = machine.spawn();
  const copy = (await Machine.restore(machine.snapshot())).task(pid)!;
  assert.is(copy.syscall('mseal', 0, 0, 0), -38);
});

test.run();
