import { Cursor, CfiError } from './cursor.js';
import type { Fde } from './eh-frame.js';
import { readFde, scanFdes } from './eh-frame.js';
import { DW_EH_PE_omit, readPointer } from './encoding.js';
import type { ReadMemory } from './memory.js';
import { readBlock } from './memory.js';

/** The table this room can bisect: pairs of 4-byte distances from the start of .eh_frame_hdr. */
const DATAREL_SDATA4 = 0x3b;
const ENTRY_SIZE = 8n;
/** The header's own bytes: version, three encodings, two pointers of at most 8 bytes. */
const HEADER_SIZE = 20;

/**
 * The unwind information of the function that holds `pc`, found through .eh_frame_hdr.
 *
 *     u8 version   u8 eh_frame encoding   u8 count encoding   u8 table encoding
 *     pointer to .eh_frame   count   count x { start of function, its FDE }, sorted
 *
 * @param header guest address of .eh_frame_hdr, which PT_GNU_EH_FRAME gives
 * @param limit guest address where the image ends, for the way without a table
 * @throws {CfiError} what is there is not call-frame information
 * @see Linux Standard Base, Core, ".eh_frame_hdr section"
 */
export function findFde(read: ReadMemory, header: bigint, limit: bigint, pc: bigint): Fde | null {
  const bytes = readBlock(read, header, HEADER_SIZE);
  if (bytes === null) throw new CfiError('.eh_frame_hdr is not readable');
  const cursor = new Cursor(bytes, header);
  if (cursor.u8() !== 1) throw new CfiError('.eh_frame_hdr has an unknown version');
  const [frame, count, table] = [cursor.u8(), cursor.u8(), cursor.u8()];
  const bases = { data: header };
  const ehFrame = readPointer(cursor, frame, read, bases);
  if (count === DW_EH_PE_omit || table !== DATAREL_SDATA4) {
    return scanFdes(read, ehFrame, limit, pc);
  }
  const entries = readPointer(cursor, count, read, bases);
  return bisect(read, header, cursor.address, entries, pc);
}

function bisect(
  read: ReadMemory,
  header: bigint,
  table: bigint,
  entries: bigint,
  pc: bigint,
): Fde | null {
  let low = 0n;
  let high = entries;
  let fde: bigint | null = null;
  while (low < high) {
    const middle = (low + high) / 2n;
    const at = table + middle * ENTRY_SIZE;
    const bytes = readBlock(read, at, Number(ENTRY_SIZE));
    if (bytes === null) throw new CfiError('the table of .eh_frame_hdr is not readable');
    const entry = new Cursor(bytes, at);
    const start = BigInt.asUintN(64, header + entry.fixed(4, true));
    if (start <= pc) {
      fde = BigInt.asUintN(64, header + entry.fixed(4, true));
      low = middle + 1n;
    } else {
      high = middle;
    }
  }
  return fde === null ? null : readFde(read, fde, pc);
}
