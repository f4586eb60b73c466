import { LinuxError, type OpenFile } from '../../src/index.js';
import { findPlace } from './jump.js';
import type { MemoryOf } from './maps.js';
import { processOf } from './process.js';
import type { Session } from './session.js';

const PAGE = 4096;
/** Most bytes read by one call. */
const MAX_READ = 1024 * 1024;

/** Bytes as /proc/PID/mem gives them. */
export interface MemoryBytes {
  readonly bytes: Uint8Array;
  /** The error of each page, such as EIO; empty where it was read. */
  readonly errors: readonly string[];
}

/** What was written, and what was there before. */
export interface Written {
  readonly before: Uint8Array;
  readonly after: Uint8Array;
}

/** What a value would point to. */
export interface Pointed {
  /** Path of the mapping, or its kind; null where nothing is mapped. */
  readonly mapping: string | null;
  readonly perms: string;
  /** The function or variable there; null where none is known. */
  readonly symbol: string | null;
}

/** Reading and writing through /proc/PID/mem, as a task of the machine. */
export const memoryHandlers = {
  /** Reads whole pages; `start` is a multiple of the page. */
  'memory.read': (
    session: Session,
    args: MemoryOf & { readonly start: number; readonly length: number },
  ): MemoryBytes => {
    const bytes = new Uint8Array(Math.min(args.length, MAX_READ));
    const mem = session.caller(args.as).open(`/proc/${session.task(args.task).tid}/mem`);
    try {
      return { bytes, errors: readPages(mem, args.start, bytes) };
    } finally {
      mem.close();
    }
  },

  /** @throws {LinuxError} EACCES: may not; EIO: nothing writable there */
  'memory.write': (
    session: Session,
    args: MemoryOf & { readonly addr: number; readonly bytes: Uint8Array },
  ): Written => writeMemory(session, args),

  /** The address that a text names. @throws {TypeError} it names none */
  'memory.find': (
    session: Session,
    args: { readonly task: number; readonly text: string },
  ): number => findPlace(session, args.task, args.text),

  /** @param value in decimal */
  'memory.pointed': (
    session: Session,
    { task, value: text }: { readonly task: number; readonly value: string },
  ): Pointed => {
    const value = BigInt(text);
    if (value >= 1n << 47n) return { mapping: null, perms: '', symbol: null };
    const view = processOf(session, session.task(task));
    const line = view.lineOf(Number(value));
    if (line === null) return { mapping: null, perms: '', symbol: null };
    return { mapping: line.path || 'anonymous', perms: line.perms, symbol: view.nameOf(value) };
  },
};

/** A read stops at the first page that is not to be had: it goes on behind that one. */
function readPages(mem: OpenFile, start: number, bytes: Uint8Array): readonly string[] {
  const errors: string[] = Array.from({ length: Math.ceil(bytes.length / PAGE) }, () => '');
  for (let at = 0; at < bytes.length;) {
    let why = 'EIO';
    try {
      const n = mem.pread(bytes.subarray(at), start + at);
      at += n;
      if (n > 0) continue;
    } catch (error) {
      if (!(error instanceof LinuxError)) throw error;
      why = error.code;
    }
    errors[Math.floor(at / PAGE)] = why;
    at = at - (at % PAGE) + PAGE;
  }
  return errors;
}

function writeMemory(
  session: Session,
  { task, as, addr, bytes }: MemoryOf & { readonly addr: number; readonly bytes: Uint8Array },
): Written {
  const mem = session.caller(as).open(`/proc/${session.task(task).tid}/mem`, 'r+');
  const before = new Uint8Array(bytes.length);
  try {
    const known = mem.pread(before, addr);
    const written = mem.pwrite(bytes, addr);
    session.generation++;
    const count = Math.min(known, written);
    return { before: before.slice(0, count), after: bytes.slice(0, count) };
  } finally {
    mem.close();
  }
}
