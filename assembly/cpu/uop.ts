// A micro-operation: what an instruction decodes to, 16 bytes.
//
//   +0   u16   UOP_*
//   +2   u16   place of the destination in the register file (HART_SINK for x0)
//   +4   u16   place of the first source
//   +6   u16   place of the second source
//   +8   i32   immediate; of a branch in its page the distance in bytes of micro-operations; of
//              floating point the rounding mode or the instruction itself
//   +12  u16   instructions from here to the next that always jumps, both included: what is paid in advance
//   +14  u16   third source; length in bytes where the number does not tell it
import { FLAG_NX, HART_F, HART_FCSR, HART_SIZE, HART_SINK } from '../abi/cpu';

export const UOP_SIZE: usize = 16;
/** Micro-operations lie eight times as far apart as their instructions. */
export const UOP_SCALE: usize = 3;

/** Of fcsr: rounding to nearest, and inexact raised already, is the flag NX alone of these bits. */
export const FCSR_SHORT: u16 = 0xe1;

/** The state of the hart that runs: abi/cpu.ts. */
export const hart = memory.data(HART_SIZE, 16);

/** Where an integer register is read. */
export function xPlace(number: u32): u32 {
  return number << 3;
}

/** Where one is written. */
export function xTarget(number: u32): u32 {
  return number == 0 ? HART_SINK : number << 3;
}

export function fPlace(number: u32): u32 {
  return HART_F + (number << 3);
}

/** Operands of the micro-operation at `up`: in a class, for only its methods can be made inline. */
export class Uop {
  @inline
  static imm(up: usize): u64 {
    return <u64>(<i64>load<i32>(up, 8));
  }

  @inline
  static distance(up: usize): usize {
    return <usize>load<i32>(up, 8);
  }

  @inline
  static shift(up: usize): u64 {
    return load<u32>(up, 8) as u64;
  }

  @inline
  static a(up: usize): u64 {
    return load<u64>(<usize>load<u16>(up, 4), hart);
  }

  @inline
  static b(up: usize): u64 {
    return load<u64>(<usize>load<u16>(up, 6), hart);
  }

  @inline
  static c(up: usize): u64 {
    return load<u64>(<usize>load<u16>(up, 14), hart);
  }

  @inline
  static aWord(up: usize): u32 {
    return load<u32>(<usize>load<u16>(up, 4), hart);
  }

  @inline
  static bWord(up: usize): u32 {
    return load<u32>(<usize>load<u16>(up, 6), hart);
  }

  @inline
  static set(up: usize, value: u64): void {
    store<u64>(<usize>load<u16>(up, 2), value, hart);
  }

  /** Whether wasm's operation is the whole of this one, if its result is comfortably normal. */
  @inline
  static isShort(up: usize): bool {
    return (load<u32>(hart, HART_FCSR) & load<u16>(up, 14)) == FLAG_NX;
  }

  @inline
  static x(up: usize): f64 {
    return load<f64>(<usize>load<u16>(up, 4), hart);
  }

  @inline
  static y(up: usize): f64 {
    return load<f64>(<usize>load<u16>(up, 6), hart);
  }

  /** A 32-bit result, sign-extended. */
  @inline
  static setWord(up: usize, value: u32): void {
    store<u64>(<usize>load<u16>(up, 2), <u64>(<i64>(<i32>value)), hart);
  }

  @inline
  static address(up: usize): u64 {
    return Uop.a(up) + Uop.imm(up);
  }

  @inline
  static count(up: usize): i32 {
    return load<u16>(up, 12);
  }
}
