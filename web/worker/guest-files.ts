// A machine for a program: one that comes with the page, or the user's, alone or with a root directory.
import crashProgram from '../../examples/guest/crash.gz';
import lookProgram from '../../examples/guest/look.gz';

import { LinuxError, type Machine, type Task } from '../../src/index.js';
import { gunzip } from './file-source.js';
import { createMachine } from './session.js';
import { isTar, readTar, type TarEntry } from './tar.js';

/** What is to be run: an example by name, or files of the user's. */
export type ProgramSource = { readonly example: string } | { readonly file: File };

/** A machine that holds a program. */
export interface ProgramMachine {
  readonly machine: Machine;
  /** The only program there is; null of a root directory. */
  readonly program: string | null;
}

const EXAMPLES: Readonly<Record<string, Uint8Array<ArrayBuffer>>> = {
  crash: crashProgram,
  look: lookProgram,
};
/** Where a program without a slash is looked for. */
export const PROGRAM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const EM_RISCV = 243;
const ET_EXEC = 2;
const ET_DYN = 3;

/**
 * Makes the machine.
 *
 * @param procMem whether processes have `/proc/PID/mem`
 * @throws {TypeError} the file is no program for this machine and no archive, or a damaged one
 */
export async function machineFor(source: ProgramSource, procMem: boolean): Promise<ProgramMachine> {
  const [name, bytes] = await contentsOf(source);
  if (isTar(bytes)) {
    const entries = readTar(name, bytes);
    const machine = await createMachine({ procMem });
    unpack(machine, name, entries);
    return { machine, program: null };
  }
  checkProgram(name, bytes);
  const machine = await createMachine({ procMem });
  machine.addFile(`/${name}`, bytes, 0o755);
  return { machine, program: `/${name}` };
}

async function contentsOf(source: ProgramSource): Promise<[name: string, bytes: Uint8Array]> {
  if ('example' in source) {
    const packed = Object.hasOwn(EXAMPLES, source.example) ? EXAMPLES[source.example] : undefined;
    if (packed === undefined) throw new TypeError(`there is no example '${source.example}'`);
    return [source.example, await gunzip(source.example, new Blob([packed]))];
  }
  const { file } = source;
  if (file.size === 0) throw new TypeError(`${file.name}: the file is empty`);
  const magic = new Uint8Array(await file.slice(0, 2).arrayBuffer());
  if (magic[0] !== 0x1f || magic[1] !== 0x8b) {
    return [file.name, new Uint8Array(await file.arrayBuffer())];
  }
  return [file.name.replace(/\.gz$/, ''), await gunzip(file.name, file)];
}

/** Says what is wrong with a program before Linux says no more than ENOEXEC. */
function checkProgram(name: string, bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 64 || view.getUint32(0) !== 0x7f454c46) {
    throw new TypeError(`${name}: neither a program (ELF) nor a tar archive of a root directory`);
  }
  const type = view.getUint16(16, true);
  if (view.getUint16(18, true) !== EM_RISCV || view.getUint8(4) !== 2) {
    throw new TypeError(`${name}: a program for another processor; this machine is a riscv64`);
  }
  if (type !== ET_EXEC && type !== ET_DYN) {
    throw new TypeError(`${name}: an ELF file, but no program`);
  }
}

/** Puts what an archive holds into a machine, as its root would. */
function unpack(machine: Machine, archive: string, entries: readonly TarEntry[]): void {
  const task = machine.spawn({ comm: 'tar' });
  const scratch = task.mmap({ length: 16384 });
  try {
    for (const entry of entries) {
      try {
        place(machine, task, scratch, entry);
      } catch (error) {
        if (!(error instanceof LinuxError)) throw error;
        throw new TypeError(`${archive}: ${entry.path}: cannot be unpacked (${error.code})`);
      }
    }
  } finally {
    task.exit(0);
  }
}

function place(machine: Machine, task: Task, scratch: bigint, entry: TarEntry): void {
  const { kind, mode, contents } = entry;
  const path = `/${entry.path}`;
  if (kind === 'file') return machine.addFile(path, contents, mode);
  const target = kind === 'hardlink' ? `/${entry.target}` : entry.target;
  const strings = [target, path].map((each) => new TextEncoder().encode(`${each}\0`));
  const [first = scratch, second = scratch] = [scratch, scratch + 8192n];
  task.store(first, strings[0] ?? contents);
  task.store(second, strings[1] ?? contents);
  if (kind === 'directory') {
    makeDirectory(task, path);
    check('chmod', task.syscall('chmod', second, mode));
    return;
  }
  const slash = path.lastIndexOf('/');
  if (slash > 0) makeDirectory(task, path.slice(0, slash));
  const call = kind === 'symlink' ? 'symlink' : 'link';
  check(call, task.syscall(call, first, second));
}

/** With all above it; one that is there stays. */
function makeDirectory(task: Task, path: string): void {
  try {
    task.mkdir(path, 0o755);
  } catch (error) {
    if (!(error instanceof LinuxError)) throw error;
    if (error.code === 'EEXIST') return;
    if (error.code !== 'ENOENT') throw error;
    makeDirectory(task, path.slice(0, path.lastIndexOf('/')));
    task.mkdir(path, 0o755);
  }
}

function check(call: string, result: number | bigint): void {
  if (Number(result) < 0) throw new LinuxError(-Number(result), call);
}

/**
 * The path of what a command names: itself with a slash, else where PATH leads.
 *
 * @throws {TypeError} there is no such program
 */
export function findProgram({ machine, program }: ProgramMachine, name: string): string {
  if (program !== null && (name === program || `/${name}` === program)) return program;
  if (name.includes('/')) return name;
  const task = machine.spawn({ comm: 'which' });
  try {
    for (const dir of PROGRAM_PATH.split(':')) {
      if (isFile(task, `${dir}/${name}`)) return `${dir}/${name}`;
    }
  } finally {
    task.exit(0);
  }
  const there = program === null ? 'in its PATH' : `; there is ${program.slice(1)}`;
  throw new TypeError(`${name}: no such program ${there}`.replace(' ;', ';'));
}

function isFile(task: Task, path: string): boolean {
  try {
    return (task.stat(path).mode & 0o170000) === 0o100000;
  } catch {
    return false;
  }
}
