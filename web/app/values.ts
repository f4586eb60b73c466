/** A kind of number in memory, little endian. */
export interface ValueKind {
  readonly name: string;
  readonly size: number;
  read(view: DataView): string;
  /** The bytes of a text; null when it is none. */
  write(text: string): Uint8Array | null;
}

function integer(name: string, size: 1 | 2 | 4 | 8): ValueKind {
  const signed = name.startsWith('i');
  const bits = size * 8;
  return {
    name,
    size,
    read: (view) => {
      let value = 0n;
      for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(view.getUint8(i));
      return String(signed ? BigInt.asIntN(bits, value) : value);
    },
    write: (text) => {
      const value = parseInteger(text);
      const least = signed ? -(1n << BigInt(bits - 1)) : 0n;
      const most = signed ? (1n << BigInt(bits - 1)) - 1n : (1n << BigInt(bits)) - 1n;
      if (value === null || value < least || value > most) return null;
      return integerBytes(value, size);
    },
  };
}

function float(name: string, size: 4 | 8): ValueKind {
  return {
    name,
    size,
    read: (view) => String(size === 4 ? view.getFloat32(0, true) : view.getFloat64(0, true)),
    write: (text) => {
      const value = Number(text);
      if (text.trim() === '' || (Number.isNaN(value) && text.trim() !== 'NaN')) return null;
      const view = new DataView(new ArrayBuffer(size));
      if (size === 4) view.setFloat32(0, value, true);
      else view.setFloat64(0, value, true);
      return new Uint8Array(view.buffer);
    },
  };
}

/** The kinds that the inspector shows. */
export const VALUE_KINDS: readonly ValueKind[] = [
  integer('u8', 1),
  integer('i8', 1),
  integer('u16', 2),
  integer('i16', 2),
  integer('u32', 4),
  integer('i32', 4),
  integer('u64', 8),
  integer('i64', 8),
  float('f32', 4),
  float('f64', 8),
];

/** A decimal or 0x… integer, with a sign; null when it is none. */
export function parseInteger(text: string): bigint | null {
  const [, sign, digits] = /^\s*([+-]?)(0x[0-9a-f]+|\d+)\s*$/i.exec(text) ?? [];
  if (digits === undefined) return null;
  return sign === '-' ? -BigInt(digits) : BigInt(digits);
}

/** An integer in little endian. */
export function integerBytes(value: bigint, size: number): Uint8Array {
  const bits = BigInt.asUintN(size * 8, value);
  return Uint8Array.from({ length: size }, (_, i) => Number((bits >> BigInt(i * 8)) & 0xffn));
}

/** Pairs of hex digits, spaces allowed; null when it is none. */
export function parseHexBytes(text: string): Uint8Array | null {
  const digits = text.replace(/\s+/g, '');
  if (digits === '' || digits.length % 2 !== 0 || !/^[0-9a-f]+$/i.test(digits)) return null;
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
