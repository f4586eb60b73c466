import { BLOCK_FRAME, BLOCK_REGIONS, BLOCK_SERIAL } from '../../assembly/abi/jit.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import * as op from '../../assembly/abi/uop.js';
import type { Core } from '../wasm/core.js';

/** An instruction as the interpreter has decoded it (assembly/cpu/uop.ts). */
export interface Insn {
  /** Bytes from the start of its page. */
  readonly offset: number;
  readonly bytes: 2 | 4;
  /** UOP_*: of a pair the even one, and never one that does several instructions. */
  readonly number: number;
  /** Places in the register file. */
  readonly target: number;
  readonly a: number;
  readonly b: number;
  /** A place, or what else lies there. */
  readonly c: number;
  readonly imm: number;
  /** Where its micro-operation lies. */
  readonly up: number;
}

const FIRST_PAIR = op.UOP_ADDI;
const LAST_PAIR = op.UOP_C_JR;

/** The number of the micro-operation that does one instruction and tells nothing of its length. */
function plainNumber(number: number): number {
  if (number >= op.UOP_SHIFT_ADD) return op.UOP_SLLI;
  return number >= FIRST_PAIR && number <= LAST_PAIR ? number & ~1 : number;
}

/** A block of decoded code in linear memory (assembly/mm/code.ts), as long as nobody runs. */
export class CodePage {
  readonly core: Core;
  readonly block: number;

  constructor(core: Core, block: number) {
    this.core = core;
    this.block = block;
  }

  /** Another for each use of the block; 0 while it has none. */
  get serial(): number {
    return this.core.readU32(this.block + BLOCK_SERIAL);
  }

  /** The instruction at an offset; null where none is decoded. */
  insnAt(offset: number): Insn | null {
    if (offset >= PAGE_SIZE) return null;
    const up = this.block + 8 * offset;
    const words = this.core.u32;
    const [first, second] = [words[up >>> 2] as number, words[(up >>> 2) + 1] as number];
    const number = first & 255;
    if (number === op.UOP_DECODE) return null;
    const code = this.core.u8[this.core.readU32(this.block + BLOCK_FRAME) + offset] as number;
    return {
      offset,
      bytes: (code & 3) === 3 ? 4 : 2,
      number: plainNumber(number),
      target: first >>> 16,
      a: second & 0xffff,
      b: second >>> 16,
      c: (words[(up >>> 2) + 3] as number) >>> 16,
      imm: (words[(up >>> 2) + 2] as number) | 0,
      up,
    };
  }

  /** The mark of an entry, 0 for none. */
  markAt(offset: number): number {
    return this.core.u8[this.block + 8 * offset + 1] as number;
  }

  setMark(offset: number, entry: number): void {
    this.core.u8[this.block + 8 * offset + 1] = entry;
  }

  /** Tells the loop which function an entry is of. */
  setRegion(entry: number, place: number): void {
    this.core.u32[(this.block + BLOCK_REGIONS + 4 * entry) >>> 2] = place;
  }
}
