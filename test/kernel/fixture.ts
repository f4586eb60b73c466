import * as assert from 'uvu/assert';

import { MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE } from '../../assembly/abi/mman.js';
import { LinuxError } from '../../src/errno.js';
import type { CapSet } from '../../src/kernel/capability.js';
import { Cred, makeCred } from '../../src/kernel/cred.js';
import { createProcess } from '../../src/kernel/fork.js';
import type { KernelOptions } from '../../src/kernel/kernel.js';
import { Kernel } from '../../src/kernel/kernel.js';
import { capabilityModule } from '../../src/kernel/lsm/capability.js';
import type { TaskStruct } from '../../src/kernel/task.js';
import type { TaskFiles, TaskFs } from '../../src/kernel/task-files.js';
import { mmap } from '../../src/mm/mmap.js';
import { Core } from '../../src/wasm/core.js';

const core = await Core.create({ memory: 2 ** 26 });

/** A kernel as this library's users get it: capability installed. */
export function makeKernel(options: KernelOptions = {}): Kernel {
  const kernel = new Kernel(core, options);
  kernel.security.install(capabilityModule);
  return kernel;
}

/** Frames in use of the core all kernels of a test file share. */
export function framesInUse(): number {
  return core.exports.framesInUse();
}

/** Ids as one number, or as [real, effective, saved]; filesystem ids follow the effective ones. */
export interface SpawnOptions {
  readonly uid?: number | readonly [number, number, number];
  readonly gid?: number | readonly [number, number, number];
  readonly fsuid?: number;
  readonly fsgid?: number;
  readonly groups?: readonly number[];
  /** Permitted and effective capabilities. */
  readonly caps?: CapSet;
  readonly cred?: Partial<Cred>;
  readonly dumpable?: 0 | 1 | 2;
  readonly parent?: TaskStruct;
  readonly comm?: string;
  readonly files?: TaskFiles;
  readonly fs?: TaskFs;
}

function three(id: number | readonly [number, number, number]): readonly [number, number, number] {
  return typeof id === 'number' ? [id, id, id] : id;
}

/** Credentials by a test's short form; no capabilities unless named or uid 0. */
export function credOf(kernel: Kernel, options: SpawnOptions): Cred {
  const [uid, euid, suid] = three(options.uid ?? 0);
  const [gid, egid, sgid] = three(options.gid ?? uid);
  const base = makeCred(kernel.initUserNs, {
    uid,
    groups: options.groups ?? [],
    ...(options.caps === undefined ? {} : { caps: options.caps }),
  });
  const ids = { uid, euid, suid, gid, egid, sgid };
  const fs = { fsuid: options.fsuid ?? euid, fsgid: options.fsgid ?? egid };
  return new Cred(kernel.initUserNs, { ...base, ...ids, ...fs, ...options.cred });
}

/** A process with credentials, child of pid 1 unless a parent is named. */
export function spawn(kernel: Kernel, options: SpawnOptions = {}): TaskStruct {
  const task = createProcess(kernel, options.parent ?? kernel.init, {
    comm: options.comm ?? 'task',
    cred: credOf(kernel, options),
    ...(options.files === undefined ? {} : { files: options.files }),
    ...(options.fs === undefined ? {} : { fs: options.fs }),
  });
  if (task.mm !== null) task.mm.dumpable = options.dumpable ?? 1;
  return task;
}

/** Maps private anonymous memory at a fixed place. */
export function map(task: TaskStruct, addr: number, length: number, prot: number): void {
  assert.ok(task.mm !== null);
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  mmap(task.mm, { addr, length, prot, flags, offset: 0 });
}

/** What a call comes to: its value, or the name of the error it throws. */
export function outcome<T>(call: () => T): T | string {
  try {
    return call();
  } catch (error) {
    if (error instanceof LinuxError) return error.code;
    throw error;
  }
}

/** The ids of a task, as r,e,s,fs. */
export function uids(task: TaskStruct): string {
  const { uid, euid, suid, fsuid } = task.cred;
  return [uid, euid, suid, fsuid].join();
}

/** The group ids of a task, as r,e,s,fs. */
export function gids(task: TaskStruct): string {
  const { gid, egid, sgid, fsgid } = task.cred;
  return [gid, egid, sgid, fsgid].join();
}

/** The capability sets of a task in hex, as permitted,effective,ambient,inheritable. */
export function caps(task: TaskStruct): string {
  const { capPermitted, capEffective, capAmbient, capInheritable } = task.cred;
  return [capPermitted, capEffective, capAmbient, capInheritable]
    .map((set) => set.toString(16))
    .join();
}

/** Open files that count what happens to them. */
export class FakeFiles implements TaskFiles {
  users = 1;
  released = false;
  cloexec = 0;
  dup(): FakeFiles {
    return new FakeFiles();
  }
  closeOnExec(): void {
    this.cloexec++;
  }
  release(): void {
    this.released = true;
  }
}

/** A root directory that may be changed. */
export class FakeFs implements TaskFs {
  users = 1;
  released = false;
  chrooted = false;
  dup(): FakeFs {
    const copy = new FakeFs();
    copy.chrooted = this.chrooted;
    return copy;
  }
  release(): void {
    this.released = true;
  }
}
