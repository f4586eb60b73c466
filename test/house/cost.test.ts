// What an operation costs in things that can be counted, and do not depend on the machine or the hour:
// calls into the core, views of linear memory, bytes of the package. A change that makes one of these
// grow is to say why.
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { gzipSync } from 'node:zlib';

import { Machine, type Task } from '../../src/index.js';
import { HostBuffer } from '../../src/mm/user.js';
import type { Core } from '../../src/wasm/core.js';
import type { CoreExports } from '../../src/wasm/exports.js';
import { ViewCache } from '../../src/wasm/view-cache.js';

const test = suite('house/cost');

const SIZE = 2 ** 20;
const machine = await Machine.create();
const core = machine.kernel.core;
const atRest = core.framesInUse;

/** The names of the calls into the core that `act` makes, in order. */
function callsOf(core: Core, act: () => unknown): string[] {
  const calls: string[] = [];
  const real = core.exports;
  const counted = new Proxy({} as CoreExports, {
    get(_, name: keyof CoreExports) {
      return (...args: never[]): unknown => {
        calls.push(name);
        return (real[name] as (...args: never[]) => unknown)(...args);
      };
    },
  });
  const holder = core as { exports: CoreExports };
  holder.exports = counted;
  try {
    act();
  } finally {
    holder.exports = real;
  }
  return calls;
}

/** A reader, a target, and `SIZE` touched bytes of each. */
function pair(): { reader: Task; target: Task; from: number; into: number } {
  const spawn = (comm: string): Task => machine.spawn({ uid: 1000, gid: 1000, comm });
  const [reader, target] = [spawn('reader'), spawn('target')];
  const touched = (task: Task): number => {
    const addr = Number(task.mmap({ length: SIZE }));
    for (let at = addr; at < addr + SIZE; at += 4096) task.store8(at, 1);
    return addr;
  };
  return { reader, target, from: touched(target), into: touched(reader) };
}

const { reader, target, from, into } = pair();
const mem = reader.open(`/proc/${target.pid}/mem`, 'r+');
const vec = into + SIZE - 32;
const iovecs = BigUint64Array.of(BigInt(into), 4096n, BigInt(from), 4096n);
reader.store(vec, new Uint8Array(iovecs.buffer));
const bytes = (size: number): Uint8Array => new Uint8Array(size);

let elsewhere = from;
mem.pread(bytes(64), from);

/** An operation of the public API, and the calls that it makes. */
const OPERATIONS: [name: string, act: () => unknown, calls: string[]][] = [
  ['a read of 8 bytes', () => mem.pread(bytes(8), from), ['readyPlace']],
  // Of what was read before there is a view, or is now.
  ['a read of 64 bytes', () => mem.pread(bytes(64), from), ['readyPlace']],
  [
    'a read of 2 KiB never read before',
    () => mem.pread(bytes(2048), (elsewhere += 4096)),
    ['readyPlace', 'copyPlaces'],
  ],
  ['a read of a page', () => mem.pread(bytes(4096), from), ['readyPlace']],
  [
    'a read of 8 bytes in two pages',
    () => mem.pread(bytes(8), from + 4092),
    ['readyPlace', 'accessRemoteVm'],
  ],
  ['a read of 1 MiB in one piece', () => mem.pread(bytes(SIZE), from), ['accessRuns']],
  ['a write of 8 bytes', () => mem.pwrite(bytes(8), from), ['readyPlace']],
  ['a write of a page', () => mem.pwrite(bytes(4096), from), ['readyPlace']],
  ['a write of 1 MiB', () => mem.pwrite(bytes(SIZE), from), ['accessRuns']],
  [
    'a copy of 1 MiB between tasks',
    () => reader.processVmCopy(target, from, into, SIZE - 4096),
    ['processVmCopy'],
  ],
  [
    'process_vm_readv of one segment',
    () => machine.syscall(reader, 'process_vm_readv', [target.pid, vec, 1, vec + 16, 1, 0]),
    ['copyFromUser', 'copyFromUser', 'processVmCopy'],
  ],
  ['a load by the CPU', () => target.load32(from), ['load32', 'lastFault']],
  ['a store by the CPU', () => target.store32(from, 1), ['store32', 'lastFault']],
];

