// Instructions of RV64GC to micro-operations: the unprivileged specification's opcode map (chapter 34).
import { HART_SINK, RM_DYN, RM_RMM, RM_RNE } from '../abi/cpu';
import { BLOCK_FRAME } from '../abi/jit';
import { PAGE_SIZE } from '../abi/page';
import * as op from '../abi/uop';
import { expand, lengthOf } from './compressed';
import { fuse } from './fuse';
import { FCSR_SHORT, fPlace, UOP_SCALE, UOP_SIZE, xPlace, xTarget } from './uop';

const PAGE_END: usize = (<usize>PAGE_SIZE) << UOP_SCALE;
const LAST_PARCEL: usize = PAGE_SIZE - 2;

/** What emit() is to write: where, and about which instruction. */
let at: usize = 0;
let insn: u32 = 0;
let length: u32 = 0;
/** Offset in the page that branches are measured from; beyond it when none may stay in the page. */
let offset: i32 = 0;
const NOWHERE: i32 = 1 << 24;

function rd(): u32 {
  return (insn >> 7) & 31;
}

function rs1(): u32 {
  return (insn >> 15) & 31;
}

function rs2(): u32 {
  return (insn >> 20) & 31;
}

function funct3(): u32 {
  return (insn >> 12) & 7;
}

function funct7(): u32 {
  return insn >> 25;
}

function immI(): i32 {
  return (<i32>insn) >> 20;
}

function immS(): i32 {
  return (((<i32>insn) >> 25) << 5) | (<i32>rd());
}

function immB(): i32 {
  const low = (((insn >> 8) & 15) << 1) | (((insn >> 25) & 63) << 5) | (((insn >> 7) & 1) << 11);
  return (((<i32>insn) >> 31) << 12) | (<i32>low);
}

function immJ(): i32 {
  const low = (((insn >> 21) & 1023) << 1) | (((insn >> 20) & 1) << 11) | (insn & 0xff000);
  return (((<i32>insn) >> 31) << 20) | (<i32>low);
}

function put(number: u32, target: u32, a: u32, b: u32, imm: i32): bool {
  store<u16>(at, <u16>number);
  store<u16>(at, <u16>target, 2);
  store<u16>(at, <u16>a, 4);
  store<u16>(at, <u16>b, 6);
  store<i32>(at, imm, 8);
  return false;
}

/** The member of a pair for this length. */
function pair(number: u32): u32 {
  return length == 2 ? number + 1 : number;
}

function illegal(): bool {
  put(op.UOP_ILLEGAL, HART_SINK, 0, 0, <i32>insn);
  return true;
}

/** rd = rs1 op imm */
function putI(number: u32): bool {
  return put(number, xTarget(rd()), xPlace(rs1()), 0, immI());
}

/** rd = rs1 op rs2 */
function putR(number: u32): bool {
  return put(number, xTarget(rd()), xPlace(rs1()), xPlace(rs2()), 0);
}

/** Something rare, which looks at the instruction itself. */
function putRaw(number: u32): bool {
  return put(number, xTarget(rd()), xPlace(rs1()), xPlace(rs2()), <i32>insn);
}

/**
 * Writes the micro-operation of one instruction; true when what follows it is never run on to.
 *
 * @param from offset in the page, or -1 for one that is executed alone: its jumps leave the page
 */
export function emit(to: usize, word: u32, bytes: u32, from: i32): bool {
  at = to;
  insn = word;
  length = bytes;
  offset = from < 0 ? NOWHERE : from;
  if ((word & 3) != 3) return illegal();
  switch ((word >> 2) & 31) {
    case 0:
      return emitLoad();
    case 1:
      return emitLoadFloat();
    case 3:
      return funct3() < 2 ? put(pair(op.UOP_ADDI), HART_SINK, 0, 0, 0) : illegal();
    case 4:
      return emitImm();
    case 5:
      return put(op.UOP_AUIPC, xTarget(rd()), 0, 0, <i32>(insn & 0xfffff000));
    case 6:
      return emitImm32();
    case 8:
      return emitStore();
    case 9:
      return emitStoreFloat();
    case 11:
      return emitAtomic();
    case 12:
      return emitOp();
    case 13:
      return put(pair(op.UOP_LI), xTarget(rd()), 0, 0, <i32>(insn & 0xfffff000));
    case 14:
      return emitOp32();
    case 16:
    case 17:
    case 18:
    case 19:
      return emitFused();
    case 20:
      return emitFloat();
    case 24:
      return emitBranch();
    case 25:
      return emitJalr();
    case 27:
      return emitJal();
    case 28:
      return emitSystem();
    default:
      return illegal();
  }
}

