// Loads and stores of 8 to 64 bits through the TLB: what an emulated CPU executes. A value that lies
// in one page costs one comparison and one load; the rest is translated byte by byte. After each call
// lastFault() is 0, or tells what stopped it: then a load gave 0 and a store stored nothing.
import { FAULT_OK } from '../abi/fault';
import { PAGE_OFFSET_MASK, PAGE_SIZE } from '../abi/page';
import { Mm } from '../mm/mm';
import { Tlb } from '../mm/tlb';
import { clearFault, lastFault, translate, translateSlow } from '../mm/user';

/** The place of `size` bytes at `addr` in linear memory; 0 when they straddle pages or fault. */
function place(mm: Mm, addr: u64, size: usize, write: bool, stackLimit: u64): usize {
  const at = Tlb.rangePlace(mm, addr, write);
  return at != 0 ? at : pagePlace(mm, addr, size, write, stackLimit);
}

/** The same by the page alone. */
function pagePlace(mm: Mm, addr: u64, size: usize, write: bool, stackLimit: u64): usize {
  const offset = (<usize>addr) & PAGE_OFFSET_MASK;
  if (offset + size > <usize>PAGE_SIZE) return 0;
  let frame = Tlb.pageFrame(mm, addr, write);
  if (frame == 0) frame = translateSlow(mm, addr, write, stackLimit);
  return frame == 0 ? 0 : frame + offset;
}

function loadBytes(mm: Mm, addr: u64, size: usize, stackLimit: u64): u64 {
  let value: u64 = 0;
  for (let i: usize = 0; i < size; i++) {
    const frame = translate(mm, addr + i, false, stackLimit);
    if (frame == 0) return 0;
    const byte = <u64>load<u8>(frame + ((<usize>(addr + i)) & PAGE_OFFSET_MASK));
    value |= byte << ((<u64>i) << 3);
  }
  return value;
}

function storeBytes(mm: Mm, addr: u64, value: u64, size: usize, stackLimit: u64): void {
  // Both pages are made writable first, so that a store that faults changes nothing.
  if (translate(mm, addr, true, stackLimit) == 0) return;
  if (translate(mm, (addr | PAGE_OFFSET_MASK) + 1, true, stackLimit) == 0) return;
  for (let i: usize = 0; i < size; i++) {
    const frame = translate(mm, addr + i, true, stackLimit);
    if (frame == 0) return;
    store<u8>(frame + ((<usize>(addr + i)) & PAGE_OFFSET_MASK), <u8>(value >> ((<u64>i) << 3)));
  }
}

export function load8(mm: Mm, addr: u64, stackLimit: u64): u32 {
  clearFault();
  const at = place(mm, addr, 1, false, stackLimit);
  return at == 0 ? 0 : load<u8>(at);
}

export function load16(mm: Mm, addr: u64, stackLimit: u64): u32 {
  clearFault();
  const at = place(mm, addr, 2, false, stackLimit);
  if (at != 0) return load<u16>(at);
  return lastFault() == FAULT_OK ? <u32>loadBytes(mm, addr, 2, stackLimit) : 0;
}

export function load32(mm: Mm, addr: u64, stackLimit: u64): u32 {
  clearFault();
  const at = place(mm, addr, 4, false, stackLimit);
  if (at != 0) return load<u32>(at);
  return lastFault() == FAULT_OK ? <u32>loadBytes(mm, addr, 4, stackLimit) : 0;
}

export function load64(mm: Mm, addr: u64, stackLimit: u64): u64 {
  return LoadStore.load64(mm, addr, stackLimit);
}

/** load64() where no range serves it. */
function load64Slow(mm: Mm, addr: u64, stackLimit: u64): u64 {
  const at = pagePlace(mm, addr, 8, false, stackLimit);
  if (at != 0) return load<u64>(at);
  return lastFault() == FAULT_OK ? loadBytes(mm, addr, 8, stackLimit) : 0;
}

/** For the loop of a CPU, where a call for each load would cost more than the load. */
export class LoadStore {
  @inline
  static load64(mm: Mm, addr: u64, stackLimit: u64): u64 {
    clearFault();
    const at = Tlb.rangePlace(mm, addr, false);
    if (at != 0) return load<u64>(at);
    const offset = (<usize>addr) & PAGE_OFFSET_MASK;
    const frame = Tlb.pageFrame(mm, addr, false);
    if (frame != 0 && offset <= <usize>PAGE_SIZE - 8) return load<u64>(frame + offset);
    return load64Slow(mm, addr, stackLimit);
  }
}

export function store8(mm: Mm, addr: u64, value: u32, stackLimit: u64): void {
  clearFault();
  const at = place(mm, addr, 1, true, stackLimit);
  if (at != 0) store<u8>(at, <u8>value);
}

export function store16(mm: Mm, addr: u64, value: u32, stackLimit: u64): void {
  clearFault();
  const at = place(mm, addr, 2, true, stackLimit);
  if (at != 0) store<u16>(at, <u16>value);
  else if (lastFault() == FAULT_OK) storeBytes(mm, addr, value, 2, stackLimit);
}

export function store32(mm: Mm, addr: u64, value: u32, stackLimit: u64): void {
  clearFault();
  const at = place(mm, addr, 4, true, stackLimit);
  if (at != 0) store<u32>(at, value);
  else if (lastFault() == FAULT_OK) storeBytes(mm, addr, value, 4, stackLimit);
}

export function store64(mm: Mm, addr: u64, value: u64, stackLimit: u64): void {
  clearFault();
  const at = place(mm, addr, 8, true, stackLimit);
  if (at != 0) store<u64>(at, value);
  else if (lastFault() == FAULT_OK) storeBytes(mm, addr, value, 8, stackLimit);
}
