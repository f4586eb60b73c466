import { CHUNK, type FileDescriptor } from './files.js';

/** A part of an open file; of mem a range of addresses. */
export interface ByteRange {
  /** The first byte. */
  readonly start: number | bigint;
  /** The byte behind the last (default: as far as it can be read). */
  readonly end?: number | bigint;
  /** Bytes of a chunk, at most (default 64 KiB). */
  readonly chunkSize?: number;
}

/**
 * The bytes of a range, a chunk at a time, each an array of its own; for Node's Readable.from() too.
 * It ends early where the file does.
 *
 * @throws {LinuxError} what the file's pread gives, EIO in a hole of mem
 */
export async function* readChunks(
  file: FileDescriptor,
  range: ByteRange,
): AsyncGenerator<Uint8Array, void, void> {
  const reader = new RangeReader(file, range);
  while (reader.left > 0n) {
    const chunk = new Uint8Array(Math.min(reader.chunkSize, Number(reader.left)));
    const count = reader.read(chunk);
    if (count === 0) return;
    yield chunk.subarray(0, count);
  }
}

/**
 * The bytes of a range as a web stream of type `bytes`: a BYOB reader gets them without a copy. An
 * error of the file is the stream's.
 */
export function readableStream(file: FileDescriptor, range: ByteRange): ReadableStream<Uint8Array> {
  const reader = new RangeReader(file, range);
  return new ReadableStream({
    type: 'bytes',
    pull(controller) {
      const request = controller.byobRequest;
      const view = request?.view ?? new Uint8Array(reader.chunkSize);
      const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
      const count = reader.read(bytes);
      if (count === 0) {
        controller.close();
        // A request that waits is answered with nothing.
        request?.respond(0);
      } else if (request != null) request.respond(count);
      else controller.enqueue(bytes.subarray(0, count));
    },
  });
}

/** A web stream that writes what it gets, from `start` on. An error of the file is the stream's. */
export function writableStream(
  file: FileDescriptor,
  start: number | bigint,
): WritableStream<Uint8Array> {
  let at = BigInt(start);
  return new WritableStream({
    write(chunk) {
      for (let done = 0; done < chunk.length;) {
        const count = file.pwrite(chunk.subarray(done), at);
        done += count;
        at += BigInt(count);
      }
    },
  });
}

/** How far a range is read. */
class RangeReader {
  readonly chunkSize: number;
  readonly #file: FileDescriptor;
  readonly #end: bigint;
  #at: bigint;

  /** @throws {RangeError} an end before the start, or chunks of nothing */
  constructor(file: FileDescriptor, { start, end = 1n << 63n, chunkSize = CHUNK }: ByteRange) {
    this.#file = file;
    this.#at = BigInt(start);
    this.#end = BigInt(end);
    this.chunkSize = chunkSize;
    if (this.#end < this.#at) throw new RangeError('end: before the start');
    if (!(chunkSize >= 1)) throw new RangeError('chunkSize: not at least 1');
  }

  get left(): bigint {
    return this.#end - this.#at;
  }

  /** Reads into the front of `bytes`; 0 at the end. */
  read(bytes: Uint8Array): number {
    const room = this.left < BigInt(bytes.length) ? Number(this.left) : bytes.length;
    if (room === 0) return 0;
    const count = this.#file.pread(bytes.subarray(0, room), this.#at);
    this.#at += BigInt(count);
    return count;
  }
}
