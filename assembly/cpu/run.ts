// The loop of the hart: one micro-operation after the other. It pays for instructions in advance: on arriving
// anywhere, for all up to the next that always jumps; a branch that is taken gets back what it skips, and so
// does whatever stops. Where the fuel does not last that far, instructions are executed one by one, so that
// a run ends after exactly as many as it was given.
//
//   pc = page + (up - block) / 8        at all times, but for a moment after `pc` itself was set
import { BLOCK_REGIONS, HEAT_COUNT, HEAT_PERIOD, HEAT_SAMPLES, HEAT_SAMPLES_MAX } from '../abi/jit';
import { HART_INSTRET, HART_PC, HART_SINK } from '../abi/cpu';
import { STOP_EBREAK, STOP_ECALL, STOP_FAULT, STOP_FUEL, STOP_ILLEGAL } from '../abi/cpu';
import { PAGE_OFFSET_MASK, PAGE_SIZE } from '../abi/page';
import * as op from '../abi/uop';
import { Code, clearStale, heat, setRunning } from '../mm/code';
import { Mm } from '../mm/mm';
import { Tlb } from '../mm/tlb';
import { TASK_SIZE, clearFault, fetchBlock } from '../mm/user';
import { atomic } from './atomic';
import { accessCsr } from './csr';
import { decodeRun } from './decode';
import { Fast } from './float';
import { arithmetic, floatOther } from './float-ops';
import * as md from './muldiv';
import { loadPlace, slowAccess, storePlace } from './slow';
import { prepareStep, step } from './step';
import { Uop, UOP_SCALE, hart } from './uop';

const NAN_BOX: u64 = 0xffffffff00000000;
/** No user address: nobody has jumped. */
const NOWHERE: u64 = u64.MAX_VALUE;

/** Instructions that the last run left. */
let unspent: i32 = 0;

/** Arrivals until the next one that is noted. */
let untilSample: u32 = 1;

/** Every so many arrivals at an address one is noted, for whoever compiles what runs often. */
function noteArrival(block: usize, up: usize): void {
  untilSample = load<u32>(heat, HEAT_PERIOD);
  if (untilSample != 0) note(block, up - block);
}

function note(block: usize, distance: usize): void {
  const count = load<u32>(heat, HEAT_COUNT);
  if (count == HEAT_SAMPLES_MAX) return;
  store<u32>(heat + ((<usize>count) << 3), <u32>block, HEAT_SAMPLES);
  store<u32>(heat + ((<usize>count) << 3), <u32>distance, HEAT_SAMPLES + 4);
  store<u32>(heat, count + 1, HEAT_COUNT);
}

/** Where a run ends that has spent its fuel is a sample of where time goes. */
function noteEnd(mm: Mm): void {
  const pc = load<u64>(hart, HART_PC);
  const block = Code.fetched((pc & ~(<u64>PAGE_OFFSET_MASK)) ^ mm.salt);
  if (block != 0) note(block, ((<usize>(pc & PAGE_OFFSET_MASK)) << UOP_SCALE) | 1);
}

/** Executes at most `fuel` instructions of the hart in `hart`; STOP_*. */
export function run(mm: Mm, fuel: i32, stackLimit: u64): i32 {
  setRunning(true);
  const why = loop(mm, fuel, stackLimit);
  setRunning(false);
  // Compiled code never writes there: states are to be the same.
  store<u64>(hart, 0, HART_SINK);
  if (why == STOP_FUEL && load<u32>(heat, HEAT_PERIOD) != 0) noteEnd(mm);
  store<u64>(hart, load<u64>(hart, HART_INSTRET) + <u64>(fuel - unspent), HART_INSTRET);
  return why;
}

function halt(why: i32, pc: u64, left: i32): i32 {
  store<u64>(hart, pc, HART_PC);
  unspent = left;
  return why;
}

