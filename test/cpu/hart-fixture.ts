// One hart on one address space, and the instructions that tests put before it.
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { Hart, type HartStop } from '../../src/mm/hart.js';
import { Mm } from '../../src/mm/mm.js';
import { copyToUser } from '../../src/mm/user.js';
import type { Core } from '../../src/wasm/core.js';
import { BASE, mapAnon } from '../mm/fixture.js';

export const CODE = BASE;
export const DATA = BASE + 16 * PAGE_SIZE;
export const RWX = 7;
export const EBREAK = 0x00100073;
export const ECALL = 0x00000073;

/** Instructions as bytes: those of two bytes have other low bits than 11. */
export function assemble(words: readonly number[]): Uint8Array {
  const bytes: number[] = [];
  for (const word of words) {
    bytes.push(word & 255, (word >>> 8) & 255);
    if ((word & 3) === 3) bytes.push((word >>> 16) & 255, word >>> 24);
  }
  return Uint8Array.from(bytes);
}

/** An address space with two pages of code that end in ebreak, and two of data. */
export function makeHart(core: Core, words: readonly number[], at = CODE): { mm: Mm; hart: Hart } {
  const mm = new Mm(core);
  mapAnon(mm, 0, 2, RWX);
  mapAnon(mm, 16, 2, 3);
  copyToUser(mm, at, assemble([...words, EBREAK]));
  const hart = new Hart();
  hart.pc = BigInt(at);
  return { mm, hart };
}

/** A stop in one line: `ebreak`, `SIGSEGV SEGV_ACCERR +0x1000` with the address counted from BASE. */
export function tell(stop: HartStop): string {
  if (stop.reason !== 'fault') return stop.reason;
  const { signal, code, address } = stop.fault;
  const from = address - BASE;
  return `${signal} ${code} ${from < 0 ? '-' : '+'}0x${Math.abs(from).toString(16)}`;
}
