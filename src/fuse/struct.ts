import { EINVAL } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { U64 } from '../vfs/u64.js';

/** Fields in their order; each is as wide as its name says, and none needs padding before it. */
type Layout = Readonly<Record<string, 'u16' | 'u32' | 'i32' | 'u64'>>;

type Values<L extends Layout> = {
  -readonly [K in keyof L]: L[K] extends 'u64' ? U64 : number;
};

/** One field of a structure. */
export interface Field {
  readonly name: string;
  readonly type: Layout[string];
  /** Bytes from the start. */
  readonly offset: number;
}

const WIDTHS = { u16: 2, u32: 4, i32: 4, u64: 8 } as const;
const TWO_32 = 2 ** 32;
/** High halves below this make a number that is exact. */
const SAFE_HIGH = 2 ** 21;

/** A C structure of the host's protocol: little-endian, as every host of Node is. */
export class Struct<const L extends Layout> {
  /** Bytes. */
  readonly size: number;
  readonly fields: readonly Field[];

  constructor(layout: L) {
    let offset = 0;
    this.fields = Object.entries(layout).map(([name, type]) => {
      const field = { name, type, offset };
      offset += WIDTHS[type];
      return field;
    });
    this.size = offset;
  }

  /**
   * The fields at the start of `bytes`; 64-bit values are bigint only where a number is not exact.
   *
   * @throws {LinuxError} EINVAL: cut short
   */
  decode(bytes: Uint8Array): Values<L> {
    if (bytes.length < this.size) fail(EINVAL);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const values: Record<string, U64> = {};
    for (const { name, type, offset } of this.fields) values[name] = get(view, type, offset);
    return values as Values<L>;
  }

  /** Puts the structure at `offset` of `into`, fields left out as 0; returns its size. */
  encode(values: Partial<Values<L>>, into: Uint8Array, offset = 0): number {
    const view = new DataView(into.buffer, into.byteOffset + offset, this.size);
    const given = values as Partial<Record<string, U64>>;
    for (const field of this.fields) set(view, field, given[field.name] ?? 0);
    return this.size;
  }
}

function get(view: DataView, type: Field['type'], offset: number): U64 {
  if (type === 'u32') return view.getUint32(offset, true);
  if (type === 'u16') return view.getUint16(offset, true);
  if (type === 'i32') return view.getInt32(offset, true);
  const high = view.getUint32(offset + 4, true);
  if (high >= SAFE_HIGH) return view.getBigUint64(offset, true);
  return high * TWO_32 + view.getUint32(offset, true);
}

function set(view: DataView, { type, offset }: Field, value: U64): void {
  if (type === 'u64') view.setBigUint64(offset, BigInt(value), true);
  else if (type === 'u16') view.setUint16(offset, Number(value), true);
  else view.setUint32(offset, Number(value) >>> 0, true);
}
