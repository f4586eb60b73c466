import {
  type ByteSource,
  demangle,
  FunctionNames,
  LinuxError,
  type MapsLine,
  type OpenFile,
  parseMaps,
  type Task,
} from '../../src/index.js';
import type { Session } from './session.js';

/**
 * The memory and the files of a process as an unwinder needs them, read by the explorer through
 * /proc/PID/mem and maps. Good for one moment: processOf() makes another after a change.
 */
export class ProcessView {
  readonly maps: readonly MapsLine[];
  readonly #session: Session;
  readonly #mem: OpenFile | null;
  readonly #files = new Map<
    string,
    { readonly file: OpenFile; readonly source: ByteSource } | null
  >();
  readonly #names: FunctionNames;

  /** @throws {LinuxError} the explorer may not open mem or maps: EACCES under Yama 3, for one */
  constructor(session: Session, task: Task) {
    this.#session = session;
    const { viewer } = session;
    const own = `/proc/${task.pid}`;
    this.maps = task.exited ? [] : parseMaps(viewer.readText(`${own}/maps`));
    this.#mem = task.exited ? null : viewer.open(`${own}/mem`);
    this.#names = new FunctionNames({ read: this.read, maps: this.maps, open: this.open });
  }

  /** Exactly `length` bytes at `addr`, or null when not all can be read. */
  readonly read = (addr: number, length: number): Uint8Array | null => {
    const bytes = new Uint8Array(length);
    return this.readInto(addr, bytes) < length ? null : bytes;
  };

  /** Fills `bytes` as far as memory reaches. @returns how many bytes it got */
  readInto(addr: number, bytes: Uint8Array): number {
    // [vsyscall] lies where no number is exact, and nobody reads it.
    if (this.#mem === null || bytes.length === 0 || !Number.isSafeInteger(addr)) return 0;
    try {
      return this.#mem.pread(bytes, addr);
    } catch (error) {
      if (error instanceof LinuxError) return 0;
      throw error;
    }
  }

  /** Opens a file that maps names; null for one that is not there. */
  readonly open = (path: string): ByteSource | null => {
    let known = this.#files.get(path);
    if (known === undefined) {
      known = this.#openFile(path);
      this.#files.set(path, known);
    }
    return known?.source ?? null;
  };

  /** The mapping that holds an address; null where nothing is mapped. */
  lineOf(addr: number): MapsLine | null {
    let low = 0;
    let high = this.maps.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.maps[middle]?.end ?? 0) <= addr) low = middle + 1;
      else high = middle;
    }
    const line = this.maps[low];
    return line !== undefined && line.start <= addr ? line : null;
  }

  /** The function that holds an address, readable; null when nothing is known. */
  nameOf(pc: bigint): string | null {
    const name = this.#names.nameOf(pc);
    return name === null ? null : demangle(name);
  }

  /** Where a function or variable lies, by its name with or without parameters; null for none. */
  addressOf(name: string): bigint | null {
    const fits = (linked: string): boolean => {
      if (linked === name) return true;
      return linked.startsWith('_Z') && demangle(linked).replace(/\(.*$/, '') === name;
    };
    return this.#names.addressOf(fits);
  }

  /** Closes what it has open. */
  close(): void {
    this.#mem?.close();
    for (const known of this.#files.values()) known?.file.close();
    this.#files.clear();
  }

  #openFile(path: string): { file: OpenFile; source: ByteSource } | null {
    if (!path.startsWith('/')) return null;
    try {
      const file = this.#session.viewer.open(path);
      const read = (offset: number, length: number): Uint8Array => {
        const bytes = new Uint8Array(length);
        return bytes.subarray(0, file.pread(bytes, offset));
      };
      return { file, source: { name: path, size: Number(file.stat().size), read } };
    } catch (error) {
      if (error instanceof LinuxError) return null;
      throw error;
    }
  }
}

interface Kept {
  readonly view: ProcessView;
  readonly generation: number;
}

/** The view of a task's process, made anew after each change of the machine. */
export function processOf(session: Session, task: Task): ProcessView {
  const views = session.keep('process', () => new Map<number, Kept>());
  const known = views.get(task.pid);
  if (known?.generation === session.generation) return known.view;
  known?.view.close();
  views.delete(task.pid);
  const view = new ProcessView(session, task);
  views.set(task.pid, { view, generation: session.generation });
  return view;
}
