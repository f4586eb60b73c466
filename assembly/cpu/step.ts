// One instruction alone: where the fuel ends soon, and where it lies on two pages. It is decoded to a place of
// its own, and what follows it there looks up where to go on.
import { PAGE_OFFSET_MASK } from '../abi/page';
import { UOP_PAGE_END } from '../abi/uop';
import { Mm } from '../mm/mm';
import { translateFetch } from '../mm/user';
import { expand, lengthOf } from './compressed';
import { emit } from './decode';
import { UOP_SCALE } from './uop';

/** Three micro-operations: the instruction, its second half, and the end. */
export const step = memory.data(48, 16);
const LAST_PARCEL: usize = PAGE_OFFSET_MASK - 1;

/** Decodes the instruction at `pc`; false when fetching it faults. */
export function prepareStep(mm: Mm, pc: u64, stackLimit: u64): bool {
  const frame = translateFetch(mm, pc, stackLimit);
  if (frame == 0) return false;
  const from = (<usize>pc) & PAGE_OFFSET_MASK;
  const low = <u32>load<u16>(frame + from);
  const bytes = lengthOf(low);
  let word = bytes == 2 ? expand(low) : 0;
  if (bytes == 4 && from != LAST_PARCEL) word = load<u32>(frame + from);
  if (bytes == 4 && from == LAST_PARCEL) {
    const next = translateFetch(mm, pc + 2, stackLimit);
    if (next == 0) return false;
    word = low | ((<u32>load<u16>(next)) << 16);
  }
  emit(step, word, bytes, -1);
  store<u16>(step, 1, 12);
  const end = step + ((<usize>bytes) << UOP_SCALE);
  store<u16>(end, UOP_PAGE_END);
  store<u16>(end, 0, 12);
  return true;
}
