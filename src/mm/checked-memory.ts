import { PAGE_SIZE } from '../../assembly/abi/page.js';
import type { CoreExports } from '../wasm/exports.js';
import { instantiateCore } from '../wasm/module.js';

const WASM_PAGE = 65536;

/**
 * Buffers whose bytes are checked where they were read: they lie in the memory of a core without a machine,
 * which nothing grows or moves. A checksum of others copies them first (checksum.ts).
 */
export class CheckedMemory {
  readonly buffers: readonly Uint8Array[];
  private readonly exports: CoreExports;

  private constructor(exports: CoreExports, buffers: readonly Uint8Array[]) {
    this.exports = exports;
    this.buffers = buffers;
  }

  /** @param size bytes of each, whole pages */
  static async create(count: number, size: number): Promise<CheckedMemory> {
    const { exports, memory } = await instantiateCore();
    const start = memory.grow(Math.ceil((count * size) / WASM_PAGE)) * WASM_PAGE;
    const buffers = Array.from({ length: count }, (_, i) => {
      return new Uint8Array(memory.buffer, start + i * size, size);
    });
    return new CheckedMemory(exports, buffers);
  }

  /** The checksum of whole pages in one of the buffers, as checksum() makes it. */
  checksum(bytes: Uint8Array): bigint {
    this.exports.hashStart();
    this.exports.hashPages(bytes.byteOffset, bytes.length / PAGE_SIZE);
    return BigInt.asUintN(64, this.exports.hashEnd());
  }
}
