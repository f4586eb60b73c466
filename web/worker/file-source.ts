import { type ByteSource, ElfError } from '../../src/index.js';

/** Bytes read from the file at a time, around what is asked for. */
const BLOCK = 256 * 1024;
/** Blocks kept: 16 MiB. */
const KEPT = 64;

/**
 * A file of the user's, read where it is asked for: never as a whole, and never sent anywhere.
 *
 * Reads wait for the disk, which only a worker may do.
 */
export class FileSource implements ByteSource {
  readonly name: string;
  readonly size: number;
  readonly #file: Blob;
  /** The least recently used block comes first. */
  readonly #blocks = new Map<number, Uint8Array>();

  constructor(name: string, file: Blob) {
    this.name = name;
    this.size = file.size;
    this.#file = file;
  }

  /** @throws {ElfError} the browser cannot read there: the file changed or is gone */
  read(offset: number, length: number): Uint8Array {
    const end = Math.min(this.size, offset + length);
    if (offset >= end) return new Uint8Array(0);
    if (end - offset > BLOCK) return this.#slice(offset, end);
    const first = this.#block(Math.floor(offset / BLOCK));
    const from = offset % BLOCK;
    if (from + (end - offset) <= first.length) return first.subarray(from, from + end - offset);
    const bytes = new Uint8Array(end - offset);
    bytes.set(first.subarray(from));
    const rest = bytes.length - (first.length - from);
    bytes.set(this.#block(Math.floor(end / BLOCK)).subarray(0, rest), first.length - from);
    return bytes;
  }

  #block(index: number): Uint8Array {
    const known = this.#blocks.get(index);
    if (known !== undefined) {
      this.#blocks.delete(index);
      this.#blocks.set(index, known);
      return known;
    }
    const bytes = this.#slice(index * BLOCK, Math.min(this.size, (index + 1) * BLOCK));
    this.#blocks.set(index, bytes);
    const [oldest] = this.#blocks.keys();
    if (this.#blocks.size > KEPT && oldest !== undefined) this.#blocks.delete(oldest);
    return bytes;
  }

  #slice(start: number, end: number): Uint8Array {
    try {
      return new Uint8Array(new FileReaderSync().readAsArrayBuffer(this.#file.slice(start, end)));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new ElfError(this.name, start, `the browser cannot read the file there (${why})`);
    }
  }
}

/** Largest file unpacked: a gzip of a megabyte can claim a gigabyte. */
const MAX_UNPACKED = 1024 * 1024 * 1024;

/**
 * The contents of a gzipped file.
 *
 * @throws {TypeError} it is no gzip, is cut short, or is larger than 1 GiB when unpacked
 */
export async function gunzip(name: string, packed: Blob): Promise<Uint8Array> {
  const reader = packed.stream().pipeThrough(new DecompressionStream('gzip')).getReader();
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      parts.push(part.value);
      size += part.value.length;
      if (size > MAX_UNPACKED) break;
    }
  } catch {
    throw new TypeError(`${name}: the gzip file is damaged or cut short`);
  }
  if (size > MAX_UNPACKED) {
    await reader.cancel();
    throw new TypeError(
      `${name}: it unpacks to more than 1 GiB; unpack it yourself, and open that`,
    );
  }
  return new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer());
}
