import { PAGE_SIZE } from '../../assembly/abi/page.js';
import type { ByteSource } from '../elf/source.js';
import { checksum, checksumRuns } from '../mm/checksum.js';
import { countFrames, describeFrames, type FrameRun, splitRuns } from '../mm/image.js';
import type { Core } from '../wasm/core.js';
import * as container from './container.js';
import { STORE_CHUNK } from './store.js';

/** Takes the next bytes of a snapshot. They are those of the machine: what is to stay is to be copied. */
export type WriteBytes = (bytes: Uint8Array) => void;

/**
 * Writes a snapshot from its first byte to its last, in one pass: header, sections, table. `store` and
 * `machine` may come in any order.
 */
export class SnapshotWriter {
  readonly #core: Core;
  readonly #write: WriteBytes;
  readonly #sections: container.Section[] = [];
  #offset = 0;

  constructor(core: Core, write: WriteBytes) {
    this.#core = core;
    this.#write = write;
  }

  begin(totalBytes: number): void {
    const { limitBytes: memoryLimit, exports } = this.#core;
    const header = { memoryLimit, framesEnd: exports.framesEnd(), totalBytes };
    this.#put(container.encodeHeader(this.#core, header));
  }

  /** Where the next bytes go. */
  get offset(): number {
    return this.#offset;
  }

  /** Appends a part to the store: STORE_CHUNK bytes, only the last may be shorter. */
  store(bytes: Uint8Array): void {
    this.section(container.SECTION_STORE, bytes);
  }

  /** The same for whole pages that the caller writes to `offset` himself, and of which he has the checksum. */
  storeElsewhere(length: number, checksum: bigint): void {
    const [kind, offset] = [container.SECTION_STORE, this.#offset];
    this.#sections.push({ kind, offset, length, checksum });
    this.#offset += length;
  }

  /** The objects of the machine, as encodeGraph() wrote them, and its memory. */
  machine(state: Uint8Array, frames = describeFrames(this.#core)): void {
    this.section(container.SECTION_STATE, state);
    this.section(container.SECTION_FRAME_TABLE, frames.bytes);
    for (const chunk of splitRuns(frames.runs)) this.#frames(chunk);
  }

  section(kind: number, bytes: Uint8Array): void {
    const sum = checksum(this.#core, bytes);
    this.#sections.push({ kind, offset: this.#offset, length: bytes.length, checksum: sum });
    this.#put(bytes);
    const padding = container.pagesUp(bytes.length) - bytes.length;
    if (padding > 0) this.#put(new Uint8Array(padding));
  }

  end(): void {
    this.#put(container.encodeTable(this.#core, this.#sections, this.#offset));
  }

  #frames(runs: readonly FrameRun[]): void {
    const offset = this.#offset;
    const length = countFrames(runs) * PAGE_SIZE;
    const sum = checksumRuns(this.#core, runs, (start, end) => {
      this.#put(this.#core.u8.subarray(start, end));
    });
    this.#sections.push({ kind: container.SECTION_FRAMES, offset, length, checksum: sum });
  }

  #put(bytes: Uint8Array): void {
    this.#write(bytes);
    this.#offset += bytes.length;
  }
}

/** What a snapshot is made of. */
export interface SnapshotParts {
  readonly state: Uint8Array;
  /** The store to take over from the snapshot that the machine came from; null: there is none. */
  readonly store: ByteSource | null;
}

/** Writes a whole snapshot; `begin` is told its length first. */
export function writeSnapshot(
  core: Core,
  parts: SnapshotParts,
  begin: (totalBytes: number) => WriteBytes,
): void {
  const frames = describeFrames(core);
  const total = totalBytes(parts, frames.bytes.length, frames.runs);
  const writer = new SnapshotWriter(core, begin(total));
  writer.begin(total);
  const { store } = parts;
  for (let at = 0; store !== null && at < store.size; at += STORE_CHUNK) {
    writer.store(store.read(at, STORE_CHUNK));
  }
  writer.machine(parts.state, frames);
  writer.end();
}

function totalBytes(parts: SnapshotParts, tableLength: number, runs: readonly FrameRun[]): number {
  const { pagesUp, tableBytes } = container;
  const store = parts.store?.size ?? 0;
  const sections = 2 + splitRuns(runs).length + Math.ceil(store / STORE_CHUNK);
  const contents = pagesUp(parts.state.length) + pagesUp(tableLength) + pagesUp(store);
  return PAGE_SIZE + contents + countFrames(runs) * PAGE_SIZE + tableBytes(sections);
}
