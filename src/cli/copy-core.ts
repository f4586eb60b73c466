import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

import type { ByteSource } from '../elf/source.js';
import { FileSource } from './file-source.js';
import type { PlacedBytes } from './output-file.js';

/** Bytes copied at a time: pages of wasm, whose memory begins on a page. */
const CHUNK_PAGES = 16;
const CHUNK = CHUNK_PAGES * 65536;
/** Bytes of a hole, at least. */
const BLOCK = 65536;
const ZEROS = new Uint8Array(BLOCK);
/** Unit of st_blocks. */
const SECTOR = 512;

/**
 * Copies a core. Blocks of zeros become holes, as they were in the core of a large process.
 *
 * @throws {ElfError} it cannot be read
 */
export function copyCore(source: ByteSource, put: (placed: PlacedBytes) => void): void {
  const read = chunkReader(source);
  try {
    for (let at = 0; at < source.size; at += CHUNK) putData(read.chunk(at), at, put);
  } finally {
    read.close();
  }
}

function putData(chunk: Uint8Array, at: number, put: (placed: PlacedBytes) => void): void {
  let from = 0;
  const putBefore = (to: number): void => {
    if (from < to) put({ offset: at + from, bytes: chunk.subarray(from, to) });
  };
  for (let block = 0; block < chunk.length; block += BLOCK) {
    if (!isZeros(chunk.subarray(block, block + BLOCK))) continue;
    putBefore(block);
    from = block + BLOCK;
  }
  putBefore(chunk.length);
}

function isZeros(bytes: Uint8Array): boolean {
  return Buffer.compare(bytes, ZEROS.subarray(0, bytes.length)) === 0;
}

interface ChunkReader {
  /** The bytes at a multiple of CHUNK, which are overwritten by the next. */
  chunk(at: number): Uint8Array;
  close(): void;
}

function chunkReader(source: ByteSource): ChunkReader {
  if (!(source instanceof FileSource)) {
    return { chunk: (at) => source.read(at, CHUNK), close() {} };
  }
  // New memory for each chunk takes longer than its copy; O_DIRECT wants whole pages.
  const buffer = new Uint8Array(new WebAssembly.Memory({ initial: CHUNK_PAGES }).buffer);
  const buffered = (at: number): Uint8Array => buffer.subarray(0, source.readInto(buffer, at));
  let fd = openDirect(source.name);
  return {
    chunk(at) {
      if (fd === null) return buffered(at);
      const wanted = Math.min(CHUNK, source.size - at);
      const n = readDirect(fd, buffer, at);
      return n === wanted ? buffer.subarray(0, n) : buffered(at);
    },
    close() {
      if (fd !== null) closeSync(fd);
      fd = null;
    },
  };
}

/**
 * A file of holes, past the page cache: the kernel would make gigabytes of pages of zeros there, which takes most of
 * the time of the copy (Node has no SEEK_DATA). Null where the file has few holes, or cannot be had so.
 */
function openDirect(path: string): number | null {
  if (constants.O_DIRECT === undefined) return null;
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECT);
    const { blocks, size } = fstatSync(fd);
    if (blocks * SECTOR < size / 2) return fd;
    closeSync(fd);
  } catch {
    // A file system that knows no O_DIRECT.
  }
  return null;
}

/** Bytes read; 0 where it does not go. */
function readDirect(fd: number, buffer: Uint8Array, at: number): number {
  try {
    return readSync(fd, buffer, 0, buffer.length, at);
  } catch {
    return 0;
  }
}
