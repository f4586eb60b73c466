import type { OpenFile } from './core-files.js';
import { completePermissions, openCoreFiles } from './core-files.js';
import type { CoreMapping } from './core-mappings.js';
import type { Core } from './core.js';
import { dumpedBytes } from './core.js';
import type { ByteSource } from './source.js';

/** Largest read answered: nothing that walks stacks or tables needs more at once. */
const MAX_READ = 64 * 1024 * 1024;

/**
 * A core's memory, read straight from the core and the files it names, without a machine.
 *
 * Bytes that are in neither are not readable: they are never taken for zeros.
 */
export class CoreMemory {
  readonly #core: Core;
  readonly #files: ReadonlyMap<string, ByteSource>;

  /** @param open gives the files that the core's mappings name */
  constructor(core: Core, open: OpenFile) {
    this.#files = openCoreFiles(core, open);
    this.#core = completePermissions(core, this.#files);
  }

  /** Exactly `length` bytes at `addr`, or null when not all of them are known. */
  read(addr: number, length: number): Uint8Array | null {
    if (length > MAX_READ) return null;
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length;) {
      const part = this.#readPart(addr + done, length - done);
      if (part === null || part.length === 0) return null;
      bytes.set(part, done);
      done += part.length;
    }
    return bytes;
  }

  /** The mappings as /proc/PID/maps writes them, without device and inode. */
  get maps(): string {
    const hex = (n: number, width: number): string => n.toString(16).padStart(width, '0');
    return this.#core.mappings
      .map(({ start, end, perms, file }) => {
        const range = `${hex(start, 8)}-${hex(end, 8)} ${perms ?? '---'}p`;
        return `${range} ${hex(file?.offset ?? 0, 8)} 00:00 0 ${escaped(file?.path ?? '')}\n`;
      })
      .join('');
  }

  /** As many of the bytes as lie in one mapping and one source. */
  #readPart(addr: number, length: number): Uint8Array | null {
    const mapping = findMapping(this.#core.mappings, addr);
    if (mapping === null) return null;
    const from = addr - mapping.start;
    const inMapping = Math.min(length, mapping.end - addr);
    if (from < mapping.dumped) return dumpedBytes(this.#core, mapping, from, inMapping);
    if (mapping.file === null) return null;
    const file = this.#files.get(mapping.file.path);
    return file === undefined ? null : file.read(mapping.file.offset + from, inMapping);
  }
}

/** As the kernel writes a path into one line (fs/seq_file.c, seq_path()). */
function escaped(path: string): string {
  return path.replaceAll('\n', '\\012');
}

function findMapping(mappings: readonly CoreMapping[], addr: number): CoreMapping | null {
  let low = 0;
  let high = mappings.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((mappings[middle]?.end ?? 0) <= addr) low = middle + 1;
    else high = middle;
  }
  const mapping = mappings[low];
  return mapping !== undefined && mapping.start <= addr ? mapping : null;
}
