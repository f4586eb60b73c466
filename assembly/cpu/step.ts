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

/** The bits of the instruction that fetchInsn() found, 16 or 32. */
let fetched: u32 = 0;

export function fetchedInsn(): u32 {
  return fetched;
}

/** Fetches the instruction at `pc`, which may lie on two pages; false when that faults. */
export function fetchInsn(mm: Mm, pc: u64, stackLimit: u64): bool {
  const frame = translateFetch(mm, pc, stackLimit);
  if (frame == 0) return false;
  const from = (<usize>pc) & PAGE_OFFSET_MASK;
  fetched = load<u16>(frame + from);
  if (lengthOf(fetched) == 2) return true;
  if (from != LAST_PARCEL) {
    fetched = load<u32>(frame + from);
    return true;
  }
  const next = translateFetch(mm, pc + 2, stackLimit);
  if (next == 0) return false;
  fetched |= (<u32>load<u16>(next)) << 16;
  return true;
}

/** Decodes the instruction at `pc`; false when fetching it faults. */
export function prepareStep(mm: Mm, pc: u64, stackLimit: u64): bool {
  if (!fetchInsn(mm, pc, stackLimit)) return false;
  const bytes = lengthOf(fetched);
  emit(step, bytes == 2 ? expand(fetched) : fetched, bytes, -1);
  store<u16>(step, 1, 12);
  const end = step + ((<usize>bytes) << UOP_SCALE);
  store<u16>(end, UOP_PAGE_END);
  store<u16>(end, 0, 12);
  return true;
}
