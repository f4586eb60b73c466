import {
  BytesSource,
  type ByteSource,
  coreSignal,
  type OpenCoreFile,
  readCore,
} from '../../src/index.js';
import type { Call } from './call.js';
import { makeDemo } from './demos.js';
import { FileSource, gunzip } from './file-source.js';
import { createMachine, restoreMachine, type Session, type SessionInfo } from './session.js';

const SNAPSHOT_MAGIC = [0x89, 0x50, 0x4d, 0x53, 0x4e, 0x41, 0x50, 0x0a];
const ELF_MAGIC = [0x7f, 0x45, 0x4c, 0x46];
const GZIP_MAGIC = [0x1f, 0x8b];
const ET_CORE = 4;

/** What a file is, by its first bytes. */
type Kind = 'core' | 'object' | 'snapshot' | 'other';

/** Opening what the page looks at. */
export const openHandlers = {
  'open.files': async (
    session: Session,
    { files }: { readonly files: readonly File[] },
    _call: Call,
  ): Promise<SessionInfo> => openFiles(session, files),
  'open.demo': async (
    session: Session,
    { name }: { readonly name: string },
    _call: Call,
  ): Promise<SessionInfo> => session.show(await makeDemo(name)),
};

/** A core or a snapshot, with the files it names beside it in any order. */
async function openFiles(session: Session, files: readonly File[]): Promise<SessionInfo> {
  const sources: ByteSource[] = [];
  for (const file of files) sources.push(await sourceOf(file));
  const kinds = sources.map(kindOf);
  const main = sources.filter((_, i) => kinds[i] === 'core' || kinds[i] === 'snapshot');
  const [first] = main;
  if (first === undefined) throw new TypeError(nothingToOpen(sources, kinds));
  if (main.length > 1) {
    throw new TypeError(`one core or snapshot at a time, please: ${main.map(nameOf).join(', ')}`);
  }
  const others = sources.filter((source) => source !== first);
  return kindOf(first) === 'core'
    ? openCore(session, first, others)
    : openSnapshot(session, first, others);
}

async function sourceOf(file: File): Promise<ByteSource> {
  const plain = new FileSource(file.name, file);
  if (!startsWith(plain, GZIP_MAGIC)) return plain;
  return new BytesSource(file.name, await gunzip(file.name, file));
}

function nameOf({ name }: ByteSource): string {
  return name;
}

function startsWith(source: ByteSource, magic: readonly number[]): boolean {
  const bytes = source.read(0, magic.length);
  return bytes.length === magic.length && magic.every((byte, i) => bytes[i] === byte);
}

/** ELF files differ by e_type at offset 16. */
function kindOf(source: ByteSource): Kind {
  if (startsWith(source, SNAPSHOT_MAGIC)) return 'snapshot';
  if (!startsWith(source, ELF_MAGIC)) return 'other';
  const type = source.read(16, 1)[0];
  return type === ET_CORE || type === undefined ? 'core' : 'object';
}

function nothingToOpen(sources: readonly ByteSource[], kinds: readonly Kind[]): string {
  const [source] = sources;
  if (source === undefined) return 'no file was given';
  if (source.size === 0) return `${source.name}: the file is empty`;
  if (kinds[0] === 'object') {
    return `${source.name}: this is an executable or a library, not a core; drop the core with it`;
  }
  const bytes = [...source.read(0, 8)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  return `${source.name}: neither a core nor a snapshot; it begins with ${bytes}`;
}

/** The files beside a core are found by the last part of the paths that it names. */
function openerOf(others: readonly ByteSource[]): OpenCoreFile {
  const byName = new Map(others.map((source) => [baseName(source.name), source]));
  return (path) => byName.get(baseName(path)) ?? null;
}

function baseName(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return name.endsWith('.gz') ? name.slice(0, -3) : name;
}

async function openCore(
  session: Session,
  source: ByteSource,
  others: readonly ByteSource[],
): Promise<SessionInfo> {
  const core = readCore(source);
  const open = openerOf(others);
  const machine = await createMachine();
  const process = machine.loadCore(core, { open });
  const [task] = process.threads;
  if (task === undefined) throw new TypeError(`${source.name}: no thread is described`);
  const { found, missing } = process;
  const signal = coreSignal(core);
  const end = signal === null ? 'was copied while it ran' : `ended by signal ${signal.number}`;
  const about = `${core.process.comm}, process ${core.process.pid}, ${core.machine.name}, ${end}`;
  const info = {
    kind: 'core',
    label: source.name,
    firstTask: task.tid,
    found,
    missing,
    about,
  } as const;
  return session.show({ info, machine, core, process, open });
}

async function openSnapshot(
  session: Session,
  source: ByteSource,
  others: readonly ByteSource[],
): Promise<SessionInfo> {
  const sources = Object.fromEntries(others.map((each) => [each.name, each]));
  const machine = await restoreMachine(source, { sources });
  const tasks = machine.tasks().filter(({ pid, exited }) => pid !== 1 && !exited);
  const firstTask = tasks[0]?.tid ?? 1;
  const about = `a machine with ${tasks.length} ${tasks.length === 1 ? 'task' : 'tasks'}`;
  const info = {
    kind: 'snapshot',
    label: source.name,
    firstTask,
    found: [],
    missing: [],
    about,
  } as const;
  return session.show({ info, machine, core: null, process: null, open: () => null });
}
