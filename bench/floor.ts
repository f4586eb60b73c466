// What is a call made of? The parts of the calls that miss their targets, each alone, beside the same baselines: no call
// is faster than its parts. Each part has its own loop, or V8 would not compile it into one (measured).
import { MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, type OpenFile, PAGE_SIZE } from '../src/index.js';
import { OpenFile as Descriptor } from '../src/api/open-file.js';
import { VM_MAYEXEC, VM_MAYREAD, VM_MAYWRITE, VM_READ, VM_WRITE } from '../assembly/abi/vma.js';
import { mmAccess, PTRACE_MODE_ATTACH_REALCREDS } from '../src/kernel/ptrace.js';
import type { Mm } from '../src/mm/mm.js';
import { FdTable } from '../src/vfs/fdtable.js';
import { File } from '../src/vfs/file.js';
import type { Case, Setting, Suite } from './bench.js';
import { clockOf } from './clock.js';
import { pagesClock } from './fork.js';
import { type Guest, mapMemory, openMem, sharedGuest, touchPages } from './guest.js';
import { wasmCopyClock } from './raw.js';
import { memcpyClock } from './read.js';
import { openedTasksClock } from './tasks.js';

/** Operations of one call of a clock's work. */
const OPERATIONS = 64;
const GETPPID = 110;
const MEBIBYTE = 2 ** 20;
const LARGE = [65536, MEBIBYTE];
/** VM_* of readable and writable private memory. */
const VM_RW = VM_READ | VM_WRITE | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;

interface Scene extends Guest {
  readonly near: Mm;
  readonly far: Mm;
  /** A mebibyte of the target, and of the reader. */
  readonly from: number;
  readonly into: number;
  /** A descriptor that has everything that mem has but a memory: its reads and writes do nothing. */
  readonly empty: OpenFile;
}

/** A file like mem whose copies are left out. */
function emptyFile({ reader, target }: Guest): OpenFile {
  const files = reader.struct.files as FdTable;
  const mem = files.get(openMem(reader, target).fd);
  const fops = { ...mem.fops, ready: (_: File, host: Uint8Array) => host.length };
  const file = new File(mem.path, mem.flags, mem.mode, mem.cred, fops);
  const fd = files.lowestFree(1024);
  files.install(fd, file, false);
  return new Descriptor(reader.struct, fd, 'empty');
}

async function makeScene(): Promise<Scene> {
  const guest = await sharedGuest();
  const { reader, target } = guest;
  const [from, into] = [mapMemory(target, MEBIBYTE), mapMemory(reader, MEBIBYTE)];
  touchPages(target, from, MEBIBYTE);
  touchPages(reader, into, MEBIBYTE);
  const [near, far] = [reader.struct.mm, target.struct.mm];
  if (near === null || far === null) throw new TypeError('a task has no memory');
  return {
    ...guest,
    ...{ near, far, from: Number(from), into: Number(into), empty: emptyFile(guest) },
  };
}

type Parts = Generator<Case>;

/** A part that its `work` does so many times. */
function part(
  name: string,
  operations: number,
  work: () => void,
  baselines: Case['baselines'] = {},
): Case {
  return { name: `floor-${name}`, clock: clockOf(work, operations), baselines };
}

/** Calls into the core, and the descriptor's side of a call, with nothing in them. */
function* callParts({ machine, reader, target, far, from, empty }: Scene): Parts {
  const { exports } = far.core;
  const { ptr } = far;
  const [a, b] = [reader.struct, target.struct];
  const bytes = new Uint8Array(8);
  yield part('call', OPERATIONS, () => {
    for (let i = 0; i < OPERATIONS; i++) exports.gupStop();
  });
  yield part('ready', OPERATIONS, () => {
    for (let i = 0; i < OPERATIONS; i++) exports.readyPlace(ptr, from, 8, false);
  });
  yield part('pread', OPERATIONS, () => {
    for (let i = 0; i < OPERATIONS; i++) empty.pread(bytes, from);
  });
  yield part('access', OPERATIONS, () => {
    for (let i = 0; i < OPERATIONS; i++) mmAccess(a, b, PTRACE_MODE_ATTACH_REALCREDS);
  });
  yield part('syscall', OPERATIONS, () => {
    for (let i = 0; i < OPERATIONS; i++) machine.syscall(reader, GETPPID);
  });
}

