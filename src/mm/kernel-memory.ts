import {
  IMAGE_STATE_SIZE,
  PAGE_STRUCT_SIZE,
  SECTION_BITMAP,
  SECTION_SIZE,
} from '../../assembly/abi/layout.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import type { Core } from '../wasm/core.js';
import { type FrameSet, sectionCount } from './frame-set.js';

/** Of the state outside of frames (assembly/mm/image.ts). */
const PROMISED = 56;
/** Bytes of the page structs of one section. */
const STRUCTS = SECTION_BITMAP;

/** What of a core's memory is not pages: it is copied whole, and put back whole. */
export class KernelMemory {
  /** Page structs, a section each, up to the last frame that was ever used. */
  readonly structs: readonly Uint8Array[];
  /** First byte, and the first behind, of neighbouring frames of the kernel. */
  readonly runs: readonly (readonly [number, number])[];
  /** What lies in them, one after the other. */
  readonly frames: Uint8Array;
  /** The state that is in no frame. */
  readonly state: Uint8Array;

  constructor(core: Core, kernelFrames: FrameSet) {
    const at = core.exports.saveState();
    this.state = core.u8.slice(at, at + IMAGE_STATE_SIZE);
    const highWater = core.readU32(at + 28);
    this.structs = Array.from({ length: sectionCount(core) }, (_, i) => {
      const start = i * SECTION_SIZE;
      const used = Math.min(Math.max(highWater - start, 0), SECTION_SIZE) / PAGE_SIZE;
      return core.u8.slice(start, start + used * PAGE_STRUCT_SIZE);
    });
    this.runs = [...kernelFrames.runs()];
    const length = this.runs.reduce((sum, [start, end]) => sum + end - start, 0);
    this.frames = new Uint8Array(length);
    let to = 0;
    for (const [start, end] of this.runs) {
      this.frames.set(core.u8.subarray(start, end), to);
      to += end - start;
    }
  }

  /** Frames promised to those who share page tables (assembly/mm/share.ts): they must be free. */
  get promised(): number {
    return new DataView(this.state.buffer).getUint32(PROMISED, true);
  }

  /** Puts everything back; the free frames are not made to agree yet. */
  writeTo(core: Core): void {
    const memory = core.u8;
    for (let i = 0; i < sectionCount(core); i++) {
      const structs = this.structs[i] ?? new Uint8Array(0);
      // Frames that came into use later are in none now.
      memory.fill(0, i * SECTION_SIZE + structs.length, i * SECTION_SIZE + STRUCTS);
      memory.set(structs, i * SECTION_SIZE);
    }
    let from = 0;
    for (const [start, end] of this.runs) {
      memory.set(this.frames.subarray(from, from + end - start), start);
      from += end - start;
    }
    memory.set(this.state, core.exports.saveState());
    core.exports.loadState();
  }
}
