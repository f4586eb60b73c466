// The machine as a whole: its memory, and the places of linear memory through which copies pass.
import { FIRST_FRAME, SECTION_HEAD } from '../abi/layout';
import * as fault from '../mm/fault';
import * as frames from '../mm/frame';
import * as runs from '../mm/runs';
import * as tlb from '../mm/tlb';

/** A page of linear memory through which small copies pass. */
const bounce = memory.data(4096, 16);

/** Starts the machine; `limit` is the most bytes of linear memory. 0, or -1 when nothing fits. */
export function init(limit: f64): i32 {
  // Section 0 keeps its page structs in the first bytes: memoryBase of asconfig.json must leave them free,
  // and the static data must end where frames begin.
  if (__heap_base < <usize>SECTION_HEAD || __heap_base > <usize>FIRST_FRAME) return -1;
  frames.initFrames(<u64>limit);
  return fault.initFaults() ? 0 : -1;
}

export function bounceBuffer(): usize {
  return bounce;
}

export function runList(): usize {
  return runs.runList();
}

/** Where a table of the TLB lies: 0 page tables, 1 ranges of loads, 2 ranges of stores. */
export function tlbTable(which: u32): usize {
  return tlb.tlbTable(which);
}

export function framesInUse(): u32 {
  return frames.framesInUse();
}

/** Page faults since this was last asked, which had to wait for a page of a file (`major`), or had not. */
export function takeFaults(major: bool): u32 {
  return fault.takeFaults(major);
}

export function heldFrames(): u32 {
  return frames.heldFrames();
}

/** Whether there was no frame for somebody since this was last asked. */
export function ranShort(): bool {
  return frames.ranShort();
}

export function setAllocBudget(budget: i32): void {
  frames.setAllocBudget(budget);
}

/** Whether reads of untouched anonymous memory show the shared zero page, as they do unless told. */
export function setUsesZeroPage(on: bool): void {
  fault.setUsesZeroPage(on);
}
