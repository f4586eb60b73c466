import type { Cursor } from './cursor.js';
import { CfiError } from './cursor.js';
import type { ReadMemory } from './memory.js';
import { readWord } from './memory.js';

/** The encoding of a pointer that is left out. */
export const DW_EH_PE_omit = 0xff;

/*
 *      7      6 5 4      3 2 1 0
 *   indirect | base  |   format
 */
const INDIRECT = 0x80;

/** Addresses that an encoded pointer may be relative to. */
export interface PointerBases {
  /** The start of .eh_frame_hdr, for `datarel`. */
  readonly data?: bigint;
  /** The start of the function, for `funcrel`. */
  readonly func?: bigint;
}

/**
 * A pointer in the encoding of .eh_frame.
 *
 * @param encoding DW_EH_PE_*: a format in bits 0-3, a base in bits 4-6, indirection in bit 7
 * @throws {CfiError} the encoding is unknown, or memory it goes through is unreadable
 * @see Linux Standard Base, Core, "DWARF Exception Header Encoding"
 */
export function readPointer(
  cursor: Cursor,
  encoding: number,
  read: ReadMemory,
  bases: PointerBases = {},
): bigint {
  const base = pointerBase(cursor, encoding, bases);
  const value = BigInt.asUintN(64, base + readFormat(cursor, encoding & 0x0f));
  if ((encoding & INDIRECT) === 0) return value;
  const target = readWord(read, value);
  if (target === null) throw new CfiError('an indirect pointer leads nowhere');
  return target;
}

/** A length in the format of an encoded pointer: the base does not apply to it. */
export function readFormat(cursor: Cursor, format: number): bigint {
  switch (format & 0x0f) {
    case 0x00: // absptr
    case 0x04: // udata8
      return cursor.fixed(8, false);
    case 0x01:
      return cursor.uleb();
    case 0x02:
      return cursor.fixed(2, false);
    case 0x03:
      return cursor.fixed(4, false);
    case 0x09:
      return cursor.sleb();
    case 0x0a:
      return cursor.fixed(2, true);
    case 0x0b:
      return cursor.fixed(4, true);
    case 0x0c:
      return cursor.fixed(8, true);
    default:
      throw new CfiError(`pointer format 0x${format.toString(16)} is unknown`);
  }
}

/** Must be asked before the pointer is read: `pcrel` counts from the pointer itself. */
function pointerBase(cursor: Cursor, encoding: number, bases: PointerBases): bigint {
  switch (encoding & 0x70) {
    case 0x00:
      return 0n;
    case 0x10: // pcrel
      return cursor.address;
    case 0x30: // datarel
      if (bases.data !== undefined) return bases.data;
      break;
    case 0x40: // funcrel
      if (bases.func !== undefined) return bases.func;
      break;
  }
  throw new CfiError(`pointer encoding 0x${encoding.toString(16)} is unknown`);
}
