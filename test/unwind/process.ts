// The example crash as a process whose files can be opened, without a machine.
import { readCore } from '../../src/elf/core.js';
import { CoreMemory } from '../../src/elf/core-memory.js';
import type { ByteSource } from '../../src/elf/source.js';
import { BytesSource } from '../../src/elf/source.js';
import { parseMaps } from '../../src/unwind/maps.js';
import { registersFromUser } from '../../src/unwind/registers.js';
import type { OpenedFile } from '../../src/unwind/symbolize.js';
import type { StackTrace } from '../../src/unwind/unwind.js';
import { unwind } from '../../src/unwind/unwind.js';
import { exampleCore, exampleExecutable } from '../elf/example.js';

/** What a process's files are asked for. */
export interface Counts {
  opens: string[];
  reads: number;
}

export class ExampleProcess {
  readonly core = readCore(exampleCore());
  readonly memory = new CoreMemory(this.core, (path) => this.file(path));
  readonly counts: Counts = { opens: [], reads: 0 };
  /** Paths that cannot be opened. */
  readonly missing = new Set<string>();

  file(path: string): ByteSource | null {
    return path === '/tmp/crash/thumbnail' ? exampleExecutable() : null;
  }

  trace(thread: number): StackTrace {
    const regs = this.core.threads[thread]?.regs ?? new Uint8Array(216);
    const read = (addr: number, length: number) => this.memory.read(addr, length);
    return unwind(registersFromUser(regs), { read, maps: parseMaps(this.memory.maps) });
  }

  readonly open = (path: string): OpenedFile | null => {
    this.counts.opens.push(path);
    if (this.missing.has(path)) return null;
    const source = this.#source(path);
    if (source === null) return null;
    const read = (offset: number, length: number): Uint8Array => {
      this.counts.reads++;
      return source.read(offset, length);
    };
    return { name: path, size: source.size, read, close: () => {} };
  };

  #source(path: string): ByteSource | null {
    if (path === '/proc/self/maps') {
      return new BytesSource(path, new TextEncoder().encode(this.memory.maps));
    }
    if (path !== '/proc/self/mem') return this.file(path);
    const read = (offset: number, length: number): Uint8Array =>
      this.memory.read(offset, length) ?? new Uint8Array(0);
    return { name: path, size: 0, read };
  }
}