function emitLoad(): bool {
  switch (funct3()) {
    case 0:
      return putI(op.UOP_LB);
    case 1:
      return putI(op.UOP_LH);
    case 2:
      return putI(pair(op.UOP_LW));
    case 3:
      return putI(pair(op.UOP_LD));
    case 4:
      return putI(op.UOP_LBU);
    case 5:
      return putI(op.UOP_LHU);
    case 6:
      return putI(op.UOP_LWU);
    default:
      return illegal();
  }
}

function emitLoadFloat(): bool {
  const width = funct3();
  if (width != 2 && width != 3) return illegal();
  const number = width == 2 ? op.UOP_FLW : pair(op.UOP_FLD);
  return put(number, fPlace(rd()), xPlace(rs1()), 0, immI());
}

function emitStore(): bool {
  const f3 = funct3();
  if (f3 > 3) return illegal();
  const number =
    f3 == 0 ? op.UOP_SB : f3 == 1 ? op.UOP_SH : f3 == 2 ? pair(op.UOP_SW) : pair(op.UOP_SD);
  return put(number, HART_SINK, xPlace(rs1()), xPlace(rs2()), immS());
}

function emitStoreFloat(): bool {
  const width = funct3();
  if (width != 2 && width != 3) return illegal();
  const number = width == 2 ? op.UOP_FSW : pair(op.UOP_FSD);
  return put(number, HART_SINK, xPlace(rs1()), fPlace(rs2()), immS());
}

function emitImm(): bool {
  const top = insn >> 26;
  const amount = <i32>((insn >> 20) & 63);
  switch (funct3()) {
    case 0:
      if (rs1() == 0) return put(pair(op.UOP_LI), xTarget(rd()), 0, 0, immI());
      return putI(immI() == 0 ? pair(op.UOP_MV) : pair(op.UOP_ADDI));
    case 1:
      if (top != 0) return illegal();
      return put(pair(op.UOP_SLLI), xTarget(rd()), xPlace(rs1()), 0, amount);
    case 2:
      return putI(op.UOP_SLTI);
    case 3:
      return putI(op.UOP_SLTIU);
    case 4:
      return putI(op.UOP_XORI);
    case 5:
      if (top != 0 && top != 0x10) return illegal();
      return put(
        pair(top == 0 ? op.UOP_SRLI : op.UOP_SRAI),
        xTarget(rd()),
        xPlace(rs1()),
        0,
        amount,
      );
    case 6:
      return putI(op.UOP_ORI);
    default:
      return putI(pair(op.UOP_ANDI));
  }
}

function emitImm32(): bool {
  const f3 = funct3();
  const f7 = funct7();
  if (f3 == 0) return putI(pair(op.UOP_ADDIW));
  const target = xTarget(rd());
  const amount = <i32>rs2();
  if (f3 == 1 && f7 == 0) return put(op.UOP_SLLIW, target, xPlace(rs1()), 0, amount);
  if (f3 != 5 || (f7 & ~0x20) != 0) return illegal();
  return put(f7 == 0 ? op.UOP_SRLIW : op.UOP_SRAIW, target, xPlace(rs1()), 0, amount);
}

function emitOp(): bool {
  const f3 = funct3();
  const f7 = funct7();
  if (f7 == 1) return putR(op.UOP_MUL + f3);
  if (f7 == 0x20) {
    if (f3 == 0) return putR(pair(op.UOP_SUB));
    return f3 == 5 ? putR(op.UOP_SRA) : illegal();
  }
  if (f7 != 0) return illegal();
  switch (f3) {
    case 0:
      // c.mv is an addition to x0.
      if (rs1() == 0) return put(pair(op.UOP_MV), xTarget(rd()), xPlace(rs2()), 0, 0);
      return putR(pair(op.UOP_ADD));
    case 1:
      return putR(op.UOP_SLL);
    case 2:
      return putR(op.UOP_SLT);
    case 3:
      return putR(op.UOP_SLTU);
    case 4:
      return putR(pair(op.UOP_XOR));
    case 5:
      return putR(op.UOP_SRL);
    case 6:
      return putR(pair(op.UOP_OR));
    default:
      return putR(pair(op.UOP_AND));
  }
}

function emitOp32(): bool {
  const f3 = funct3();
  const f7 = funct7();
  if (f7 == 1) {
    if (f3 == 0) return putR(op.UOP_MULW);
    return f3 < 4 ? illegal() : putR(op.UOP_DIVW + (f3 - 4));
  }
  if (f7 == 0) {
    if (f3 == 0) return putR(pair(op.UOP_ADDW));
    if (f3 == 1) return putR(op.UOP_SLLW);
    return f3 == 5 ? putR(op.UOP_SRLW) : illegal();
  }
  if (f7 != 0x20) return illegal();
  if (f3 == 0) return putR(pair(op.UOP_SUBW));
  return f3 == 5 ? putR(op.UOP_SRAW) : illegal();
}

