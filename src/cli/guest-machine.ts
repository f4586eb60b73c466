import { readFileSync, realpathSync, statSync } from 'node:fs';
import { basename } from 'node:path';

import type { MachineOptions } from '../api/machine-options.js';
import { PROFILES, type ProfileName } from '../kernel/named-profiles.js';
import type { VirtualClock } from '../kernel/virtual-clock.js';
import { Machine } from '../machine.js';
import { EBUSY } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { hostDirectory, writableHostDirectory } from '../node.js';
import type { HostOwner } from '../vfs/host-directory.js';
import type { Options } from './command.js';
import { InputError, UsageError } from './io.js';
import { nearest } from './parse.js';
import { countOption, parseSize } from './number.js';
import { fileRandom } from './random.js';

/** A machine for a program, and where the program is in it. */
export interface GuestMachine {
  readonly machine: Machine;
  readonly path: string;
}

/** Where a program without a slash is looked for. */
export const GUEST_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** What a shell says of a program that cannot be executed, or is not there. */
export const NOT_EXECUTABLE = 126;
export const NOT_FOUND = 127;

/** The program cannot be started: why, and the status that a shell gives. */
export class NotStarted extends InputError {
  readonly status: typeof NOT_EXECUTABLE | typeof NOT_FOUND;

  constructor(status: typeof NOT_EXECUTABLE | typeof NOT_FOUND, message: string) {
    super(message);
    this.status = status;
  }
}

/**
 * The machine that a command line describes. Without --root it has nothing but the program.
 *
 * @throws {UsageError | InputError} an option that is none; a directory that is not there
 * @throws {NotStarted} there is no such program
 */
export async function makeGuestMachine(
  options: Options,
  program: string,
  clock: VirtualClock | null = null,
): Promise<GuestMachine> {
  const root = options.text('root');
  const machine = await Machine.create({
    ...machineOptions(options, clock),
    random: fileRandom,
    ...(root === null ? {} : { root: hostRoot('--root', root) }),
  });
  const uid = countOption(options, 'uid', 0, 0xfffffffe);
  const owner = { uid, gid: countOption(options, 'gid', uid, 0xfffffffe) };
  for (const text of options.texts('mount')) mountDirectory(machine, text, owner);
  checkCwd(machine, options.text('cwd'), owner);
  if (root !== null) return { machine, path: findProgram(machine, program) };
  const path = `/${basename(program)}`;
  machine.addFile(path, readProgram(program), 0o755);
  return { machine, path };
}

function machineOptions(options: Options, clock: VirtualClock | null): MachineOptions {
  const seed = options.text('seed');
  const profile = options.text('profile');
  const memory = options.text('memory');
  const size = memory === null ? 2 ** 32 : memorySize(memory);
  return {
    now: clock?.now ?? hostClock(),
    ...(seed === null ? {} : { seed: countOption(options, 'seed', 0, Number.MAX_SAFE_INTEGER) }),
    memory: size,
    // A program that looks how much there is finds what it can have.
    profile: { totalRam: size, ...(profile === null ? {} : { base: profileName(profile) }) },
    ...(options.flag('no-mem') ? { procMem: false } : {}),
    ...(options.flag('no-jit') ? { jit: false } : {}),
  };
}

/**
 * Milliseconds since the epoch, with fractions: programs measure microseconds. For `performance` Node loads a dozen
 * modules.
 */
function hostClock(): () => number {
  const { hrtime } = process;
  const monotonic = (): number => {
    const [seconds, ns] = hrtime();
    return seconds * 1e3 + ns / 1e6;
  };
  const origin = Date.now() - monotonic();
  return () => origin + monotonic();
}

function profileName(text: string): ProfileName {
  const names = Object.keys(PROFILES);
  if (Object.hasOwn(PROFILES, text)) return text as ProfileName;
  const near = nearest(text, names);
  const hint = near === null ? `one of ${names.join(', ')}` : `did you mean ${near}?`;
  throw new UsageError(`--profile: no kernel ${JSON.stringify(text)} (${hint})`);
}

function memorySize(text: string): number {
  const size = parseSize(text, '--memory');
  if (size >= 2 ** 21 && size <= 2 ** 32) return size;
  throw new UsageError(`--memory: ${text} is not from 2M to 4G`);
}

function hostRoot(option: string, path: string) {
  try {
    return hostDirectory(path);
  } catch (error) {
    throw new InputError(`${option} ${path}: ${describe(error)}`);
  }
}

/** HOST:GUEST, with :ro behind it for one that is only read. */
function mountDirectory(machine: Machine, text: string, owner: HostOwner): void {
  const match = /^(.+?):(\/[^:]*)(?::(ro|rw))?$/.exec(text);
  if (match === null) throw new UsageError(`--mount ${text}: not HOST:GUEST or HOST:GUEST:ro`);
  const [, host = '', guest = '', way = 'rw'] = match;
  try {
    const directory = way === 'ro' ? hostDirectory(host) : writableHostDirectory(host);
    const at = machine.vfs.makeDirectory(guest);
    // /proc and /dev of the machine, and what another --mount shows, would be hidden.
    if (at.dentry === at.mnt.root) fail(EBUSY);
    machine.mountHost(guest, directory, owner);
  } catch (error) {
    throw new InputError(`--mount ${text}: ${describe(error)}`);
  }
}

function describe(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'there is no such directory';
  return code === 'EBUSY' ? 'something is mounted there already' : message;
}

function checkCwd(machine: Machine, cwd: string | null, owner: HostOwner): void {
  if (cwd === null) return;
  const task = machine.spawn(owner);
  try {
    task.chdir(cwd);
  } catch (error) {
    throw new InputError(`--cwd ${cwd}: ${describe(error)}`);
  } finally {
    task.exit(0);
  }
}

/** The program's path in the machine: itself, or where PATH finds it. */
function findProgram(machine: Machine, program: string): string {
  if (program.includes('/')) return program;
  const task = machine.spawn();
  try {
    for (const dir of GUEST_PATH.split(':')) {
      const path = `${dir}/${program}`;
      if (isProgram(() => task.stat(path).mode)) return path;
    }
  } finally {
    task.exit(0);
  }
  throw new NotStarted(NOT_FOUND, `${program}: there is no such program in the root`);
}

function isProgram(mode: () => number): boolean {
  try {
    return (mode() & 0o170111) > 0o100000;
  } catch {
    return false;
  }
}

function readProgram(path: string): Uint8Array {
  try {
    if (!statSync(path).isFile()) throw new NotStarted(NOT_EXECUTABLE, `${path}: is no file`);
    return readFileSync(realpathSync(path));
  } catch (error) {
    if (error instanceof InputError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new NotStarted(NOT_FOUND, `${path}: there is no such file`);
    throw new NotStarted(NOT_EXECUTABLE, `${path}: ${code ?? message}`);
  }
}
