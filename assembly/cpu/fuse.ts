// Instructions that compilers put side by side to index an array, done by one micro-operation: less to look up,
// and no way through a register in memory between them. Only the first one's micro-operation becomes another;
// those behind it stay what they are, for jumps into the middle and for whatever the short way cannot do. They
// are paid for already, so that nothing else knows of it.
//
//   slli rd, rs1, n         rd = (rs1 << n) + rs2
//   c.add rd, rs2
//   c.ld rd, 0(rd)          rd = the doubleword there, where the shift is a c.slli
import { HART_SINK } from '../abi/cpu';
import * as op from '../abi/uop';

/** The micro-operation at `last` was decoded behind the one at `before`: fuses what belongs together. */
export function fuse(before: usize, last: usize): void {
  const number = <u32>load<u16>(last);
  if (number == op.UOP_C_ADD) fuseAdd(before, last);
  else if (number == op.UOP_C_LD) fuseLoad(before, last);
}

function fuseAdd(shift: usize, add: usize): void {
  const number = <u32>load<u16>(shift);
  if ((number | 1) != op.UOP_C_SLLI) return;
  const target = load<u16>(add, 2);
  const other = load<u16>(add, 6);
  // What is added must not be what was shifted.
  if (target == HART_SINK || load<u16>(shift, 2) != target || other == target) return;
  store<u16>(shift, <u16>(number == op.UOP_SLLI ? op.UOP_SHIFT_ADD : op.UOP_C_SHIFT_ADD));
  store<u16>(shift, other, 14);
}

function fuseLoad(add: usize, ld: usize): void {
  // The two that index are in front, of two bytes each, the first of them fused.
  const shift = add - 16;
  if (load<u16>(add) != op.UOP_C_ADD || load<u16>(shift) != op.UOP_C_SHIFT_ADD) return;
  const target = load<u16>(ld, 2);
  if (load<u16>(ld, 4) != target || load<u16>(add, 2) != target || load<i32>(ld, 8) != 0) return;
  store<u16>(shift, op.UOP_C_INDEXED_LD);
}