/** The A extension: eleven values of funct5; lr has no second operand. */
function emitAtomic(): bool {
  const width = funct3();
  const f5 = insn >> 27;
  if (width != 2 && width != 3) return illegal();
  if (f5 == 2 && rs2() != 0) return illegal();
  if (f5 > 4 && (f5 & 3) != 0) return illegal();
  return putRaw(op.UOP_AMO);
}

function emitFused(): bool {
  const format = (insn >> 25) & 3;
  const rm = funct3();
  if (format > 1 || (rm > <u32>RM_RMM && rm != RM_DYN)) return illegal();
  // fmadd 0, fmsub 1, fnmsub 2, fnmadd 3: bit 0 negates the addend, bit 1 the product.
  const negations = (insn >> 2) & 3;
  put(
    format == 0 ? op.UOP_FMADD_S : op.UOP_FMADD_D,
    fPlace(rd()),
    fPlace(rs1()),
    fPlace(rs2()),
    <i32>(rm | (negations << 3)),
  );
  store<u16>(at, <u16>fPlace(insn >> 27), 14);
  return false;
}

function emitFloat(): bool {
  const f7 = funct7();
  const rm = funct3();
  if ((f7 & 0x72) != 0 || (f7 & 3) > 1 || f7 > 0xd) return putRaw(op.UOP_FLOAT);
  if (rm > <u32>RM_RMM && rm != RM_DYN) return illegal();
  const base = f7 & 1 ? op.UOP_FADD_D : op.UOP_FADD_S;
  put(base + (f7 >> 2), fPlace(rd()), fPlace(rs1()), fPlace(rs2()), <i32>rm);
  // Where fcsr decides, or agrees: what of it must be as float.ts's shortest way wants it.
  store<u16>(at, rm == RM_RNE || rm == RM_DYN ? FCSR_SHORT : 0, 14);
  return false;
}

/** Whether a jump by `distance` stays in the page. */
function isLocal(distance: i32): bool {
  return <u32>(offset + distance) < <u32>PAGE_SIZE;
}

function emitBranch(): bool {
  const f3 = funct3();
  if (f3 == 2 || f3 == 3) return illegal();
  const distance = immB();
  if (isLocal(distance)) {
    const number = f3 < 2 ? pair(f3 == 0 ? op.UOP_BEQ : op.UOP_BNE) : <u32>op.UOP_BLT + (f3 - 4);
    return put(number, HART_SINK, xPlace(rs1()), xPlace(rs2()), distance << (<i32>UOP_SCALE));
  }
  put(op.UOP_FAR_BRANCH, HART_SINK, xPlace(rs1()), xPlace(rs2()), distance);
  store<u16>(at, <u16>(length | (f3 << 8)), 14);
  return false;
}

function emitJal(): bool {
  const distance = immJ();
  if (!isLocal(distance)) {
    put(op.UOP_FAR_JUMP, xTarget(rd()), 0, 0, distance);
    store<u16>(at, <u16>length, 14);
  } else {
    const number = rd() == 0 ? pair(op.UOP_J) : op.UOP_JAL;
    put(number, xTarget(rd()), 0, 0, distance << (<i32>UOP_SCALE));
  }
  return true;
}

function emitJalr(): bool {
  if (funct3() != 0) return illegal();
  putI(pair(rd() == 0 ? op.UOP_JR : op.UOP_JALR));
  return true;
}

function emitSystem(): bool {
  if (funct3() == 4) return illegal();
  if (funct3() != 0) return putRaw(op.UOP_CSR);
  if (insn == 0x73) put(op.UOP_ECALL, HART_SINK, 0, 0, 0);
  else if (insn == 0x100073) put(op.UOP_EBREAK, HART_SINK, 0, 0, 0);
  else return illegal();
  return true;
}

/** Decodes from `up` on to the next instruction that always jumps, or to where decoding has been. */
export function decodeRun(block: usize, up: usize): void {
  const frame = <usize>load<u32>(block + BLOCK_FRAME);
  let next = up;
  let before: usize = 0;
  let count: u32 = 0;
  let ends = false;
  while (!ends && load<u16>(next) == op.UOP_DECODE) {
    const from = (next - block) >> UOP_SCALE;
    const low = load<u16>(frame + from);
    const bytes = lengthOf(low);
    count++;
    if (bytes == 4 && from == LAST_PARCEL) {
      store<u16>(next, op.UOP_STRADDLE);
      ends = true;
    } else {
      const word = bytes == 2 ? expand(low) : load<u32>(frame + from);
      ends = emit(next, word, bytes, <i32>from);
      if (before != 0) fuse(before, next);
      before = next;
      next += (<usize>bytes) << UOP_SCALE;
    }
  }
  if (!ends) count += load<u16>(next, 12);
  let left = up;
  while (left != next || ends) {
    store<u16>(left, <u16>count, 12);
    count--;
    if (count == 0) break;
    left += (<usize>lengthOf(load<u16>(frame + ((left - block) >> UOP_SCALE)))) << UOP_SCALE;
  }
}
