import { PAGE_OFFSET_MASK, PAGE_SHIFT, PAGE_SIZE } from '../../assembly/abi/page.js';

/** A 64-bit value: a number when it is a safe integer, otherwise a bigint in [0, 2^64). */
export type U64 = number | bigint;

/** First address that is never user memory: 2^47 less a guard page (arch/x86, TASK_SIZE_MAX). */
export const TASK_SIZE = 2 ** 47 - PAGE_SIZE;

/** What the core takes for a limit that is not there. */
export const NO_LIMIT = 2 ** 63;

/** Stands for every address that a number cannot hold: none of them is user memory. */
const BEYOND = 2 ** 62;

/** The address as the core takes it. */
export function coreAddress(addr: U64): number {
  return typeof addr === 'number' ? addr : BEYOND;
}

/** access_ok(): does [addr, addr + length) lie in the user's half? */
export function accessOk(addr: U64, length: number): boolean {
  return typeof addr === 'number' && addr + length <= TASK_SIZE;
}

export function pageAlign(length: number): number {
  const over = length & PAGE_OFFSET_MASK;
  return over === 0 ? length : length - over + PAGE_SIZE;
}

export function pageFloor(addr: number): number {
  return addr - (addr & PAGE_OFFSET_MASK);
}

/** Is the value a multiple of the page size? The low bits of a number are cheaper than its remainder. */
export function isPageAligned(value: U64): boolean {
  if (typeof value === 'number') return (value & PAGE_OFFSET_MASK) === 0;
  return BigInt.asUintN(PAGE_SHIFT, value) === 0n;
}
