import type { CapSet } from '../kernel/capability.js';
import type { ProfileName } from '../kernel/named-profiles.js';
import type { SecurityModule } from '../kernel/security.js';
import type { HostDirectory, HostOwner } from '../vfs/host-directory.js';
import type { WasmSource } from '../wasm/module.js';
import {
  arrayArgument,
  booleanArgument,
  functionArgument,
  intArgument,
  nameArgument,
  objectArgument,
  oneOf,
  shown,
  stringArgument,
} from './arguments.js';
import { type ProfileOptions, resolveProfile } from './profile-option.js';
import type { Task } from './task.js';

/** How a machine is built. Everything has a default: Linux 6.18 as a plain distribution sets it up. */
export interface MachineOptions {
  /**
   * Most bytes of guest memory, page tables included: 2 MiB to 4 GiB (default 4 GiB). The RAM that the kernel
   * says it has, and counts with when memory is promised, is the profile's `totalRam`.
   */
  readonly memory?: number;
  /** The wasm module, where it is not beside the library's files. */
  readonly wasm?: WasmSource;
  /**
   * Which kernel it is: a name (default `linux-6.18`), or single rules, such as `forceOverride`, over the
   * kernel named `base`.
   */
  readonly profile?: ProfileName | ProfileOptions;
  /**
   * Installs the security module Yama with this kernel.yama.ptrace_scope (default: as the profile says,
   * and of those with a name none has Yama).
   */
  readonly yama?: 0 | 1 | 2 | 3;
  /** More security modules, asked after `capability`, Landlock and Yama. */
  readonly security?: readonly SecurityModule[];
  /** Settings by their sysctl(8) names, such as `fs.suid_dumpable`. */
  readonly sysctl?: Readonly<Record<string, number>>;
  /** The mount option of /proc that hides other users' processes (default 0). */
  readonly hidepid?: 0 | 1 | 2 | 4;
  /** The group that `hidepid` does not hide from (default 0). */
  readonly procGid?: number;
  /**
   * Whether /proc/PID has `mem` (default true). Without it the machine is like a sandbox that lacks
   * the file, as gVisor did until 2025: opening it is ENOENT.
   */
  readonly procMem?: boolean;
  /**
   * A directory of the host that the tree begins with; see hostDirectory() of `procmem/node`. Its files are
   * read when they are used; what is written stays in the machine.
   */
  readonly root?: HostDirectory;
  /**
   * Whether code that runs often on a CPU is compiled to wasm (default true). Programs do the same either way, at the
   * same instruction; where the engine refuses to compile, as a page's policy may have it, all is interpreted.
   */
  readonly jit?: boolean;
  /** The clock: milliseconds since the epoch (default: the host's). */
  readonly now?: () => number;
  /**
   * Fills an array of at most 65,536 bytes with the random ones that programs are given (default: the host's
   * `crypto.getRandomValues`).
   */
  readonly random?: (bytes: Uint8Array) => void;
  /**
   * Where the random bytes of programs begin, 0 to 2^53 - 1: the same ones every time, and so no secret; takes the
   * place of `random`.
   */
  readonly seed?: number;
}

/** Who a new process is. */
export interface SpawnTaskOptions {
  /** Its name, at most 15 bytes (default: the program's, or `task`). */
  readonly comm?: string;
  /** All four user ids (default 0). */
  readonly uid?: number;
  /** All four group ids (default: the uid). */
  readonly gid?: number;
  /** Supplementary groups (default none). */
  readonly groups?: readonly number[];
  /** Permitted and effective capabilities (default: all for uid 0, else none). */
  readonly caps?: CapSet;
  /** Bounding set (default all). */
  readonly bset?: CapSet;
  /** Who waits for it (default: pid 1, which reaps it at once). */
  readonly parent?: Task;
  /** Its arguments; with them it gets a stack that holds them, else its memory is empty. */
  readonly argv?: readonly string[];
  /** Its environment, as NAME=value; only with `argv`. */
  readonly env?: readonly string[];
}

