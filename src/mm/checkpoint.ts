import {
  SECTION_CLEAN,
  SECTION_DATA,
  SECTION_HEAD,
  SECTION_RESERVED,
  SECTION_USED,
} from '../../assembly/abi/layout.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import type { Core } from '../wasm/core.js';
import { clearBitmap, framesBelow, FrameSet, pageStruct } from './frame-set.js';
import { KernelMemory } from './kernel-memory.js';
import { keepSalts } from './registry.js';

/** Memory of 32 bits grows to here at most. */
const LAST_END = 0xffff0000;

/** The memory of a machine at one moment; CheckpointedMemory makes, restores and drops it. */
export class MemoryCheckpoint {
  /** Frames that were in use. */
  readonly used: FrameSet;
  /** Pages whose contents are still where they were. */
  readonly clean: FrameSet;
  /** Where the contents of the other pages are now, by frame. */
  readonly saved = new Map<number, number>();
  readonly kernel: KernelMemory;
  /** Memory ran out for the contents of a page: there is no way back. */
  lost = false;

  constructor(core: Core) {
    core.exports.markFrames();
    this.used = FrameSet.of(core, SECTION_USED);
    this.clean = FrameSet.of(core, SECTION_DATA);
    this.kernel = new KernelMemory(core, this.used.without(this.clean));
  }
}

/**
 * The checkpoints of one core. Making one copies what is the kernel's; pages are shared with the running
 * machine until it writes to them (assembly/mm/checkpoint.ts).
 */
export class CheckpointedMemory {
  private readonly core: Core;
  private readonly all = new Set<MemoryCheckpoint>();
  /** How many checkpoints need each copy of a page. */
  private readonly copies = new Map<number, number>();

  constructor(core: Core) {
    this.core = core;
  }

  /** How many checkpoints there are. */
  get size(): number {
    return this.all.size;
  }

  /** Frames that hold nothing but former contents of pages. */
  get copiedFrames(): number {
    this.takeCopies();
    return this.copies.size;
  }

  take(): MemoryCheckpoint {
    const { core } = this;
    this.takeCopies();
    const checkpoint = new MemoryCheckpoint(core);
    checkpoint.used.addTo(core, SECTION_RESERVED);
    checkpoint.clean.addTo(core, SECTION_CLEAN);
    this.all.add(checkpoint);
    core.exports.setCheckpoints(true);
    return checkpoint;
  }

  /** Whether memory sufficed for all that restoring it needs. */
  isWhole(checkpoint: MemoryCheckpoint): boolean {
    this.takeCopies();
    return !checkpoint.lost && this.hasRoom(checkpoint);
  }

  /** Whether the frames that were promised then are free once all that checkpoints hold is not. */
  private hasRoom({ kernel, saved }: MemoryCheckpoint): boolean {
    if (kernel.promised === 0 || this.all.size === 1) return true;
    const { exports } = this.core;
    const used = FrameSet.countAll([...this.all].map((each) => each.used));
    // Restoring it copies aside what others need of what it overwrites.
    const copies = this.copies.size + saved.size + kernel.frames.length / PAGE_SIZE;
    const end = exports.framesEnd();
    const missing = used + copies + kernel.promised - framesBelow(end);
    const wanted = end + missing * PAGE_SIZE + SECTION_HEAD;
    return missing <= 0 || (wanted < LAST_END && exports.growFramesTo(wanted) === 0);
  }

  /** Makes memory what it was; takes time for each page that changed since. */
  restore(checkpoint: MemoryCheckpoint): void {
    // Of the frames as they are now; page structs are about to be those of then.
    this.core.exports.dropCode();
    this.keepForOthers(checkpoint);
    const memory = this.core.u8;
    for (const [frame, copy] of checkpoint.saved) {
      memory.copyWithin(frame, copy, copy + PAGE_SIZE);
      checkpoint.clean.add(frame);
      this.release(copy);
    }
    checkpoint.saved.clear();
    checkpoint.kernel.writeTo(this.core);
    keepSalts(this.core);
    this.publish();
  }

  drop(checkpoint: MemoryCheckpoint): void {
    this.takeCopies();
    this.all.delete(checkpoint);
    for (const copy of checkpoint.saved.values()) this.release(copy);
    checkpoint.saved.clear();
    if (this.all.size === 0) this.core.exports.setCheckpoints(false);
    this.publish();
  }

  /** What restoring one overwrites is copied aside where another needs it. */
  private keepForOthers(checkpoint: MemoryCheckpoint): void {
    this.takeCopies();
    if (this.all.size === 1) return;
    const { exports } = this.core;
    for (const frame of checkpoint.saved.keys()) exports.keepPage(frame);
    for (const [start, end] of checkpoint.kernel.runs) {
      for (let frame = start; frame < end; frame += PAGE_SIZE) exports.keepPage(frame);
    }
    this.takeCopies();
  }

  /** Tells the core what all checkpoints need, and has it find the free frames anew. */
  private publish(): void {
    const { core } = this;
    clearBitmap(core, SECTION_RESERVED);
    clearBitmap(core, SECTION_CLEAN);
    for (const { used, clean } of this.all) {
      used.addTo(core, SECTION_RESERVED);
      clean.addTo(core, SECTION_CLEAN);
    }
    core.exports.rebuildFree();
  }

  /** Hands the copies that the core made since to the checkpoints that need them. */
  private takeCopies(): void {
    const { core } = this;
    for (let copy = core.exports.takeCopy(); copy !== 0; copy = core.exports.takeCopy()) {
      const frame = core.readU32(pageStruct(copy) + 4);
      let users = 0;
      for (const checkpoint of this.all) {
        if (!checkpoint.clean.has(frame)) continue;
        checkpoint.clean.delete(frame);
        checkpoint.saved.set(frame, copy);
        users += 1;
      }
      this.copies.set(copy, users);
      if (users === 0) this.forget(copy);
    }
    if (core.exports.takeCopyFailure()) for (const each of this.all) each.lost = true;
  }

  private release(copy: number): void {
    const users = (this.copies.get(copy) ?? 1) - 1;
    if (users > 0) this.copies.set(copy, users);
    else this.forget(copy);
  }

  private forget(copy: number): void {
    this.copies.delete(copy);
    this.core.exports.dropCopy(copy);
  }
}
