import type { Task } from '../api/task.js';
import { registersOf } from '../api/hart-registers.js';
import type { OpenFile } from '../api/open-file.js';
import { LinuxError } from '../errno.js';
import type { MapsLine } from '../unwind/maps.js';
import { findLine, parseMaps } from '../unwind/maps.js';
import type { Loaded } from './input.js';

/** The memory of a loaded process as root sees it: /proc/PID/maps, and reads of /proc/PID/mem. */
export class ProcessView {
  readonly maps: readonly MapsLine[];
  /** The text of /proc/PID/maps. */
  readonly mapsText: string;
  /** The general registers of the first thread, as its core has them. */
  readonly regs: Uint8Array;
  readonly #mem: OpenFile;
  readonly #root: Task;

  constructor({ machine, task }: Loaded) {
    const root = machine.spawn({ comm: 'procmem', uid: 0 });
    this.#root = root;
    this.mapsText = root.readText(`/proc/${task.pid}/maps`);
    this.maps = parseMaps(this.mapsText);
    this.regs = registersOf(task.struct, 'general') ?? new Uint8Array(27 * 8);
    this.#mem = root.open(`/proc/${task.pid}/mem`, 'r+');
  }

  /** Writes as much of `bytes` as can be written. @throws {LinuxError} EIO: none of it */
  write(addr: number, bytes: Uint8Array): number {
    return this.#mem.pwrite(bytes, addr);
  }

  /** Looks no longer: who looked leaves the machine. */
  close(): void {
    this.#root.exit();
  }

  /** Fills `into` from `addr`; returns how many bytes there were before one that is not readable. */
  read(addr: number, into: Uint8Array): number {
    let done = 0;
    try {
      while (done < into.length) {
        const n = this.#mem.pread(into.subarray(done), addr + done);
        if (n === 0) break;
        done += n;
      }
    } catch (error) {
      if (!(error instanceof LinuxError)) throw error;
    }
    return done;
  }

  /** Why nothing can be read at an address. */
  whyUnreadable(addr: number): string {
    const line = findLine(this.maps, addr);
    if (line === null) return 'nothing is mapped there';
    if (line.path.startsWith('[vvar')) return 'Linux lets nobody read [vvar]';
    const from = line.path === '' ? '' : `, and ${line.path} is not to be had`;
    return `the core does not have it${from}`;
  }
}
