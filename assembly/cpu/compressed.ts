// The C extension: an instruction of two bytes is one of four, written short.

const OP_LOAD: u32 = 0x03;
const OP_LOAD_FP: u32 = 0x07;
const OP_IMM: u32 = 0x13;
const OP_IMM_32: u32 = 0x1b;
const OP_STORE: u32 = 0x23;
const OP_STORE_FP: u32 = 0x27;
const OP: u32 = 0x33;
const OP_LUI: u32 = 0x37;
const OP_32: u32 = 0x3b;
const OP_BRANCH: u32 = 0x63;
const OP_JALR: u32 = 0x67;
const OP_JAL: u32 = 0x6f;
const EBREAK: u32 = 0x00100073;
const SP: u32 = 2;
const RA: u32 = 1;

/** Bits high..low of an instruction, moved to `to`. */
function field(insn: u32, high: u32, low: u32, to: u32): u32 {
  return ((insn >> low) & ((1 << (high - low + 1)) - 1)) << to;
}

function itype(op: u32, f3: u32, rd: u32, rs1: u32, imm: i32): u32 {
  return op | (rd << 7) | (f3 << 12) | (rs1 << 15) | ((<u32>imm) << 20);
}

function rtype(op: u32, f3: u32, f7: u32, rd: u32, rs1: u32, rs2: u32): u32 {
  return op | (rd << 7) | (f3 << 12) | (rs1 << 15) | (rs2 << 20) | (f7 << 25);
}

function stype(op: u32, f3: u32, rs1: u32, rs2: u32, imm: u32): u32 {
  return (
    op | ((imm & 31) << 7) | (f3 << 12) | (rs1 << 15) | (rs2 << 20) | (((imm >> 5) & 127) << 25)
  );
}

function btype(f3: u32, rs1: u32, imm: i32): u32 {
  const at = <u32>imm;
  const low = (((at >> 11) & 1) << 7) | (((at >> 1) & 15) << 8);
  return (
    OP_BRANCH | low | (f3 << 12) | (rs1 << 15) | (((at >> 5) & 63) << 25) | (((at >> 12) & 1) << 31)
  );
}

function jtype(rd: u32, imm: i32): u32 {
  const at = <u32>imm;
  const high = (((at >> 1) & 1023) << 21) | (((at >> 20) & 1) << 31);
  return OP_JAL | (rd << 7) | (at & 0xff000) | (((at >> 11) & 1) << 20) | high;
}

/** Sign-extends the low `bits`. */
function signed(value: u32, bits: u32): i32 {
  return (<i32>(value << (32 - bits))) >> (32 - bits);
}

/** Bytes of the instruction whose first half is `low`. */
export function lengthOf(low: u32): u32 {
  return (low & 3) == 3 ? 4 : 2;
}

/** The instruction that a compressed one stands for; 0, which is illegal, when it stands for none. */
export function expand(c: u32): u32 {
  const f3 = c >> 13;
  switch (c & 3) {
    case 0:
      return expandMemory(c, f3);
    case 1:
      return f3 < 4 ? expandImmediate(c, f3) : f3 == 4 ? expandArith(c) : expandJump(c, f3);
    default:
      return expandStack(c, f3);
  }
}

/** Quadrant 0: loads and stores by the eight popular registers. */
function expandMemory(c: u32, f3: u32): u32 {
  const rd = 8 + field(c, 4, 2, 0);
  const rs1 = 8 + field(c, 9, 7, 0);
  const word = field(c, 12, 10, 3) | field(c, 6, 6, 2) | field(c, 5, 5, 6);
  const double = field(c, 12, 10, 3) | field(c, 6, 5, 6);
  switch (f3) {
    case 0: {
      const imm = field(c, 12, 11, 4) | field(c, 10, 7, 6) | field(c, 6, 6, 2) | field(c, 5, 5, 3);
      return imm == 0 ? 0 : itype(OP_IMM, 0, rd, SP, imm);
    }
    case 1:
      return itype(OP_LOAD_FP, 3, rd, rs1, double);
    case 2:
      return itype(OP_LOAD, 2, rd, rs1, word);
    case 3:
      return itype(OP_LOAD, 3, rd, rs1, double);
    case 5:
      return stype(OP_STORE_FP, 3, rs1, rd, double);
    case 6:
      return stype(OP_STORE, 2, rs1, rd, word);
    case 7:
      return stype(OP_STORE, 3, rs1, rd, double);
    default:
      return 0;
  }
}