for (const [name, act, calls] of OPERATIONS) {
  test(`${name} crosses into the core ${calls.length} times`, () => {
    assert.equal(callsOf(core, act), calls);
  });
}

test('a watch in a third task, or on other pages of the CPU’s own, makes nothing cross more often', () => {
  const third = machine.spawn();
  const start = third.mmap({ length: 4096 });
  const hit = (): void => assert.unreachable();
  const far = third.watch({ start, length: 4096, on: 'access', hit });
  // The reader acts again: the faults of who did before are counted once.
  mem.pread(bytes(8), from + 4092);
  for (const [name, act, calls] of OPERATIONS) assert.equal(callsOf(core, act), calls, name);
  far.remove();
  // In the same 2 MiB, where pages are found one by one; the first access of each finds its page.
  const near = target.watch({ start: from + 4096, length: 8, on: 'access', hit });
  for (const [name, act, calls] of OPERATIONS.slice(-2)) {
    act();
    assert.equal(callsOf(core, act), calls, name);
  }
  near.remove();
  third.exit();
});

test('what is copied again finds its view made, and a grown memory makes a new one', () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 2 });
  const views = new ViewCache(memory);
  const view = views.at(4096, 64);
  assert.is(views.at(4096, 64), view);
  for (const [start, length] of [
    [4096, 65],
    [8192, 64],
  ] as const) {
    const other = views.at(start, length);
    assert.equal([other.byteOffset, other.length], [start, length]);
  }
  assert.is(views.again(4160, 8), null);
  assert.is(views.known(4160, 8), null);
  const again = views.again(4160, 8);
  assert.equal([again?.byteOffset, again?.length], [4160, 8]);
  assert.is(views.again(4160, 8), again);
  assert.is(views.known(4160, 8), again);
  memory.grow(1);
  assert.is(views.known(4160, 8), null);
  assert.is(views.again(4160, 8)?.length, 8);
  const grown = views.at(4096, 64);
  assert.equal([grown.byteOffset, grown.length], [4096, 64]);
});

test('one call after the other lends the same buffer, one inside the other does not', () => {
  const first = HostBuffer.lend(bytes(1));
  const inner = HostBuffer.lend(bytes(2));
  assert.is.not(inner, first);
  assert.equal([first.length, inner.length], [1, 2]);
  HostBuffer.giveBack(inner);
  HostBuffer.giveBack(first);
  assert.is(HostBuffer.lend(bytes(3)), first);
});

/** Files of the package, and the bytes that they may have gzipped. */
const FILES: [path: string, most: number][] = [
  // Memory is 19 KiB of it, the hart and its floating point the rest.
  ['../../procmem.wasm', 29 * 1024],
  // A third of it runs guests: signals, timers, sockets, terminals, strace. Who needs memory alone takes procmem/core.
  ['../../browser/procmem.js', 276 * 1024],
];

const gzipped = (path: string): number =>
  gzipSync(readFileSync(new URL(path, import.meta.url)), { level: 9 }).length;

for (const [path, most] of FILES) {
  test(`${path.replace(/^.*\//, '')} has at most ${most / 1024} KiB gzipped`, () => {
    const size = gzipped(path);
    assert.ok(size <= most, `${size} bytes`);
  });
}

/** `procmem/core`: memory, credentials, mem and process_vm, without files, programs and tools. */
const SMALL = 60_000;

test(`the small entry has at most ${SMALL / 1000} KB gzipped, its wasm among them`, () => {
  const size = gzipped('../../browser/core.js') + gzipped('../../browser/core.wasm');
  assert.ok(size <= SMALL, `${size} bytes`);
});

test('the frames of both tasks come back', () => {
  for (const task of [reader, target]) task.exit(0);
  assert.is(core.framesInUse, atRest);
});

test.run();
