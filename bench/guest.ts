// The emulated side of the benches: tasks with memory, through the public API only.
import { Machine, type OpenFile, PAGE_SIZE, type Task } from '../src/index.js';

/** One machine with two tasks of one user: `target` has the memory, `reader` looks at it. */
export interface Guest {
  readonly machine: Machine;
  readonly reader: Task;
  readonly target: Task;
}

/** A fresh machine with its two tasks. */
export async function makeGuest(sysctl: Record<string, number> = {}): Promise<Guest> {
  const machine = await Machine.create({ sysctl });
  const spawn = (comm: string): Task => machine.spawn({ uid: 1000, gid: 1000, comm });
  return { machine, reader: spawn('reader'), target: spawn('target') };
}

let shared: Promise<Guest> | null = null;

/**
 * One guest for all who copy, as most programs have one machine: V8 makes calls into wasm cheap for the
 * first instance that a call site meets, and dearer once it has met a second.
 */
export function sharedGuest(): Promise<Guest> {
  shared ??= makeGuest();
  return shared;
}

/** Maps private anonymous memory, readable and writable, that nothing has touched yet. */
export function mapMemory(task: Task, size: number): bigint {
  return task.mmap({ length: Math.ceil(size / PAGE_SIZE) * PAGE_SIZE });
}

/** Writes one byte in every page with CPU stores, so that each has a frame of its own. */
export function touchPages(task: Task, addr: bigint, size: number, order?: number[]): void {
  const base = Number(addr);
  if (order === undefined) {
    // Without a list of pages: making one would be part of what is timed.
    for (let offset = 0; offset < size; offset += PAGE_SIZE) task.store8(base + offset, 1);
  } else {
    for (const page of order) task.store8(base + page * PAGE_SIZE, 1);
  }
}

/** Page numbers in order. */
export function rising(size: number): number[] {
  return Array.from({ length: Math.ceil(size / PAGE_SIZE) }, (_, page) => page);
}

/** Page numbers in an order that jumps about, the same in every run. */
export function shuffled(size: number): number[] {
  const pages = rising(size);
  let state = 1;
  for (let left = pages.length; left > 1; left--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const other = Math.floor((state / 2 ** 32) * left);
    [pages[left - 1], pages[other]] = [pages[other] ?? 0, pages[left - 1] ?? 0];
  }
  return pages;
}

/** Opens a task's memory as another task. */
export function openMem(reader: Task, target: Task): OpenFile {
  return reader.open(`/proc/${target.pid}/mem`, 'r+');
}