/** Quadrant 1: addi, addiw, li, lui, addi16sp. */
function expandImmediate(c: u32, f3: u32): u32 {
  const rd = field(c, 11, 7, 0);
  const imm = signed(field(c, 12, 12, 5) | field(c, 6, 2, 0), 6);
  if (f3 == 0) return itype(OP_IMM, 0, rd, rd, imm);
  if (f3 == 1) return rd == 0 ? 0 : itype(OP_IMM_32, 0, rd, rd, imm);
  if (f3 == 2) return itype(OP_IMM, 0, rd, 0, imm);
  if (imm == 0) return 0;
  if (rd != SP) return OP_LUI | (rd << 7) | ((<u32>imm) << 12);
  const high = field(c, 12, 12, 9) | field(c, 4, 3, 7) | field(c, 5, 5, 6);
  return itype(OP_IMM, 0, SP, SP, signed(high | field(c, 2, 2, 5) | field(c, 6, 6, 4), 10));
}

/** Quadrant 1: shifts to the right, andi, and arithmetic of two registers. */
function expandArith(c: u32): u32 {
  const rd = 8 + field(c, 9, 7, 0);
  const rs2 = 8 + field(c, 4, 2, 0);
  const imm = field(c, 12, 12, 5) | field(c, 6, 2, 0);
  switch (field(c, 11, 10, 0)) {
    case 0:
      return itype(OP_IMM, 5, rd, rd, imm);
    case 1:
      return itype(OP_IMM, 5, rd, rd, imm | 0x400);
    case 2:
      return itype(OP_IMM, 7, rd, rd, signed(imm, 6));
  }
  switch (field(c, 12, 12, 2) | field(c, 6, 5, 0)) {
    case 0:
      return rtype(OP, 0, 0x20, rd, rd, rs2);
    case 1:
      return rtype(OP, 4, 0, rd, rd, rs2);
    case 2:
      return rtype(OP, 6, 0, rd, rd, rs2);
    case 3:
      return rtype(OP, 7, 0, rd, rd, rs2);
    case 4:
      return rtype(OP_32, 0, 0x20, rd, rd, rs2);
    case 5:
      return rtype(OP_32, 0, 0, rd, rd, rs2);
    default:
      return 0;
  }
}

/** Quadrant 1: j, beqz, bnez. */
function expandJump(c: u32, f3: u32): u32 {
  if (f3 == 5) {
    const middle = field(c, 11, 11, 4) | field(c, 10, 9, 8) | field(c, 8, 8, 10);
    const low = field(c, 7, 7, 6) | field(c, 6, 6, 7) | field(c, 5, 3, 1) | field(c, 2, 2, 5);
    return jtype(0, signed(field(c, 12, 12, 11) | middle | low, 12));
  }
  const imm = field(c, 12, 12, 8) | field(c, 11, 10, 3) | field(c, 6, 5, 6) | field(c, 4, 3, 1);
  return btype(f3 - 6, 8 + field(c, 9, 7, 0), signed(imm | field(c, 2, 2, 5), 9));
}

/** Quadrant 2: slli, loads and stores by sp, jr, jalr, mv, add, ebreak. */
function expandStack(c: u32, f3: u32): u32 {
  const rd = field(c, 11, 7, 0);
  const rs2 = field(c, 6, 2, 0);
  const word = field(c, 12, 12, 5) | field(c, 6, 4, 2) | field(c, 3, 2, 6);
  const double = field(c, 12, 12, 5) | field(c, 6, 5, 3) | field(c, 4, 2, 6);
  switch (f3) {
    case 0:
      return itype(OP_IMM, 1, rd, rd, field(c, 12, 12, 5) | rs2);
    case 1:
      return itype(OP_LOAD_FP, 3, rd, SP, double);
    case 2:
      return rd == 0 ? 0 : itype(OP_LOAD, 2, rd, SP, word);
    case 3:
      return rd == 0 ? 0 : itype(OP_LOAD, 3, rd, SP, double);
    case 4:
      return expandRegisters(field(c, 12, 12, 0), rd, rs2);
    case 5:
      return stype(OP_STORE_FP, 3, SP, rs2, field(c, 12, 10, 3) | field(c, 9, 7, 6));
    case 6:
      return stype(OP_STORE, 2, SP, rs2, field(c, 12, 9, 2) | field(c, 8, 7, 6));
    default:
      return stype(OP_STORE, 3, SP, rs2, field(c, 12, 10, 3) | field(c, 9, 7, 6));
  }
}

function expandRegisters(bit12: u32, rd: u32, rs2: u32): u32 {
  if (rs2 != 0) return rtype(OP, 0, 0, rd, bit12 ? rd : 0, rs2);
  if (rd == 0) return bit12 ? EBREAK : 0;
  return itype(OP_JALR, 0, bit12 ? RA : 0, rd, 0);
}
