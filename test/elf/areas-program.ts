// The operations of test/elf/programs/areas.c, done by a task of a machine.
import { LinuxError, Machine, PageFault, type Task } from '../../src/index.js';
import type { OpenFile } from '../../src/api/open-file.js';
import type { CrashFile } from './crash.js';

/** One operation: the letter of areas.c and its numbers; `file` is an index of FILES or -1. */
export type AreaOp =
  | {
      op: 'm';
      addr: number;
      length: number;
      prot: number;
      flags: number;
      file: number;
      offset: number;
    }
  | { op: 't'; addr: number }
  | { op: 'r'; addr: number }
  | { op: 'p'; addr: number; length: number; value: number }
  | { op: 'a'; addr: number; length: number; value: number }
  | { op: 'u'; addr: number; length: number };

const PAGE = 4096;
const pages = (head: string, count: number): Uint8Array => {
  const bytes = new Uint8Array(count * PAGE).map((_, i) => 0x61 + (i >>> 12));
  bytes.set(new TextEncoder().encode(head));
  return bytes;
};

/** The files that areas.c opens, in the order of its arguments; the fifth is its memfd. */
export const FILES: readonly CrashFile[] = [
  { name: 'data', bytes: pages('data', 4), mode: 0o600 },
  { name: 'library', bytes: pages('\x7fELF', 4), mode: 0o600 },
  { name: 'script', bytes: pages('#!/bin/sh\n', 4), mode: 0o700 },
  { name: 'gone', bytes: pages('\x7fELF', 4), mode: 0o700 },
];
export const FILE_ARGUMENTS = ['data', 'library', 'script', '-gone', 'memfd'];

/** The operation as a line of the program's input. */
export function asLine(op: AreaOp): string {
  const hex = (...numbers: number[]): string => numbers.map((n) => n.toString(16)).join(' ');
  if (op.op === 'm') {
    const { addr, length, prot, flags, file, offset } = op;
    return `m ${hex(addr, length, prot, flags)} ${file} ${hex(offset)}\n`;
  }
  if (op.op === 't' || op.op === 'r') return `${op.op} ${hex(op.addr)}\n`;
  if (op.op === 'u') return `u ${hex(op.addr, op.length)}\n`;
  return `${op.op} ${hex(op.addr, op.length, op.value)}\n`;
}

/** A task with the files open, that does operations one by one. */
export class AreaTask {
  readonly task: Task;
  readonly #files: OpenFile[] = [];

  private constructor(task: Task) {
    this.task = task;
  }

  static async create(): Promise<AreaTask> {
    const machine = await Machine.create();
    const areas = new AreaTask(machine.spawn({ comm: 'areas', argv: ['areas'] }));
    const { task } = areas;
    for (const { name, bytes, mode } of FILES) {
      machine.addFile(`/${name}`, bytes, mode);
      areas.#files.push(task.open(`/${name}`, 'r+'));
    }
    task.unlink('/gone');
    const memfd = task.memfdCreate('areas');
    for (let i = 0; i < 4; i++) memfd.write(new Uint8Array(PAGE).fill(0x41 + i));
    areas.#files.push(memfd);
    return areas;
  }

  /** Does an operation; what it fails at, it fails at in the program too. */
  perform(op: AreaOp): void {
    try {
      this.#do(op);
    } catch (error) {
      if (!(error instanceof LinuxError || error instanceof PageFault)) throw error;
    }
  }

  #do(op: AreaOp): void {
    const { task } = this;
    if (op.op === 'm') {
      const file = this.#files[op.file];
      const { addr, length, prot, flags, offset } = op;
      task.mmap({ addr, length, prot, flags, offset, ...(file === undefined ? {} : { file }) });
    } else if (op.op === 't') task.store8(op.addr, 7);
    else if (op.op === 'r') task.load8(op.addr);
    else if (op.op === 'p') task.mprotect(op.addr, op.length, op.value);
    else if (op.op === 'a') task.madvise(op.addr, op.length, op.value);
    else task.munmap(op.addr, op.length);
  }
}
