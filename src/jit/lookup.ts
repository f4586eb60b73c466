// The place of an address in linear memory: by the range of its 2 MiB, as Tlb.rangePlace() in assembly/mm/tlb.ts.
import {
  RANGE_LAST,
  RANGE_PLACE,
  REGION_ENTRIES,
  REGION_INDEX_SHIFT,
} from '../../assembly/abi/layout.js';
import { TASK_SIZE_SHIFT } from '../../assembly/abi/page.js';
import { Emitter } from './emitter.js';
import * as wasm from './wasm.js';

/** Bits above a user address. */
const BEYOND_USER = -(2 ** TASK_SIZE_SHIFT);
const INDEX_MASK = (REGION_ENTRIES - 1) << 4;

/** The numbers of locals: the address and the salt, and two that are used. */
interface Locals {
  readonly addr: number;
  readonly salt: number;
  readonly key: number;
  readonly at: number;
}

/**
 * Leaves the place of an address on the stack, or what `miss` leaves there.
 *
 * @param ranges where the ranges lie, or null when that is on the stack
 */
export function emitLookup(
  out: Emitter,
  { addr, salt, key, at }: Locals,
  ranges: number | null,
  miss: () => void,
): void {
  const offset = ranges ?? 0;
  out.get(addr);
  out.get(salt);
  out.op(wasm.I64_XOR);
  out.tee(key);
  out.i64(REGION_INDEX_SHIFT);
  out.op(wasm.I64_SHR_U, wasm.I32_WRAP_I64);
  out.i32(INDEX_MASK);
  out.op(wasm.I32_AND);
  if (ranges === null) out.op(wasm.I32_ADD);
  out.set(at);
  out.get(key);
  out.get(at);
  out.access(wasm.I64_LOAD, offset);
  out.op(wasm.I64_SUB);
  out.get(addr);
  out.i64(BEYOND_USER);
  out.op(wasm.I64_AND, wasm.I64_OR);
  out.tee(key);
  out.get(at);
  out.access(wasm.I64_LOAD32_U, offset + RANGE_LAST);
  out.op(wasm.I64_LE_U);
  out.open(wasm.IF, { kind: 'other' }, wasm.I32);
  out.get(at);
  out.access(wasm.I32_LOAD, offset + RANGE_PLACE);
  out.get(key);
  out.op(wasm.I32_WRAP_I64, wasm.I32_ADD, wasm.ELSE);
  miss();
  out.close();
}

/** A function of each module: address, salt, address space, ranges, bytes and whether to store; 0 for no place. */
export const LOOKUP: wasm.Signature = {
  params: [wasm.I64, wasm.I64, wasm.I32, wasm.I32, wasm.I32, wasm.I32],
  result: wasm.I32,
};

/** @param place the number of the function that looks at the page table */
export function lookupBody(place: number): Uint8Array {
  const out = new Emitter(0, false);
  return out.plain([1, wasm.I64, 1, wasm.I32], () => {
    out.get(3);
    emitLookup(out, { addr: 0, salt: 1, key: 6, at: 7 }, null, () => {
      for (const local of [2, 0, 4, 5]) out.get(local);
      out.call(place);
    });
  });
}
