import { Cursor, CfiError } from './cursor.js';
import { DW_EH_PE_omit, readFormat, readPointer } from './encoding.js';
import type { ReadMemory } from './memory.js';
import { readBlock, readWord } from './memory.js';

/** What the functions of one compilation unit have in common. */
export interface Cie {
  /** Factor of location advances. */
  readonly codeAlign: bigint;
  /** Factor of register offsets. */
  readonly dataAlign: bigint;
  /** DWARF number of the column that holds the return address. */
  readonly returnColumn: number;
  /** Augmentation `S`: the caller was interrupted, it did not call. */
  readonly signalFrame: boolean;
  /** DW_EH_PE_* of the addresses in the FDEs. */
  readonly encoding: number;
  /** Augmentation `z`: FDEs carry a length of data to skip. */
  readonly sized: boolean;
  readonly instructions: Uint8Array;
}

/** How to unwind one function. */
export interface Fde {
  readonly cie: Cie;
  /** Guest addresses [start, end) of the function. */
  readonly start: bigint;
  readonly end: bigint;
  readonly instructions: Uint8Array;
}

/** Bytes in the largest CIE or FDE read; a function of a megabyte of code needs some thousands. */
const MAX_RECORD = 1 << 20;

/** Records looked through without a table: the largest programs have some 100,000 functions. */
const MAX_SCAN = 1 << 18;

interface FrameRecord {
  /** The guest address of the CIE, when this is an FDE; null for a CIE. */
  readonly cieAddress: bigint | null;
  /** What follows the CIE pointer. */
  readonly body: Cursor;
  /** The guest address of the next record. */
  readonly next: bigint;
}

/**
 * The FDE at `address` if it is one and its function holds `pc`.
 *
 * @throws {CfiError} what is there is not call-frame information
 */
export function readFde(read: ReadMemory, address: bigint, pc: bigint): Fde | null {
  const record = readRecord(read, address);
  return record === null ? null : fdeOf(read, record, pc);
}

/**
 * Looks through .eh_frame from `address` on for the function that holds `pc`: the way without
 * the search table of .eh_frame_hdr.
 *
 * @param limit guest address at which to give up
 * @throws {CfiError} what is there is not call-frame information
 */
export function scanFdes(read: ReadMemory, address: bigint, limit: bigint, pc: bigint): Fde | null {
  let at = address;
  for (let n = 0; n < MAX_SCAN && at < limit; n++) {
    const record = readRecord(read, at);
    if (record === null) return null;
    const fde = fdeOf(read, record, pc);
    if (fde !== null) return fde;
    at = record.next;
  }
  return null;
}

/**
 *     u32 length [u64 length]   u32 CIE pointer: 0 for a CIE, else the distance back to it
 */
function readRecord(read: ReadMemory, address: bigint): FrameRecord | null {
  const short = readWord(read, address, 4);
  if (short === null) throw new CfiError('.eh_frame is not readable');
  if (short === 0n) return null;
  const long = short === 0xffffffffn;
  const length = long ? readWord(read, address + 4n) : short;
  const start = address + (long ? 12n : 4n);
  if (length === null || length > MAX_RECORD) throw new CfiError('an FDE is impossibly long');
  const bytes = readBlock(read, start, Number(length));
  if (bytes === null) throw new CfiError('.eh_frame is not readable');
  const body = new Cursor(bytes, start);
  const back = BigInt(body.u32());
  return { cieAddress: back === 0n ? null : start - back, body, next: start + length };
}

function fdeOf(read: ReadMemory, record: FrameRecord, pc: bigint): Fde | null {
  if (record.cieAddress === null) return null;
  const cie = readCie(read, record.cieAddress);
  const { body } = record;
  const start = readPointer(body, cie.encoding, read);
  const end = start + readFormat(body, cie.encoding);
  if (pc < start || pc >= end) return null;
  if (cie.sized) body.block(body.count());
  return { cie, start, end, instructions: body.block(body.bytes.length - body.position) };
}

function readCie(read: ReadMemory, address: bigint): Cie {
  const record = readRecord(read, address);
  if (record === null || record.cieAddress !== null) throw new CfiError('an FDE without a CIE');
  const { body } = record;
  const version = body.u8();
  if (version !== 1 && version !== 3) throw new CfiError(`CIE version ${version} is unknown`);
  const augmentation = body.text();
  if (augmentation === 'eh') body.u64();
  const codeAlign = body.uleb();
  const dataAlign = body.sleb();
  const returnColumn = version === 1 ? body.u8() : body.count();
  const { encoding, signalFrame } = readAugmentation(body, augmentation, read);
  const instructions = body.block(body.bytes.length - body.position);
  const sized = augmentation.startsWith('z');
  return { codeAlign, dataAlign, returnColumn, signalFrame, encoding, sized, instructions };
}

/** The data that each letter of the augmentation stands for; `z` alone lets unknown ones pass. */
function readAugmentation(
  body: Cursor,
  augmentation: string,
  read: ReadMemory,
): { encoding: number; signalFrame: boolean } {
  let encoding = 0;
  let signalFrame = false;
  if (augmentation === '' || augmentation === 'eh') return { encoding, signalFrame };
  if (!augmentation.startsWith('z')) throw new CfiError(`augmentation ${augmentation} is unknown`);
  const length = body.count();
  const end = body.position + length;
  for (const letter of augmentation.slice(1)) {
    if (letter === 'R') encoding = body.u8();
    else if (letter === 'S') signalFrame = true;
    else if (letter === 'L') body.u8();
    else if (letter === 'P') skipPersonality(body, read);
    else if (letter !== 'B') break;
  }
  if (end > body.bytes.length) throw new CfiError('a CIE has ended');
  body.position = end;
  return { encoding, signalFrame };
}

function skipPersonality(body: Cursor, read: ReadMemory): void {
  const encoding = body.u8();
  // The pointer is not used, so it need not be followed either.
  if (encoding !== DW_EH_PE_omit) readPointer(body, encoding & 0x7f, read);
}