/** Has a compiled region go on at the micro-operation that is marked; what it leaves of the fuel. */
function enterRegion(mm: Mm, block: usize, up: usize, left: i32, page: u64): i32 {
  const entry = <u32>load<u8>(up, 1);
  const place = load<u32>(block + ((<usize>entry) << 2), BLOCK_REGIONS);
  return call_indirect<i32>(place, left, page, mm.salt, entry, changetype<usize>(mm));
}

/** Whether a branch that leaves the page is taken. */
function takes(up: usize): bool {
  const a = Uop.a(up);
  const b = Uop.b(up);
  switch (load<u8>(up, 15)) {
    case 0:
      return a == b;
    case 1:
      return a != b;
    case 4:
      return <i64>a < <i64>b;
    case 5:
      return <i64>a >= <i64>b;
    case 6:
      return a < b;
    default:
      return a >= b;
  }
}

/** Bytes of micro-operations that a load or store takes. */
function sizeOf(number: u32): usize {
  return number < <u32>op.UOP_BLT && (number & 1) != 0 ? 16 : 32;
}

function loop(mm: Mm, fuel: i32, stackLimit: u64): i32 {
  const base = load<u64>(hart, HART_INSTRET) + <u64>fuel;
  let pc: u64 = load<u64>(hart, HART_PC) & ~1;
  let left = fuel;
  let page: u64 = 0;
  let block: usize = 0;
  let up: usize = 0;
  /** The page whose micro-operations are those at `block`; NOWHERE while one is executed alone. */
  let here: u64 = NOWHERE;
  let place: usize = 0;
  let why: i32 = 0;
  let number: f64 = 0;
  let indexed: u64 = 0;
  let paid: i32 = 0;
  clearFault();
  while (true) {
    if (pc != NOWHERE) {
      // Arrived at an address, whatever page it is in.
      if (left <= 0) return halt(STOP_FUEL, pc, left);
      page = pc & ~(<u64>PAGE_OFFSET_MASK);
      block = pc < TASK_SIZE ? Code.fetched(page ^ mm.salt) : 0;
      if (block == 0) {
        block = fetchBlock(mm, pc, stackLimit);
        if (block == 0) return halt(STOP_FAULT, pc, left);
      }
      here = page;
      clearStale();
      up = block + ((<usize>(pc - page)) << UOP_SCALE);
      if (load<u16>(up) == op.UOP_DECODE) decodeRun(block, up);
      if (--untilSample == 0) noteArrival(block, up);
      left -= Uop.count(up);
      if (left < 0) {
        left += Uop.count(up) - 1;
        if (!prepareStep(mm, pc, stackLimit)) return halt(STOP_FAULT, pc, left + 1);
        page = pc;
        block = step;
        up = step;
        here = NOWHERE;
      }
      pc = NOWHERE;
    }
    switch (<u32>load<u16>(up)) {
      case op.UOP_ADDI:
        Uop.set(up, Uop.a(up) + Uop.imm(up));
        up += 32;
        continue;
      case op.UOP_C_ADDI:
        Uop.set(up, Uop.a(up) + Uop.imm(up));
        up += 16;
        continue;
      case op.UOP_LI:
        Uop.set(up, Uop.imm(up));
        up += 32;
        continue;
      case op.UOP_C_LI:
        Uop.set(up, Uop.imm(up));
        up += 16;
        continue;
      case op.UOP_MV:
        Uop.set(up, Uop.a(up));
        up += 32;
        continue;
      case op.UOP_C_MV:
        Uop.set(up, Uop.a(up));
        up += 16;
        continue;
      case op.UOP_ADD:
        Uop.set(up, Uop.a(up) + Uop.b(up));
        up += 32;
        continue;
      case op.UOP_C_ADD:
        Uop.set(up, Uop.a(up) + Uop.b(up));
        up += 16;
        continue;
      case op.UOP_ADDIW:
        Uop.setWord(up, Uop.aWord(up) + <u32>Uop.imm(up));
        up += 32;
        continue;
      case op.UOP_C_ADDIW:
        Uop.setWord(up, Uop.aWord(up) + <u32>Uop.imm(up));
        up += 16;
        continue;
      case op.UOP_ADDW:
        Uop.setWord(up, Uop.aWord(up) + Uop.bWord(up));
        up += 32;
        continue;
      case op.UOP_C_ADDW:
        Uop.setWord(up, Uop.aWord(up) + Uop.bWord(up));
        up += 16;
        continue;
      case op.UOP_SUBW:
        Uop.setWord(up, Uop.aWord(up) - Uop.bWord(up));
        up += 32;
        continue;
      case op.UOP_C_SUBW:
        Uop.setWord(up, Uop.aWord(up) - Uop.bWord(up));
        up += 16;
        continue;
      case op.UOP_SUB:
        Uop.set(up, Uop.a(up) - Uop.b(up));
        up += 32;
        continue;
      case op.UOP_C_SUB:
        Uop.set(up, Uop.a(up) - Uop.b(up));
        up += 16;
        continue;
      case op.UOP_AND:
        Uop.set(up, Uop.a(up) & Uop.b(up));
        up += 32;
        continue;
      case op.UOP_C_AND:
        Uop.set(up, Uop.a(up) & Uop.b(up));
        up += 16;
        continue;
      case op.UOP_OR:
        Uop.set(up, Uop.a(up) | Uop.b(up));
        up += 32;
        continue;
      case op.UOP_C_OR:
        Uop.set(up, Uop.a(up) | Uop.b(up));
        up += 16;
        continue;
      case op.UOP_XOR:
        Uop.set(up, Uop.a(up) ^ Uop.b(up));
        up += 32;
        continue;
      case op.UOP_C_XOR:
        Uop.set(up, Uop.a(up) ^ Uop.b(up));
        up += 16;
        continue;
      case op.UOP_ANDI:
        Uop.set(up, Uop.a(up) & Uop.imm(up));
        up += 32;
        continue;
      case op.UOP_C_ANDI:
        Uop.set(up, Uop.a(up) & Uop.imm(up));
        up += 16;
        continue;
      case op.UOP_SLLI:
        Uop.set(up, Uop.a(up) << Uop.shift(up));
        up += 32;
        continue;
      case op.UOP_C_SLLI:
        Uop.set(up, Uop.a(up) << Uop.shift(up));
        up += 16;
        continue;
      case op.UOP_SRLI:
        Uop.set(up, Uop.a(up) >> Uop.shift(up));
        up += 32;
        continue;
      case op.UOP_C_SRLI:
        Uop.set(up, Uop.a(up) >> Uop.shift(up));
        up += 16;
        continue;
      case op.UOP_SRAI:
        Uop.set(up, <u64>((<i64>Uop.a(up)) >> (<i64>Uop.shift(up))));
        up += 32;
        continue;
      case op.UOP_C_SRAI:
        Uop.set(up, <u64>((<i64>Uop.a(up)) >> (<i64>Uop.shift(up))));
        up += 16;
        continue;
      case op.UOP_LW:
        place = Tlb.rangePlace(mm, Uop.address(up), false);
        if (place == 0) place = loadPlace(mm, up, 4);
        if (place == 0) break;
        Uop.set(up, <u64>(<i64>load<i32>(place)));
        up += 32;
        continue;
      case op.UOP_C_LW:
        place = Tlb.rangePlace(mm, Uop.address(up), false);
        if (place == 0) place = loadPlace(mm, up, 4);
        if (place == 0) break;
        Uop.set(up, <u64>(<i64>load<i32>(place)));
        up += 16;
        continue;
      case op.UOP_LD:
        place = Tlb.rangePlace(mm, Uop.address(up), false);
        if (place == 0) place = loadPlace(mm, up, 8);
        if (place == 0) break;
        Uop.set(up, load<u64>(place));
        up += 32;
        continue;
      case op.UOP_C_LD:
        place = Tlb.rangePlace(mm, Uop.address(up), false);
        if (place == 0) place = loadPlace(mm, up, 8);
        if (place == 0) break;
        Uop.set(up, load<u64>(place));
        up += 16;
        continue;
      case op.UOP_SW:
        place = Tlb.rangePlace(mm, Uop.address(up), true);
        if (place == 0) place = storePlace(mm, up, 4);
        if (place == 0) break;
        store<u32>(place, Uop.bWord(up));
        up += 32;
        continue;
      case op.UOP_C_SW:
        place = Tlb.rangePlace(mm, Uop.address(up), true);
        if (place == 0) place = storePlace(mm, up, 4);
        if (place == 0) break;
        store<u32>(place, Uop.bWord(up));
        up += 16;
        continue;
      case op.UOP_SD:
        place = Tlb.rangePlace(mm, Uop.address(up), true);
        if (place == 0) place = storePlace(mm, up, 8);
        if (place == 0) break;
        store<u64>(place, Uop.b(up));
        up += 32;
        continue;
      case op.UOP_C_SD:
        place = Tlb.rangePlace(mm, Uop.address(up), true);
        if (place == 0) place = storePlace(mm, up, 8);
        if (place == 0) break;
        store<u64>(place, Uop.b(up));
        up += 16;
        continue;
      case op.UOP_FLD:
        place = Tlb.rangePlace(mm, Uop.address(up), false);
        if (place == 0) place = loadPlace(mm, up, 8);
        if (place == 0) break;
        Uop.set(up, load<u64>(place));
        up += 32;
        continue;
      case op.UOP_C_FLD:
        place = Tlb.rangePlace(mm, Uop.address(up), false);
        if (place == 0) place = loadPlace(mm, up, 8);
        if (place == 0) break;
        Uop.set(up, load<u64>(place));
        up += 16;
        continue;
      case op.UOP_FSD:
        place = Tlb.rangePlace(mm, Uop.address(up), true);
        if (place == 0) place = storePlace(mm, up, 8);
        if (place == 0) break;
        store<u64>(place, Uop.b(up));
        up += 32;
        continue;
      case op.UOP_C_FSD:
        place = Tlb.rangePlace(mm, Uop.address(up), true);
        if (place == 0) place = storePlace(mm, up, 8);
        if (place == 0) break;
        store<u64>(place, Uop.b(up));
        up += 16;
        continue;
      case op.UOP_BEQ:
        if (!(Uop.a(up) == Uop.b(up))) {
          up += 32;
          continue;
        }
        left += Uop.count(up) - 1;
        up += Uop.distance(up);
        left -= Uop.count(up);
        if (left >= 0) continue;
        break;
      case op.UOP_C_BEQ:
        if (!(Uop.a(up) == Uop.b(up))) {
          up += 16;
          continue;
        }
        left += Uop.count(up) - 1;
        up += Uop.distance(up);
        left -= Uop.count(up);
        if (left >= 0) continue;
        break;
      case op.UOP_BNE:
        if (!(Uop.a(up) != Uop.b(up))) {
          up += 32;
          continue;
        }
        left += Uop.count(up) - 1;
        up += Uop.distance(up);
        left -= Uop.count(up);
        if (left >= 0) continue;
        break;
      case op.UOP_C_BNE:
        if (!(Uop.a(up) != Uop.b(up))) {
          up += 16;
          continue;
        }
        left += Uop.count(up) - 1;
        up += Uop.distance(up);
        left -= Uop.count(up);
        if (left >= 0) continue;
        break;
      case op.UOP_BLT:
        if (!(<i64>Uop.a(up) < <i64>Uop.b(up))) {
          up += 32;
          continue;
        }
        left += Uop.count(up) - 1;
        up += Uop.distance(up);
        left -= Uop.count(up);
        if (left >= 0) continue;
        break;
      case op.UOP_BGE:
        if (!(<i64>Uop.a(up) >= <i64>Uop.b(up))) {
          up += 32;
          continue;
        }
        left += Uop.count(up) - 1;
        up += Uop.distance(up);
        left -= Uop.count(up);
        if (left >= 0) continue;
        break;
      case op.UOP_BLTU:
        if (!(Uop.a(up) < Uop.b(up))) {
          up += 32;
          continue;
        }
        left += Uop.count(up) - 1;
        up += Uop.distance(up);
        left -= Uop.count(up);
        if (left >= 0) continue;
        break;
      case op.UOP_BGEU:
        if (!(Uop.a(up) >= Uop.b(up))) {
          up += 32;
          continue;
        }
        left += Uop.count(up) - 1;
        up += Uop.distance(up);
        left -= Uop.count(up);
        if (left >= 0) continue;
        break;
      case op.UOP_J:
      case op.UOP_C_J:
        up += Uop.distance(up);
        left -= Uop.count(up);
        if (left >= 0) continue;
        break;
      case op.UOP_JAL:
        Uop.set(up, page + <u64>((up - block) >> UOP_SCALE) + 4);
        up += Uop.distance(up);
        left -= Uop.count(up);
        if (left >= 0) continue;
        break;
      case op.UOP_JALR:
        pc = Uop.address(up) & ~1;
        Uop.set(up, page + <u64>((up - block) >> UOP_SCALE) + 4);
        if ((pc ^ here) >= <u64>PAGE_SIZE) break;
        up = block + ((<usize>(pc - page)) << UOP_SCALE);
        left -= Uop.count(up);
        if (left >= 0) {
          pc = NOWHERE;
          continue;
        }
        break;
      case op.UOP_C_JALR:
        pc = Uop.address(up) & ~1;
        Uop.set(up, page + <u64>((up - block) >> UOP_SCALE) + 2);
        if ((pc ^ here) >= <u64>PAGE_SIZE) break;
        up = block + ((<usize>(pc - page)) << UOP_SCALE);
        left -= Uop.count(up);
        if (left >= 0) {
          pc = NOWHERE;
          continue;
        }
        break;
      case op.UOP_JR:
      case op.UOP_C_JR:
        pc = Uop.address(up) & ~1;
        if ((pc ^ here) >= <u64>PAGE_SIZE) break;
        up = block + ((<usize>(pc - page)) << UOP_SCALE);
        left -= Uop.count(up);
        if (left >= 0) {
          pc = NOWHERE;
          continue;
        }
        break;
      case op.UOP_AUIPC:
        Uop.set(up, page + <u64>((up - block) >> UOP_SCALE) + Uop.imm(up));
        up += 32;
        continue;
      case op.UOP_LB:
        place = Tlb.rangePlace(mm, Uop.address(up), false);
        if (place == 0) place = loadPlace(mm, up, 1);
        if (place == 0) break;
        Uop.set(up, <u64>(<i64>load<i8>(place)));
        up += 32;
        continue;
      case op.UOP_LBU:
        place = Tlb.rangePlace(mm, Uop.address(up), false);
        if (place == 0) place = loadPlace(mm, up, 1);
        if (place == 0) break;
        Uop.set(up, <u64>load<u8>(place));
        up += 32;
        continue;
      case op.UOP_LH:
        place = Tlb.rangePlace(mm, Uop.address(up), false);
        if (place == 0) place = loadPlace(mm, up, 2);
        if (place == 0) break;
        Uop.set(up, <u64>(<i64>load<i16>(place)));
        up += 32;
        continue;
      case op.UOP_LHU:
        place = Tlb.rangePlace(mm, Uop.address(up), false);
        if (place == 0) place = loadPlace(mm, up, 2);
        if (place == 0) break;
        Uop.set(up, <u64>load<u16>(place));
        up += 32;
        continue;
      case op.UOP_LWU:
        place = Tlb.rangePlace(mm, Uop.address(up), false);
        if (place == 0) place = loadPlace(mm, up, 4);
        if (place == 0) break;
        Uop.set(up, <u64>load<u32>(place));
        up += 32;
        continue;
      case op.UOP_FLW:
        place = Tlb.rangePlace(mm, Uop.address(up), false);
        if (place == 0) place = loadPlace(mm, up, 4);
        if (place == 0) break;
        Uop.set(up, NAN_BOX | (<u64>load<u32>(place)));
        up += 32;
        continue;
      case op.UOP_SB:
        place = Tlb.rangePlace(mm, Uop.address(up), true);
        if (place == 0) place = storePlace(mm, up, 1);
        if (place == 0) break;
        store<u8>(place, <u8>Uop.bWord(up));
        up += 32;
        continue;
      case op.UOP_SH:
        place = Tlb.rangePlace(mm, Uop.address(up), true);
        if (place == 0) place = storePlace(mm, up, 2);
        if (place == 0) break;
        store<u16>(place, <u16>Uop.bWord(up));
        up += 32;
        continue;
      case op.UOP_FSW:
        place = Tlb.rangePlace(mm, Uop.address(up), true);
        if (place == 0) place = storePlace(mm, up, 4);
        if (place == 0) break;
        store<u32>(place, Uop.bWord(up));
        up += 32;
        continue;
      case op.UOP_SLTI:
        Uop.set(up, <u64>(<i64>Uop.a(up) < <i64>Uop.imm(up)));
        up += 32;
        continue;
      case op.UOP_SLTIU:
        Uop.set(up, <u64>(Uop.a(up) < Uop.imm(up)));
        up += 32;
        continue;
      case op.UOP_XORI:
        Uop.set(up, Uop.a(up) ^ Uop.imm(up));
        up += 32;
        continue;
      case op.UOP_ORI:
        Uop.set(up, Uop.a(up) | Uop.imm(up));
        up += 32;
        continue;
      case op.UOP_SLL:
        Uop.set(up, Uop.a(up) << Uop.b(up));
        up += 32;
        continue;
      case op.UOP_SLT:
        Uop.set(up, <u64>(<i64>Uop.a(up) < <i64>Uop.b(up)));
        up += 32;
        continue;
      case op.UOP_SLTU:
        Uop.set(up, <u64>(Uop.a(up) < Uop.b(up)));
        up += 32;
        continue;
      case op.UOP_SRL:
        Uop.set(up, Uop.a(up) >> Uop.b(up));
        up += 32;
        continue;
      case op.UOP_SRA:
        Uop.set(up, <u64>((<i64>Uop.a(up)) >> (<i64>Uop.b(up))));
        up += 32;
        continue;
      case op.UOP_SLLIW:
        Uop.setWord(up, Uop.aWord(up) << load<u32>(up, 8));
        up += 32;
        continue;
      case op.UOP_SRLIW:
        Uop.setWord(up, Uop.aWord(up) >> load<u32>(up, 8));
        up += 32;
        continue;
      case op.UOP_SRAIW:
        Uop.setWord(up, <u32>((<i32>Uop.aWord(up)) >> load<i32>(up, 8)));
        up += 32;
        continue;
      case op.UOP_SLLW:
        Uop.setWord(up, Uop.aWord(up) << Uop.bWord(up));
        up += 32;
        continue;
      case op.UOP_SRLW:
        Uop.setWord(up, Uop.aWord(up) >> Uop.bWord(up));
        up += 32;
        continue;
      case op.UOP_SRAW:
        Uop.setWord(up, <u32>((<i32>Uop.aWord(up)) >> (<i32>Uop.bWord(up))));
        up += 32;
        continue;
      case op.UOP_MUL:
        Uop.set(up, Uop.a(up) * Uop.b(up));
        up += 32;
        continue;
      case op.UOP_MULH:
        Uop.set(up, md.mulh(Uop.a(up), Uop.b(up)));
        up += 32;
        continue;
      case op.UOP_MULHSU:
        Uop.set(up, md.mulhsu(Uop.a(up), Uop.b(up)));
        up += 32;
        continue;
      case op.UOP_MULHU:
        Uop.set(up, md.mulhu(Uop.a(up), Uop.b(up)));
        up += 32;
        continue;
      case op.UOP_DIV:
        Uop.set(up, md.div(Uop.a(up), Uop.b(up)));
        up += 32;
        continue;
      case op.UOP_DIVU:
        Uop.set(up, md.divu(Uop.a(up), Uop.b(up)));
        up += 32;
        continue;
      case op.UOP_REM:
        Uop.set(up, md.rem(Uop.a(up), Uop.b(up)));
        up += 32;
        continue;
      case op.UOP_REMU:
        Uop.set(up, md.remu(Uop.a(up), Uop.b(up)));
        up += 32;
        continue;
      case op.UOP_MULW:
        Uop.setWord(up, Uop.aWord(up) * Uop.bWord(up));
        up += 32;
        continue;
      case op.UOP_DIVW:
        Uop.setWord(up, md.divw(Uop.aWord(up), Uop.bWord(up)));
        up += 32;
        continue;
      case op.UOP_DIVUW:
        Uop.setWord(up, md.divuw(Uop.aWord(up), Uop.bWord(up)));
        up += 32;
        continue;
      case op.UOP_REMW:
        Uop.setWord(up, md.remw(Uop.aWord(up), Uop.bWord(up)));
        up += 32;
        continue;
      case op.UOP_REMUW:
        Uop.setWord(up, md.remuw(Uop.aWord(up), Uop.bWord(up)));
        up += 32;
        continue;
      case op.UOP_FADD_D:
        number = Uop.x(up) + Uop.y(up);
        if (Uop.isShort(up) && Fast.isNormal(reinterpret<u64>(number))) {
          Uop.set(up, reinterpret<u64>(number));
          up += 32;
          continue;
        }
        if (arithmetic(up)) {
          up += 32;
          continue;
        }
        return halt(STOP_ILLEGAL, page + <u64>((up - block) >> UOP_SCALE), left + Uop.count(up));
      case op.UOP_FSUB_D:
        number = Uop.x(up) - Uop.y(up);
        if (Uop.isShort(up) && Fast.isNormal(reinterpret<u64>(number))) {
          Uop.set(up, reinterpret<u64>(number));
          up += 32;
          continue;
        }
        if (arithmetic(up)) {
          up += 32;
          continue;
        }
        return halt(STOP_ILLEGAL, page + <u64>((up - block) >> UOP_SCALE), left + Uop.count(up));
      case op.UOP_FMUL_D:
        number = Uop.x(up) * Uop.y(up);
        if (Uop.isShort(up) && Fast.isNormal(reinterpret<u64>(number))) {
          Uop.set(up, reinterpret<u64>(number));
          up += 32;
          continue;
        }
        if (arithmetic(up)) {
          up += 32;
          continue;
        }
        return halt(STOP_ILLEGAL, page + <u64>((up - block) >> UOP_SCALE), left + Uop.count(up));
      case op.UOP_FDIV_D:
        number = Uop.x(up) / Uop.y(up);
        if (Uop.isShort(up) && Fast.isNormal(reinterpret<u64>(number))) {
          Uop.set(up, reinterpret<u64>(number));
          up += 32;
          continue;
        }
        if (arithmetic(up)) {
          up += 32;
          continue;
        }
        return halt(STOP_ILLEGAL, page + <u64>((up - block) >> UOP_SCALE), left + Uop.count(up));
      case op.UOP_FMADD_D:
      case op.UOP_FADD_S:
      case op.UOP_FSUB_S:
      case op.UOP_FMUL_S:
      case op.UOP_FDIV_S:
      case op.UOP_FMADD_S:
        if (arithmetic(up)) {
          up += 32;
          continue;
        }
        return halt(STOP_ILLEGAL, page + <u64>((up - block) >> UOP_SCALE), left + Uop.count(up));
      case op.UOP_FLOAT:
        if (floatOther(up)) {
          up += 32;
          continue;
        }
        return halt(STOP_ILLEGAL, page + <u64>((up - block) >> UOP_SCALE), left + Uop.count(up));
      case op.UOP_CSR:
        if (accessCsr(up, base - <u64>(left + Uop.count(up)))) {
          up += 32;
          continue;
        }
        return halt(STOP_ILLEGAL, page + <u64>((up - block) >> UOP_SCALE), left + Uop.count(up));
      case op.UOP_SHIFT_ADD:
        Uop.set(up, (Uop.a(up) << Uop.shift(up)) + Uop.c(up));
        up += 48;
        continue;
      case op.UOP_C_SHIFT_ADD:
        Uop.set(up, (Uop.a(up) << Uop.shift(up)) + Uop.c(up));
        up += 32;
        continue;
      case op.UOP_C_INDEXED_LD:
        indexed = (Uop.a(up) << Uop.shift(up)) + Uop.c(up);
        place = Tlb.rangePlace(mm, indexed, false);
        if (place != 0) {
          Uop.set(up, load<u64>(place));
          up += 48;
          continue;
        }
        // The load itself goes the long way.
        Uop.set(up, indexed);
        up += 32;
        continue;
      case op.UOP_AMO:
        why = atomic(mm, up, stackLimit);
        if (why != STOP_FUEL)
          return halt(why, page + <u64>((up - block) >> UOP_SCALE), left + Uop.count(up));
        up += 32;
        if (!Code.isStale()) continue;
        left += Uop.count(up);
        pc = page + <u64>((up - block) >> UOP_SCALE);
        break;
      case op.UOP_DECODE:
        decodeRun(block, up);
        left -= Uop.count(up);
        if (left >= 0) continue;
        break;
      case op.UOP_PAGE_END:
        pc = page + <u64>((up - block) >> UOP_SCALE);
        break;
      case op.UOP_STRADDLE:
        pc = page + <u64>((up - block) >> UOP_SCALE);
        if (!prepareStep(mm, pc, stackLimit)) return halt(STOP_FAULT, pc, left + 1);
        page = pc;
        block = step;
        up = step;
        here = NOWHERE;
        pc = NOWHERE;
        continue;
      case op.UOP_FAR_JUMP:
        pc = page + <u64>((up - block) >> UOP_SCALE);
        Uop.set(up, pc + <u64>load<u16>(up, 14));
        pc += Uop.imm(up);
        break;
      case op.UOP_FAR_BRANCH:
        pc = page + <u64>((up - block) >> UOP_SCALE);
        if (takes(up)) {
          left += Uop.count(up) - 1;
          pc += Uop.imm(up);
          break;
        }
        up += (<usize>load<u8>(up, 14)) << UOP_SCALE;
        pc = NOWHERE;
        continue;
      case op.UOP_ECALL:
        return halt(STOP_ECALL, page + <u64>((up - block) >> UOP_SCALE) + 4, left);
      case op.UOP_EBREAK:
        return halt(STOP_EBREAK, page + <u64>((up - block) >> UOP_SCALE), left + Uop.count(up));
      default:
        if (load<u8>(up, 1) == 0) {
          return halt(STOP_ILLEGAL, page + <u64>((up - block) >> UOP_SCALE), left + Uop.count(up));
        }
        // The first of a compiled region, which pays for itself.
        left += Uop.count(up);
        paid = left;
        left = enterRegion(mm, block, up, left, page);
        pc = load<u64>(hart, HART_PC);
        if (left != paid) continue;
        // It does not do the first instruction, whose own number the mark hides: that one alone.
        if (!prepareStep(mm, pc, stackLimit)) return halt(STOP_FAULT, pc, left);
        left--;
        page = pc;
        block = step;
        up = step;
        here = NOWHERE;
        pc = NOWHERE;
        continue;
    }
    // An arm that ends here has jumped too far for its fuel, or off the page, or its load or store needs more
    // than a look at the TLB.
    if (left < 0) {
      left += Uop.count(up);
      pc = page + <u64>((up - block) >> UOP_SCALE);
    } else if (pc == NOWHERE) {
      why = slowAccess(mm, up, stackLimit);
      if (why != STOP_FUEL) {
        return halt(why, page + <u64>((up - block) >> UOP_SCALE), left + Uop.count(up));
      }
      up += sizeOf(load<u16>(up));
      if (Code.isStale()) {
        left += Uop.count(up);
        pc = page + <u64>((up - block) >> UOP_SCALE);
      }
    }
  }
}