/** A small read or write without anything but its parts: the empty call, the walk, one `set` of a view that is made. */
function* smallParts({ far, from, empty }: Scene, { kernel }: Setting): Parts {
  const { core, ptr } = far;
  const { exports } = core;
  for (const size of [64, 512, PAGE_SIZE]) {
    const array = new Uint8Array(size);
    const view = core.u8
      .subarray(exports.readyPlace(ptr, from, size, true) >>> 0)
      .subarray(0, size);
    const memcpy = memcpyClock(size);
    const read = (): void => {
      for (let i = 0; i < OPERATIONS; i++) {
        empty.pread(array, from);
        exports.readyPlace(ptr, from, size, false);
        array.set(view);
      }
    };
    const write = (): void => {
      for (let i = 0; i < OPERATIONS; i++) {
        empty.pwrite(array, from);
        exports.readyPlace(ptr, from, size, true);
        view.set(array);
      }
    };
    yield part(`read/${size}`, OPERATIONS, read, { memcpy, kernel: kernel.read(size) });
    yield part(`write/${size}`, OPERATIONS, write, { memcpy, kernel: kernel.write(size) });
  }
}

/** Large reads, writes and copies: the copy of the bytes where they lie, and nothing else. */
function* largeParts({ far, near, from, into }: Scene, { kernel }: Setting): Parts {
  const { core } = far;
  const { exports } = core;
  const there = exports.readyPlace(far.ptr, from, 8, true) >>> 0;
  const here = exports.readyPlace(near.ptr, into, 8, true) >>> 0;
  for (const size of LARGE) {
    const array = new Uint8Array(size);
    const view = core.u8.subarray(there, there + size);
    const memcpy = memcpyClock(size);
    yield part(`read/${size}`, 1, () => array.set(view), { memcpy, kernel: kernel.read(size) });
    yield part(`write/${size}`, 1, () => view.set(array), { memcpy, kernel: kernel.write(size) });
    yield part(`copy/${size}`, 1, () => exports.copyPlaces(here, there, size), {
      memcpy: wasmCopyClock(size, 1),
    });
  }
}

/** A copy between tasks, and munmap with mmap: what the core does of them. */
function* coreParts({ far, near, from, into }: Scene, { kernel }: Setting): Parts {
  const { exports } = far.core;
  const limit = far.stackLimit;
  const [there, here] = [far.ptr, near.ptr];
  const copy = (): void => {
    for (let i = 0; i < OPERATIONS; i++) {
      exports.processVmCopy(there, from, here, into, PAGE_SIZE, false, limit, PAGE_SIZE);
    }
  };
  yield part('copy/4096', OPERATIONS, copy, {
    memcpy: wasmCopyClock(PAGE_SIZE, OPERATIONS),
    kernel: kernel.helperCase('copy', PAGE_SIZE),
  });
  const place = into - 2 ** 30;
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  const pair = (): void => {
    for (let i = 0; i < OPERATIONS; i++) {
      exports.mmapAnonymous(here, place, PAGE_SIZE, VM_RW, flags, false, 65536, 65530);
      exports.munmap(here, place, PAGE_SIZE, 65530);
    }
  };
  yield part('mmap', OPERATIONS, pair, { kernel: kernel.helperCase('mmap', 100) });
}

/** A walk through memory where each step waits for the one before, over what no cache near a processor holds. */
function missClock(bytes: number): Case['clock'] {
  const count = bytes / 64;
  const lines = new Int32Array(bytes / 4);
  // A full period: each line leads to another one far off.
  for (let i = 0; i < count; i++)
    lines[i * 16] = (((Math.imul(i, 1664525) + 1013904223) >>> 0) % count) * 16;
  let at = 0;
  return clockOf(() => {
    for (let i = 0; i < OPERATIONS; i++) at = lines[at] as number;
  }, OPERATIONS);
}

/** What thousands of tasks and pages wait for: memory. */
async function* memoryParts({ kernel }: Setting): AsyncGenerator<Case> {
  yield { name: 'floor-miss', clock: missClock(32 * MEBIBYTE), baselines: {} };
  const few = await openedTasksClock(10);
  yield { name: 'floor-opened/10', clock: few, baselines: {} };
  const many = await openedTasksClock(10000);
  yield { name: 'floor-opened/10000', clock: many, baselines: { 'opened/10': few } };
  const size = 64 * MEBIBYTE;
  const baselines = { kernel: kernel.helperCase('fork-touch', size) };
  yield { name: 'floor-fork-touch/64M', clock: pagesClock(size), baselines };
}

async function* floorCases(setting: Setting): AsyncGenerator<Case> {
  const scene = await makeScene();
  yield* callParts(scene);
  yield* smallParts(scene, setting);
  yield* largeParts(scene, setting);
  yield* coreParts(scene, setting);
  yield* memoryParts(setting);
}

/** The parts of the calls that miss their targets. */
export const floorSuite: Suite = {
  name: 'floor',
  title:
    'parts of calls alone: what a call of that name cannot be faster than, in the time and in the ratio',
  cases: floorCases,
};
