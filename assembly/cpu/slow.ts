// Loads and stores that no range of the TLB serves: the page's entry, a fault, or bytes of two pages.
import { STOP_FAULT, STOP_FUEL } from '../abi/cpu';
import { FAULT_OK } from '../abi/fault';
import { PAGE_OFFSET_MASK, PAGE_SIZE } from '../abi/page';
import * as op from '../abi/uop';
import { Mm } from '../mm/mm';
import { Tlb, rememberRange } from '../mm/tlb';
import { lastFault } from '../mm/user';
import { load16, load32, load64, load8, store16, store32, store64, store8 } from './load-store';
import { Uop } from './uop';

const NAN_BOX: u64 = 0xffffffff00000000;
/** Of so many accesses by the page table one looks for a range: what a range saves them pays for the search. */
const ACCESSES_PER_SEARCH: u32 = 64;
let accesses: u32 = 0;

/** The place of a load of `size` bytes whose page's table is known and asks for nothing; 0 otherwise. */
export function loadPlace(mm: Mm, up: usize, size: usize): usize {
  return pagePlace(mm, Uop.address(up), size, false);
}

/** The same for a store. */
export function storePlace(mm: Mm, up: usize, size: usize): usize {
  return pagePlace(mm, Uop.address(up), size, true);
}

function pagePlace(mm: Mm, addr: u64, size: usize, write: bool): usize {
  const offset = (<usize>addr) & PAGE_OFFSET_MASK;
  const frame = Tlb.pageFrame(mm, addr, write);
  if (frame != 0 && ++accesses % ACCESSES_PER_SEARCH == 0) rememberRange(mm, addr, write);
  return frame == 0 || offset + size > <usize>PAGE_SIZE ? 0 : frame + offset;
}

/** The same for an address. */
export function accessPlace(mm: Mm, addr: u64, size: usize, write: bool): usize {
  return pagePlace(mm, addr, size, write);
}

/** Executes the load or store at `up`; STOP_FAULT when it faults, and nothing has happened. */
export function slowAccess(mm: Mm, up: usize, stackLimit: u64): i32 {
  const addr = Uop.address(up);
  let value: u64 = 0;
  switch (<u32>load<u16>(up)) {
    case op.UOP_SB:
      store8(mm, addr, Uop.bWord(up), stackLimit);
      return outcome();
    case op.UOP_SH:
      store16(mm, addr, Uop.bWord(up), stackLimit);
      return outcome();
    case op.UOP_SW:
    case op.UOP_C_SW:
    case op.UOP_FSW:
      store32(mm, addr, Uop.bWord(up), stackLimit);
      return outcome();
    case op.UOP_SD:
    case op.UOP_C_SD:
    case op.UOP_FSD:
    case op.UOP_C_FSD:
      store64(mm, addr, Uop.b(up), stackLimit);
      return outcome();
    case op.UOP_LB:
      value = <u64>(<i64>(<i8>load8(mm, addr, stackLimit)));
      break;
    case op.UOP_LBU:
      value = load8(mm, addr, stackLimit);
      break;
    case op.UOP_LH:
      value = <u64>(<i64>(<i16>load16(mm, addr, stackLimit)));
      break;
    case op.UOP_LHU:
      value = load16(mm, addr, stackLimit);
      break;
    case op.UOP_LW:
    case op.UOP_C_LW:
      value = <u64>(<i64>(<i32>load32(mm, addr, stackLimit)));
      break;
    case op.UOP_LWU:
      value = load32(mm, addr, stackLimit);
      break;
    case op.UOP_FLW:
      value = NAN_BOX | load32(mm, addr, stackLimit);
      break;
    default:
      value = load64(mm, addr, stackLimit);
  }
  if (lastFault() != FAULT_OK) return STOP_FAULT;
  Uop.set(up, value);
  return STOP_FUEL;
}

function outcome(): i32 {
  return lastFault() == FAULT_OK ? STOP_FUEL : STOP_FAULT;
}
