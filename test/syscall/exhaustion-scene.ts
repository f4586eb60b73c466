import * as assert from 'uvu/assert';

import { PAGE_SIZE } from '../../assembly/abi/page.js';
import type { Task } from '../../src/api/task.js';
import type { Machine } from '../../src/machine.js';
import { dropVmFile } from '../../src/mm/map-file.js';
import type { Ptr } from '../../src/wasm/core.js';

/** Sixteen private pages, the first three written; eight shared ones; and where nothing is. */
export const PRIVATE = 0x100000000000;
export const SHARED = PRIVATE + 2 ** 30;
export const FREE = PRIVATE + 2 ** 39;
/** Structures and strings for the calls, written before memory runs out. */
export const ARGS = PRIVATE + 2 ** 31;
/** Memory that nobody has touched. */
export const FRESH = PRIVATE + 2 ** 32;
const FILLER = PRIVATE + 2 ** 33;
const FIXED_PRIVATE = 0x32;
const FIXED_SHARED = 0x31;

/** Addresses in pages from PRIVATE on. */
export function page(n: number): number {
  return PRIVATE + n * PAGE_SIZE;
}

/** One call to be tried. */
export interface Step {
  readonly name: string;
  /**
   * What it comes to where memory runs out; a number is a short count. None: it needs no memory, and
   * never fails for want of it.
   */
  readonly fails: readonly (string | number)[];
  /** Gets the scene ready; gives what is then tried. */
  readonly prepare: (scene: Scene) => () => unknown;
}

/** A process with some memory, and one beside it. */
export class Scene {
  readonly task: Task;
  readonly other: Task;
  private readonly machine: Machine;
  private readonly ends: (() => void)[] = [];
  private next = ARGS;

  constructor(machine: Machine, parent: Task) {
    this.machine = machine;
    this.task = machine.spawn({ parent, comm: 'one' });
    this.other = machine.spawn({ parent, comm: 'other' });
    for (const task of [this.task, this.other]) {
      task.mmap({ addr: PRIVATE, length: 16 * PAGE_SIZE, flags: FIXED_PRIVATE });
      task.mmap({ addr: SHARED, length: 8 * PAGE_SIZE, flags: FIXED_SHARED });
      task.mmap({ addr: ARGS, length: 4 * PAGE_SIZE, flags: FIXED_PRIVATE });
      task.mmap({ addr: FRESH, length: 64 * PAGE_SIZE, flags: FIXED_PRIVATE });
      task.store(PRIVATE, new Uint8Array(3 * PAGE_SIZE).fill(5));
    }
  }

  /** A system call of the task. */
  call(name: string, ...args: (number | bigint)[]): number | bigint {
    return this.task.syscall(name, ...args);
  }

  /** Puts bytes or text where calls find them. */
  put(bytes: Uint8Array | string): number {
    const at = this.next;
    const data = typeof bytes === 'string' ? new TextEncoder().encode(`${bytes}\0`) : bytes;
    this.task.store(at, data);
    this.next += (data.length + 7) & ~7;
    return at;
  }

  /** Puts 64-bit words. */
  words(...values: (number | bigint)[]): number {
    return this.put(new Uint8Array(new BigUint64Array(values.map(BigInt)).buffer));
  }

  /** A descriptor of an empty file in memory, of so many bytes. */
  memfd(size = 0, flags = 0): number {
    const fd = Number(this.call('memfd_create', this.put('f'), flags));
    if (size > 0) assert.is(this.call('ftruncate', fd, size), 0);
    return fd;
  }

  /** Something to undo when the scene is over. */
  atEnd(undo: () => void): void {
    this.ends.push(undo);
  }

  /** Leaves no room in the pages of mappings, files and caches: the next of each needs a page. */
  fillObjects(): void {
    const { core } = this.machine.kernel;
    const { exports } = core;
    exports.setAllocBudget(0);
    for (let at = exports.mappingNew(0, 0); at !== 0; at = exports.mappingNew(0, 0)) {
      const mapping = at;
      this.atEnd(() => exports.mappingFree(mapping));
    }
    for (let at = exports.fileNew(0, core.nextId()); at !== 0;) {
      const file = at;
      this.atEnd(() => dropVmFile(core, file as Ptr<'file'>));
      at = exports.fileNew(0, core.nextId());
    }
    let addr = FILLER;
    const map = (): number =>
      Number(this.other.syscall('mmap', addr, PAGE_SIZE, 3, FIXED_PRIVATE, -1n, 0));
    while (map() === addr) addr += 2 * PAGE_SIZE;
    exports.setAllocBudget(-1);
  }

  /** Ends and reaps everybody. */
  end(): void {
    for (const undo of this.ends) undo();
    const { parent } = this.task;
    for (const task of this.machine.tasks()) {
      if (task.pid > 1 && task !== parent && !task.exited) task.exit();
    }
    while (parent !== null && reaps(parent));
  }
}

function reaps(parent: Task): boolean {
  return parent.struct.children.length > 0 && parent.wait() !== null;
}

/** Whether everything a scene had is free again. */
export function checkFree(machine: Machine, atRest: number, when: string): void {
  assert.is(machine.stats().framesInUse, atRest, `frames ${when}`);
  assert.is(machine.kernel.core.exports.committedPages(), 0, `promised memory ${when}`);
}

/** A call of the task with fixed arguments. */
export function row(
  name: string,
  fails: readonly (string | number)[],
  call: string,
  ...args: (number | bigint)[]
): Step {
  return { name, fails, prepare: (scene) => () => scene.call(call, ...args) };
}

/** A call that needs no memory, and must not fail for want of any. */
export function none(name: string, call: string, ...args: (number | bigint)[]): Step {
  return row(name, [], call, ...args);
}

/** Calls one after the other; the first that fails decides. */
export function all(...calls: (() => number | bigint)[]): () => number | bigint {
  return () => {
    let result: number | bigint = 0;
    for (const call of calls) {
      result = call();
      if (result < 0) return result;
    }
    return result;
  };
}

/** A store of the CPU; what it says of a missing page is the error. */
export function store(scene: Scene, addr: number, length: number): number {
  scene.task.store(addr, new Uint8Array(length).fill(1));
  return 0;
}
