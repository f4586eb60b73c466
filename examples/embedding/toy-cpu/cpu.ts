// A toy CPU, in AssemblyScript: four registers of 64 bits, and instructions of four bytes that lie in the memory
// of a task: what to do, a register, another, a small number. Every access goes through the core of procmem.
import * as core from './procmem';
import { mm, stackLimit } from './procmem';

/** Where the next instruction lies. A global: a fault throws through run(), and its locals are lost. */
export let pc: f64 = 0;
let r0: u64 = 0;
let r1: u64 = 0;
let r2: u64 = 0;
let r3: u64 = 0;

export function get(i: u32): u64 {
  if (i == 0) return r0;
  if (i == 1) return r1;
  return i == 2 ? r2 : r3;
}

export function set(i: u32, value: u64): void {
  if (i == 0) r0 = value;
  else if (i == 1) r1 = value;
  else if (i == 2) r2 = value;
  else r3 = value;
}

/** The sum of `length` bytes at `addr`: the walk once a page, the bytes straight from linear memory. */
function sum(addr: f64, length: u32): u64 {
  if (core.userRuns(mm, addr, length, false, stackLimit) < length) {
    for (let i: u32 = 0; i < length; i++) core.slowLoad(addr + i, 1); // faults where a CPU would
    return 0;
  }
  let total: u64 = 0;
  for (let i: u32 = 0, at = core.runList(); i < load<u32>(at); i++) {
    const place = load<u32>(at + 8 + 8 * i);
    const end = place + load<u32>(at + 12 + 8 * i);
    for (let p = place; p < end; p++) total += load<u8>(p);
  }
  return total;
}

/** Executes at most `fuel` instructions; true when the program said that it is done. */
export function run(fuel: u32): bool {
  for (; fuel > 0; fuel--) {
    let word = core.load32(mm, pc, stackLimit);
    if (core.lastFault()) word = <u32>core.slowLoad(pc, 4);
    const op = word & 0xff;
    const a = (word >> 8) & 3;
    const b = (word >> 16) & 3;
    const n = word >> 24;
    if (op == 0) return true; // halt
    if (op == 1)
      set(a, n); // a = n
    else if (op == 2)
      set(a, get(b) + n); // a = b + n
    else if (op == 3) {
      // a = 8 bytes at b
      let value = core.load64(mm, <f64>get(b), stackLimit);
      if (core.lastFault()) value = core.slowLoad(<f64>get(b), 8);
      set(a, value);
    } else if (op == 4) {
      // 8 bytes at b = a
      core.store64(mm, <f64>get(b), get(a), stackLimit);
      if (core.lastFault()) core.slowStore(<f64>get(b), 8, get(a));
    } else if (op == 5) set(a, sum(<f64>get(b), n)); // a = the sum of n bytes at b
    pc += 4;
  }
  return false;
}
