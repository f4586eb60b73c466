// The machine as a whole for checkpoints and snapshots: which frames it uses, and what lies outside them.
import * as checkpoint from '../mm/checkpoint';
import * as frames from '../mm/frame';
import * as image from '../mm/image';

/** Fills the bitmaps SECTION_USED and SECTION_DATA; the number of frames in use. */
export function markFrames(): u32 {
  return checkpoint.markFrames();
}

/** End of the memory that frames lie in. */
export function framesEnd(): usize {
  return frames.framesEnd();
}

/** Grows memory until frames reach `end`; 0, or -1 where the limit forbids it. */
export function growFramesTo(end: f64): i32 {
  return frames.growMemoryTo(<usize>(<u64>end)) ? 0 : -1;
}

export function setCheckpoints(on: bool): void {
  checkpoint.setActive(on);
}

/** Copies the page aside if a checkpoint still needs it from its frame. */
export function keepPage(frame: usize): void {
  checkpoint.beforeWrite(frame);
}

export function takeCopy(): usize {
  return checkpoint.takeCopy();
}

export function takeCopyFailure(): bool {
  return checkpoint.takeFailure();
}

export function dropCopy(copy: usize): void {
  checkpoint.dropCopy(copy);
}

export function rebuildFree(): void {
  checkpoint.rebuildFree();
}

/** The place of the state that is in no frame, IMAGE_STATE_SIZE bytes, as it is now. */
export function saveState(): usize {
  return image.saveState();
}

export function loadState(): void {
  image.loadState();
}

export function hashStart(): void {
  image.hashStart();
}

export function hashPages(at: usize, count: u32): void {
  image.hashPages(at, count);
}

export function hashEnd(): u64 {
  return image.hashEnd();
}
