import { MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE } from '../../assembly/abi/mman.js';
import type { KernelOptions } from '../../src/kernel/kernel.js';
import type { Kernel } from '../../src/kernel/kernel.js';
import type { TaskStruct } from '../../src/kernel/task.js';
import { cpuLoad, cpuStore } from '../../src/mm/cpu.js';
import { mmap } from '../../src/mm/mmap.js';
import { GuestBuffer, HostBuffer } from '../../src/mm/user.js';
import { createProcfs } from '../../src/procfs/root.js';
import type { ProcOptions } from '../../src/procfs/root.js';
import { filesOf } from '../../src/vfs/fdtable.js';
import type { File } from '../../src/vfs/file.js';
import { AT_FDCWD, O_RDONLY } from '../../src/vfs/flags.js';
import { openat } from '../../src/vfs/open.js';
import { ksysRead, ksysWrite } from '../../src/vfs/read-write.js';
import type { U64 } from '../../src/vfs/u64.js';
import { Vfs } from '../../src/vfs/vfs.js';
import { makeKernel, outcome, spawn } from '../kernel/fixture.js';
import type { SpawnOptions } from '../kernel/fixture.js';

export { framesInUse, outcome } from '../kernel/fixture.js';

/** Where tests map memory of their own. */
export const ARENA = 0x100000000000;

/** A kernel with files and /proc, and tasks that have them. */
export interface World {
  readonly kernel: Kernel;
  readonly vfs: Vfs;
  spawn(options?: SpawnOptions): TaskStruct;
}

/** Boots a world. */
export function boot(proc: ProcOptions = {}, options: KernelOptions = {}): World {
  const kernel = makeKernel(options);
  const vfs = new Vfs(kernel);
  vfs.mount('/proc', createProcfs(vfs, proc));
  kernel.init.files = vfs.newFdTable();
  kernel.init.fs = vfs.newFsStruct();
  return { kernel, vfs, spawn: (task = {}) => spawn(kernel, task) };
}

/** Opens a path from the working directory: the descriptor, or the error's name. */
export function open(
  task: TaskStruct,
  path: string,
  flags = O_RDONLY,
  mode = 0o600,
): number | string {
  return outcome(() => openat(task, AT_FDCWD, path, flags, mode));
}

/** Opens a path and closes it again: 'ok', or the error's name. */
export function tryOpen(task: TaskStruct, path: string, flags = O_RDONLY): string {
  const fd = open(task, path, flags);
  if (typeof fd === 'string') return fd;
  filesOf(task).close(fd);
  return 'ok';
}

/** The open file of a descriptor that must be there. */
export function fileOf(task: TaskStruct, fd: number | string): File {
  if (typeof fd === 'string') throw new Error(`open: ${fd}`);
  return filesOf(task).rawFile(fd);
}

/** Up to `length` bytes read at the position, as latin-1 text; or the error's name. */
export function read(task: TaskStruct, fd: number | string, length = 65536): string {
  if (typeof fd === 'string') return fd;
  const bytes = new Uint8Array(length);
  const n = outcome(() => ksysRead(task, fd, new HostBuffer(bytes)));
  return typeof n === 'string' ? n : Buffer.from(bytes.subarray(0, n)).toString('latin1');
}

/** Opens, reads to the end and closes; or the error's name. */
export function readAll(task: TaskStruct, path: string): string {
  const fd = open(task, path);
  if (typeof fd === 'string') return fd;
  let text = '';
  let part = read(task, fd);
  while (part !== '' && !/^E[A-Z]+$/.test(part)) {
    text += part;
    part = read(task, fd);
  }
  filesOf(task).close(fd);
  return text === '' ? part : text;
}

/** Writes text at the position: bytes written, or the error's name. */
export function write(task: TaskStruct, fd: number | string, text: string): number | string {
  if (typeof fd === 'string') return fd;
  return outcome(() => ksysWrite(task, fd, new HostBuffer(new TextEncoder().encode(text))));
}

/** Opens for writing, writes and closes: bytes written, or the error's name. */
export function writeTo(task: TaskStruct, path: string, text: string, flags = 1): number | string {
  const fd = open(task, path, flags);
  const result = write(task, fd, text);
  if (typeof fd === 'number') filesOf(task).close(fd);
  return result;
}

/** Maps private anonymous memory of a task and fills it. */
export function mapFilled(task: TaskStruct, addr: number, length: number, byte: number): void {
  if (task.mm === null) throw new Error('no memory');
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  mmap(task.mm, { addr, length, prot: 3, flags, offset: 0 });
  cpuStore(task.mm, addr, new Uint8Array(length).fill(byte));
}

/** Bytes of a task's memory as hex. */
export function peek(task: TaskStruct, addr: number, length: number): string {
  const bytes = new Uint8Array(length);
  if (task.mm !== null) cpuLoad(task.mm, addr, bytes);
  return Buffer.from(bytes).toString('hex');
}

/** A buffer in a task's own memory. */
export function guest(task: TaskStruct, addr: U64, length: number): GuestBuffer {
  if (task.mm === null) throw new Error('no memory');
  return new GuestBuffer(task.mm, addr, length);
}

/** A buffer of the host of `length` bytes. */
export function host(length: number): HostBuffer {
  return new HostBuffer(new Uint8Array(length));
}