/** How much of a machine is in use. */
export interface MachineStats {
  /** Frames of 4096 bytes: pages, page tables and bookkeeping. */
  readonly framesInUse: number;
  /** Frames that only checkpoints need: former contents of pages, and what has been freed since. */
  readonly checkpointFrames: number;
  /** Bytes of linear memory now, and at most. */
  readonly memoryBytes: number;
  readonly memoryLimit: number;
  /** Threads, zombies included. */
  readonly tasks: number;
  /** Pages of code that are compiled to wasm now; null where everything is interpreted. */
  readonly compiledPages: number | null;
}

const WASM_TAGS = ['ArrayBuffer', 'SharedArrayBuffer', 'WebAssembly.Module'];

/**
 * Looks at every option of a machine.
 *
 * @throws {TypeError | RangeError} one of the wrong type or out of its range
 */
export function checkMachineOptions(options: MachineOptions): void {
  objectArgument('options', options);
  const { memory, wasm, profile, yama, security, sysctl, hidepid, procGid, procMem } = options;
  const { now, random, root, seed, jit } = options;
  if (memory !== undefined) intArgument('memory', memory, 2 ** 21, 2 ** 32);
  if (wasm !== undefined) checkWasm(wasm);
  if (profile !== undefined) resolveProfile(profile);
  if (yama !== undefined) oneOf('yama', yama, [0, 1, 2, 3]);
  if (security !== undefined) checkSecurity(security);
  if (sysctl !== undefined) checkSettings(sysctl);
  if (hidepid !== undefined) oneOf('hidepid', hidepid, [0, 1, 2, 4]);
  if (procGid !== undefined) intArgument('procGid', procGid, 0, 0xfffffffe);
  if (procMem !== undefined) booleanArgument('procMem', procMem);
  if (jit !== undefined) booleanArgument('jit', jit);
  if (root !== undefined) hostArgument('root', root);
  if (now !== undefined) functionArgument('now', now);
  if (random !== undefined) functionArgument('random', random);
  if (seed !== undefined) intArgument('seed', seed, 0, Number.MAX_SAFE_INTEGER);
}

/** Where a machine has its time and its random bytes from, as far as the options say. */
export function sourcesOf(
  options: MachineOptions,
): Pick<MachineOptions, 'now' | 'random' | 'seed'> {
  const { now, random, seed } = options;
  return {
    ...(now !== undefined && { now }),
    ...(random !== undefined && { random }),
    ...(seed !== undefined && { seed }),
  };
}

/** A directory of the host, as far as one can tell: it has the methods. @throws {TypeError} it has not */
function hostArgument(name: string, directory: HostDirectory): void {
  objectArgument(name, directory);
  for (const method of ['lstat', 'readdir', 'readlink', 'read'] as const) {
    functionArgument(`${name}.${method}`, directory[method]);
  }
}

/**
 * Looks at what Machine.mountHost() is given.
 *
 * @returns the path
 * @throws {TypeError | RangeError} no path, one that is not absolute; no directory; no owner
 */
export function mountArguments(
  path: string | Uint8Array,
  directory: HostDirectory,
  owner?: HostOwner,
): string {
  const name = nameArgument('path', path);
  if (!name.startsWith('/')) throw new RangeError(`path: ${shown(name)} is not absolute`);
  hostArgument('directory', directory);
  if (owner !== undefined) {
    const { uid, gid } = objectArgument('owner', owner);
    intArgument('owner.uid', uid, 0, 0xfffffffe);
    intArgument('owner.gid', gid, 0, 0xfffffffe);
  }
  return name;
}

/** By their tags, as test runners and frames have classes of their own. */
function checkWasm(wasm: WasmSource): void {
  const tag = Object.prototype.toString.call(wasm).slice('[object '.length, -1);
  if (ArrayBuffer.isView(wasm) || WASM_TAGS.includes(tag)) return;
  throw new TypeError('wasm: neither bytes nor a WebAssembly.Module');
}

function checkSecurity(security: readonly SecurityModule[]): void {
  for (const module of arrayArgument('security', security)) {
    stringArgument('security: name', objectArgument('security', module).name);
  }
}

/** Which values a setting accepts is the kernel's to say. */
function checkSettings(sysctl: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(objectArgument('sysctl', sysctl))) {
    if (typeof value !== 'number') throw new TypeError(`sysctl: ${name} is not a number`);
  }
}
