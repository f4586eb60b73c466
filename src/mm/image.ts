import {
  FIRST_FRAME,
  IMAGE_STATE_SIZE,
  PAGE_STRUCT_SIZE,
  SECTION_HEAD,
  SECTION_SIZE,
  SECTION_USED,
} from '../../assembly/abi/layout.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import type { Core } from '../wasm/core.js';
import { FrameSet, pageStruct } from './frame-set.js';

/** First byte, and the first behind, of neighbouring frames. */
export type FrameRun = readonly [start: number, end: number];

/** Frames that are written, and checked, at once: 16 MiB. */
const CHUNK_FRAMES = 4096;
const RUN_SIZE = 8;
const HEAD_SIZE = IMAGE_STATE_SIZE + 8;

/**
 * What describes the frames of a machine in a snapshot:
 *
 *     +0   state outside of frames, 64 bytes (assembly/mm/image.ts)
 *     +64  f64  runs
 *     +72  runs: u32 first frame, u32 frames
 *     …    page structs, 16 bytes a frame, in the order of the runs
 */
export function describeFrames(core: Core): { runs: FrameRun[]; bytes: Uint8Array } {
  core.exports.markFrames();
  const runs = [...FrameSet.of(core, SECTION_USED).runs()];
  const frames = countFrames(runs);
  const bytes = new Uint8Array(HEAD_SIZE + runs.length * RUN_SIZE + frames * PAGE_STRUCT_SIZE);
  const view = new DataView(bytes.buffer);
  const at = core.exports.saveState();
  bytes.set(core.u8.subarray(at, at + IMAGE_STATE_SIZE));
  view.setFloat64(IMAGE_STATE_SIZE, runs.length, true);
  let to = HEAD_SIZE;
  for (const [start, end] of runs) {
    view.setUint32(to, start / PAGE_SIZE, true);
    view.setUint32(to + 4, (end - start) / PAGE_SIZE, true);
    to += RUN_SIZE;
  }
  for (const [start, end] of runs) {
    const structs = structsOf(start, end);
    bytes.set(core.u8.subarray(structs[0], structs[1]), to);
    to += structs[1] - structs[0];
  }
  return { runs, bytes };
}

/** The page structs of a run, which never leaves its section. */
function structsOf(start: number, end: number): [number, number] {
  const from = pageStruct(start);
  return [from, from + ((end - start) / PAGE_SIZE) * PAGE_STRUCT_SIZE];
}

export function countFrames(runs: readonly FrameRun[]): number {
  return runs.reduce((sum, [start, end]) => sum + (end - start) / PAGE_SIZE, 0);
}

/** The runs in pieces of at most 16 MiB. */
export function splitRuns(runs: readonly FrameRun[]): FrameRun[][] {
  const chunks: FrameRun[][] = [];
  let chunk: FrameRun[] = [];
  let left = CHUNK_FRAMES;
  for (const [start, end] of runs) {
    for (let at = start; at < end;) {
      const to = Math.min(end, at + left * PAGE_SIZE);
      chunk.push([at, to]);
      left -= (to - at) / PAGE_SIZE;
      at = to;
      if (left > 0) continue;
      chunks.push(chunk);
      chunk = [];
      left = CHUNK_FRAMES;
    }
  }
  if (chunk.length > 0) chunks.push(chunk);
  return chunks;
}

/** What describeFrames() wrote, read again. */
export interface FrameImage {
  readonly state: Uint8Array;
  readonly runs: readonly FrameRun[];
  readonly structs: Uint8Array;
}

/**
 * Reads a description of frames.
 *
 * @param end of the memory that the frames lie in
 * @returns null when it is none: frames out of order, beyond the end, or where the core keeps its own
 */
export function parseFrames(bytes: Uint8Array, end: number): FrameImage | null {
  if (bytes.length < HEAD_SIZE) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = view.getFloat64(IMAGE_STATE_SIZE, true);
  const structsAt = HEAD_SIZE + count * RUN_SIZE;
  if (!Number.isInteger(count) || count < 0 || structsAt > bytes.length) return null;
  const runs: FrameRun[] = [];
  for (let at = HEAD_SIZE; at < structsAt; at += RUN_SIZE) {
    const start = view.getUint32(at, true) * PAGE_SIZE;
    const run: FrameRun = [start, start + view.getUint32(at + 4, true) * PAGE_SIZE];
    if (!isRun(run, runs.at(-1)?.[1] ?? 0, end)) return null;
    runs.push(run);
  }
  const structs = bytes.subarray(structsAt, structsAt + countFrames(runs) * PAGE_STRUCT_SIZE);
  if (structs.length !== countFrames(runs) * PAGE_STRUCT_SIZE) return null;
  return { state: bytes.subarray(0, IMAGE_STATE_SIZE), runs, structs };
}

function isRun([start, to]: FrameRun, after: number, end: number): boolean {
  const section = Math.floor(start / SECTION_SIZE) * SECTION_SIZE;
  const first = section === 0 ? FIRST_FRAME : section + SECTION_HEAD;
  return (
    start >= Math.max(first, after) && start < to && to <= Math.min(end, section + SECTION_SIZE)
  );
}

/** Makes a new core's memory that of the image; its frames have been copied to their places. */
export function adoptFrames(core: Core, image: FrameImage): void {
  // The frame of zeros of the new core's own is nobody's now.
  clearStructs(core);
  let from = 0;
  for (const [start, end] of image.runs) {
    const [to, structsEnd] = structsOf(start, end);
    core.u8.set(image.structs.subarray(from, from + structsEnd - to), to);
    from += structsEnd - to;
  }
  core.u8.set(image.state, core.exports.saveState());
  core.exports.loadState();
  core.exports.rebuildFree();
}

function clearStructs(core: Core): void {
  const end = core.exports.framesEnd();
  for (let section = 0; section < end; section += SECTION_SIZE) {
    core.u8.fill(0, section, section + (SECTION_SIZE / PAGE_SIZE) * PAGE_STRUCT_SIZE);
  }
}
