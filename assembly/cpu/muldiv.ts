// The M extension where wasm has no such instruction, or one that traps.

/** The upper half of the product of two unsigned words. */
export function mulhu(a: u64, b: u64): u64 {
  const al = a & 0xffffffff;
  const ah = a >> 32;
  const bl = b & 0xffffffff;
  const bh = b >> 32;
  const middle = ah * bl + ((al * bl) >> 32);
  return ah * bh + (middle >> 32) + ((al * bh + (middle & 0xffffffff)) >> 32);
}

export function mulh(a: u64, b: u64): u64 {
  return mulhu(a, b) - ((<u64>((<i64>a) >> 63)) & b) - ((<u64>((<i64>b) >> 63)) & a);
}

/** Signed by unsigned. */
export function mulhsu(a: u64, b: u64): u64 {
  return mulhu(a, b) - ((<u64>((<i64>a) >> 63)) & b);
}

// Division never traps: by zero the quotient is all ones and the remainder the dividend; the one quotient
// that does not fit wraps.

export function div(a: u64, b: u64): u64 {
  if (b == 0) return u64.MAX_VALUE;
  return b == u64.MAX_VALUE ? 0 - a : <u64>(<i64>a / <i64>b);
}

export function divu(a: u64, b: u64): u64 {
  return b == 0 ? u64.MAX_VALUE : a / b;
}

export function rem(a: u64, b: u64): u64 {
  if (b == 0) return a;
  return b == u64.MAX_VALUE ? 0 : <u64>(<i64>a % <i64>b);
}

export function remu(a: u64, b: u64): u64 {
  return b == 0 ? a : a % b;
}

export function divw(a: u32, b: u32): u32 {
  if (b == 0) return u32.MAX_VALUE;
  return b == u32.MAX_VALUE ? 0 - a : <u32>(<i32>a / <i32>b);
}

export function divuw(a: u32, b: u32): u32 {
  return b == 0 ? u32.MAX_VALUE : a / b;
}

export function remw(a: u32, b: u32): u32 {
  if (b == 0) return a;
  return b == u32.MAX_VALUE ? 0 : <u32>(<i32>a % <i32>b);
}

export function remuw(a: u32, b: u32): u32 {
  return b == 0 ? a : a % b;
}
