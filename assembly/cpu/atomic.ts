// The A extension. Harts run in turn, so that every instruction is atomic; a reservation is kept as address
// and value, and holds while the value does.
import {
  HART_RESERVED,
  HART_RESERVED_ADDR,
  HART_RESERVED_VALUE,
  STOP_FAULT,
  STOP_FUEL,
  STOP_MISALIGNED,
} from '../abi/cpu';
import { PAGE_OFFSET_MASK } from '../abi/page';
import { Mm } from '../mm/mm';
import { clearFault, setFaultAddr, translate, translateUpdate } from '../mm/user';
import { hart, Uop } from './uop';

const SWAP: u32 = 1;
const LR: u32 = 2;
const SC: u32 = 3;

/** Executes one; STOP_FUEL when nothing stops it. */
export function atomic(mm: Mm, up: usize, stackLimit: u64): i32 {
  const insn = load<u32>(up, 8);
  const f5 = insn >> 27;
  const wide = (insn & 0x1000) != 0;
  const addr = Uop.a(up);
  if ((addr & (wide ? 7 : 3)) != 0) {
    setFaultAddr(addr);
    return STOP_MISALIGNED;
  }
  if (f5 == SC && !mayStore(addr)) {
    Uop.set(up, 1);
    return STOP_FUEL;
  }
  clearFault();
  // A conditional store is a store alone: what it compares with is the reservation's business.
  const frame =
    f5 == LR || f5 == SC
      ? translate(mm, addr, f5 == SC, stackLimit)
      : translateUpdate(mm, addr, stackLimit);
  if (frame == 0) return STOP_FAULT;
  const place = frame + ((<usize>addr) & PAGE_OFFSET_MASK);
  const old = wide ? load<u64>(place) : <u64>(<i64>load<i32>(place));
  const operand = wide ? Uop.b(up) : <u64>(<i64>(<i32>Uop.bWord(up)));
  if (f5 == LR) reserve(addr, old);
  else if (f5 == SC) return storeConditional(up, place, old, wide);
  else put(place, combine(f5, old, operand), wide);
  Uop.set(up, old);
  return STOP_FUEL;
}

function reserve(addr: u64, value: u64): void {
  store<u32>(hart, 1, HART_RESERVED);
  store<u64>(hart, addr, HART_RESERVED_ADDR);
  store<u64>(hart, value, HART_RESERVED_VALUE);
}

/** Whether an SC to `addr` can succeed as far as the reservation goes; one that cannot takes it away. */
function mayStore(addr: u64): bool {
  if (load<u32>(hart, HART_RESERVED) && load<u64>(hart, HART_RESERVED_ADDR) == addr) return true;
  store<u32>(hart, 0, HART_RESERVED);
  return false;
}

function storeConditional(up: usize, place: usize, old: u64, wide: bool): i32 {
  store<u32>(hart, 0, HART_RESERVED);
  const holds = old == load<u64>(hart, HART_RESERVED_VALUE);
  if (holds) put(place, Uop.b(up), wide);
  Uop.set(up, holds ? 0 : 1);
  return STOP_FUEL;
}

function put(place: usize, value: u64, wide: bool): void {
  if (wide) store<u64>(place, value);
  else store<u32>(place, <u32>value);
}

/** What an AMO of that funct5 stores. Both operands are sign-extended: words compare as doublewords, signed and unsigned alike. */
export function combine(f5: u32, old: u64, operand: u64): u64 {
  switch (f5) {
    case 0:
      return old + operand;
    case SWAP:
      return operand;
    case 4:
      return old ^ operand;
    case 8:
      return old | operand;
    case 12:
      return old & operand;
    case 16:
      return <i64>old < <i64>operand ? old : operand;
    case 20:
      return <i64>old > <i64>operand ? old : operand;
    case 24:
      return old < operand ? old : operand;
    default:
      return old > operand ? old : operand;
  }
}
