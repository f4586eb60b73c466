// As much of WebAssembly's binary format as a module of functions needs: opcodes, numbers, sections.
// Names are those of the specification's text format, a dot written as `_`.

export const UNREACHABLE = 0x00;
export const BLOCK = 0x02;
export const LOOP = 0x03;
export const IF = 0x04;
export const ELSE = 0x05;
export const END = 0x0b;
export const BR = 0x0c;
export const BR_IF = 0x0d;
export const BR_TABLE = 0x0e;
export const CALL = 0x10;
export const DROP = 0x1a;
export const LOCAL_GET = 0x20;
export const LOCAL_SET = 0x21;
export const LOCAL_TEE = 0x22;
export const I32_LOAD = 0x28;
export const I64_LOAD = 0x29;
export const F64_LOAD = 0x2b;
export const I32_LOAD8_U = 0x2d;
export const I64_LOAD8_S = 0x30;
export const I64_LOAD8_U = 0x31;
export const I64_LOAD16_S = 0x32;
export const I64_LOAD16_U = 0x33;
export const I64_LOAD32_S = 0x34;
export const I64_LOAD32_U = 0x35;
export const I64_STORE = 0x37;
export const F64_STORE = 0x39;
export const I64_STORE8 = 0x3c;
export const I64_STORE16 = 0x3d;
export const I64_STORE32 = 0x3e;
export const I32_CONST = 0x41;
export const I64_CONST = 0x42;
export const F64_CONST = 0x44;
export const I32_EQZ = 0x45;
export const I32_EQ = 0x46;
export const I32_LT_S = 0x48;
export const I32_LT_U = 0x49;
export const I64_EQZ = 0x50;
export const I64_EQ = 0x51;
export const I64_NE = 0x52;
export const I64_LT_S = 0x53;
export const I64_LT_U = 0x54;
export const I64_LE_U = 0x58;
export const I64_GE_S = 0x59;
export const I64_GE_U = 0x5a;
export const F64_EQ = 0x61;
export const F64_LT = 0x63;
export const F64_LE = 0x65;
export const F64_GE = 0x66;
export const I32_ADD = 0x6a;
export const I32_SUB = 0x6b;
export const I32_MUL = 0x6c;
export const I32_DIV_S = 0x6d;
export const I32_DIV_U = 0x6e;
export const I32_REM_S = 0x6f;
export const I32_REM_U = 0x70;
export const I32_AND = 0x71;
export const I32_SHL = 0x74;
export const I32_SHR_S = 0x75;
export const I32_SHR_U = 0x76;
export const I64_ADD = 0x7c;
export const I64_SUB = 0x7d;
export const I64_MUL = 0x7e;
export const I64_DIV_S = 0x7f;
export const I64_DIV_U = 0x80;
export const I64_REM_S = 0x81;
export const I64_REM_U = 0x82;
export const I64_AND = 0x83;
export const I64_OR = 0x84;
export const I64_XOR = 0x85;
export const I64_SHL = 0x86;
export const I64_SHR_S = 0x87;
export const I64_SHR_U = 0x88;
export const F32_ADD = 0x92;
export const F64_ABS = 0x99;
export const F64_NEG = 0x9a;
export const F64_ADD = 0xa0;
export const F64_COPYSIGN = 0xa6;
export const I32_WRAP_I64 = 0xa7;
export const I32_TRUNC_F64_S = 0xaa;
export const I64_EXTEND_I32_S = 0xac;
export const I64_EXTEND_I32_U = 0xad;
export const I64_TRUNC_F64_S = 0xb0;
export const F64_CONVERT_I32_S = 0xb7;
export const F64_CONVERT_I64_S = 0xb9;
export const I32_REINTERPRET_F32 = 0xbc;
export const I64_REINTERPRET_F64 = 0xbd;
export const F32_REINTERPRET_I32 = 0xbe;
export const F64_REINTERPRET_I64 = 0xbf;

export const VOID = 0x40;
export const I32 = 0x7f;
export const I64 = 0x7e;
export const F32 = 0x7d;
export const F64 = 0x7c;

/** Bytes that grow. */
export class Bytes {
  length = 0;
  private bytes = new Uint8Array(4096);

  get view(): Uint8Array<ArrayBuffer> {
    return this.bytes.subarray(0, this.length);
  }

  private reserve(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const grown = new Uint8Array(2 * (this.length + more));
    grown.set(this.view);
    this.bytes = grown;
  }

  byte(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  append(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** LEB128, unsigned. */
  unsigned(value: number): void {
    for (; value > 127; value = Math.floor(value / 128)) this.byte((value % 128) | 128);
    this.byte(value);
  }

  /** LEB128, signed, of any integer that a number holds. */
  signed(value: number): void {
    for (; value < -64 || value > 63; value = Math.floor(value / 128)) {
      this.byte((((value % 128) + 128) % 128) | 128);
    }
    this.byte(value & 127);
  }

  /** A double, of which the upper half tells all. */
  double(value: number): void {
    this.append(new Uint8Array(Float64Array.of(value).buffer));
  }

  /** What follows its length. */
  sized(bytes: Uint8Array): void {
    this.unsigned(bytes.length);
    this.append(bytes);
  }
}

/** A function's parameters, and its one result. */
export interface Signature {
  readonly params: readonly number[];
  readonly result: number;
}

/** A module that imports `env.memory` and the functions of `imports`, and exports its functions by their numbers. */
export function encodeModule(
  imports: readonly (readonly [name: string, signature: Signature])[],
  functions: readonly (readonly [signature: Signature, body: Uint8Array])[],
): Uint8Array<ArrayBuffer> {
  const out = new Bytes();
  out.append(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
  const section = (id: number, count: number, write: (at: Bytes) => void): void => {
    const at = new Bytes();
    at.unsigned(count);
    write(at);
    out.byte(id);
    out.sized(at.view);
  };
  const name = (at: Bytes, text: string): void => at.sized(new TextEncoder().encode(text));
  const own = imports.length;
  const signatures = [...imports.map((each) => each[1]), ...functions.map((each) => each[0])];
  section(1, signatures.length, (at) => {
    for (const { params, result } of signatures) {
      at.byte(0x60);
      at.sized(Uint8Array.from(params));
      at.sized(Uint8Array.of(result));
    }
  });
  section(2, own + 1, (at) => {
    name(at, 'env');
    name(at, 'memory');
    at.append(Uint8Array.of(2, 0, 0));
    imports.forEach(([each], i) => {
      name(at, 'env');
      name(at, each);
      at.byte(0);
      at.unsigned(i);
    });
  });
  section(3, functions.length, (at) => functions.forEach((_, i) => at.unsigned(own + i)));
  section(7, functions.length, (at) => {
    functions.forEach((_, i) => {
      name(at, String(i));
      at.byte(0);
      at.unsigned(own + i);
    });
  });
  section(10, functions.length, (at) => functions.forEach(([, body]) => at.sized(body)));
  return out.view;
}
