import { PAGE_SIZE } from '../../assembly/abi/page.js';
import type { CoreExports } from '../wasm/exports.js';
import { instantiateCore } from '../wasm/module.js';

const WASM_PAGE = 65536;

/**
 * A buffer whose bytes are checked where they were read: it lies in the memory of a core without a machine,
 * which nothing grows or moves. A checksum of others copies them first (checksum.ts).
 */
export class CheckedMemory {
  readonly buffer: Uint8Array;
  private readonly exports: CoreExports;

  private constructor(exports: CoreExports, buffer: Uint8Array) {
    this.exports = exports;
    this.buffer = buffer;
  }

  /** @param size bytes, whole pages */
  static async create(size: number): Promise<CheckedMemory> {
    const { exports, memory } = await instantiateCore();
    const start = memory.grow(Math.ceil(size / WASM_PAGE)) * WASM_PAGE;
    return new CheckedMemory(exports, new Uint8Array(memory.buffer, start, size));
  }

  /** The checksum of whole pages in the buffer, as checksum() makes it. */
  checksum(bytes: Uint8Array): bigint {
    this.exports.hashStart();
    this.exports.hashPages(bytes.byteOffset, bytes.length / PAGE_SIZE);
    return BigInt.asUintN(64, this.exports.hashEnd());
  }
}
