import { LzmaDecoder, LzmaError } from './lzma.js';

/** What is wrong with an .xz file, and where. */
export class XzError extends Error {
  override readonly name = 'XzError';
}

const MAGIC = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00];
const LZMA2 = 0x21;
/** Bytes of a check, by its type. */
const CHECK_SIZES = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64];
const CHECK_CRC32 = 1;

/**
 * Unpacks the first stream of an .xz file whose only filter is LZMA2, as xz writes unless told
 * otherwise. CRC32 is checked; other checks are passed over.
 *
 * @param limit bytes at most: a file of a kilobyte can claim gigabytes
 * @throws {XzError} it is no such file, damaged, or larger than `limit` unpacked
 * @see The .xz File Format, version 1.2.1
 */
export function unpackXz(bytes: Uint8Array, limit: number): Uint8Array {
  if (MAGIC.some((byte, i) => bytes[i] !== byte)) throw new XzError('offset 0x0: not an .xz file');
  const check = (bytes[7] ?? 0) & 15;
  const blocks: Uint8Array[] = [];
  let total = 0;
  let at = 12;
  // A block header of size 0 is the index that ends the stream.
  while ((bytes[at] ?? 0) !== 0) {
    const block = unpackBlock(bytes, at, limit - total, check);
    blocks.push(block.bytes);
    total += block.bytes.length;
    at = block.end;
  }
  if (at >= bytes.length) throw new XzError(`offset 0x${at.toString(16)}: the file is cut short`);
  return blocks.length === 1 ? (blocks[0] ?? new Uint8Array(0)) : concat(blocks, total);
}

interface Block {
  readonly bytes: Uint8Array;
  readonly end: number;
}

function unpackBlock(bytes: Uint8Array, start: number, limit: number, check: number): Block {
  const headerSize = ((bytes[start] ?? 0) + 1) * 4;
  checkFilter(bytes, start);
  const first = start + headerSize;
  const chunks = measure(bytes, first);
  if (chunks.unpacked > limit) throw new XzError(`more than ${limit} bytes unpacked`);
  const out = new Uint8Array(chunks.unpacked);
  try {
    unpackLzma2(bytes, first, out);
  } catch (error) {
    if (error instanceof LzmaError)
      throw new XzError(`the block at 0x${start.toString(16)}: ${error.message}`);
    throw error;
  }
  const checkAt = chunks.end + ((4 - ((chunks.end - first) % 4)) % 4);
  const end = checkAt + (CHECK_SIZES[check] ?? 0);
  if (end > bytes.length)
    throw new XzError(`offset 0x${checkAt.toString(16)}: the file is cut short`);
  if (check === CHECK_CRC32 && crc32(out) !== view(bytes).getUint32(checkAt, true)) {
    throw new XzError(`offset 0x${checkAt.toString(16)}: the checksum is another one`);
  }
  return { bytes: out, end };
}

/** Exactly one filter, LZMA2; the sizes that a header may have are not needed. */
function checkFilter(bytes: Uint8Array, start: number): void {
  const flags = bytes[start + 1] ?? 0;
  let at = start + 2;
  for (const has of [0x40, 0x80]) {
    if ((flags & has) === 0) continue;
    while ((bytes[at++] ?? 0) >= 0x80);
  }
  if ((flags & 3) !== 0 || bytes[at] !== LZMA2) {
    throw new XzError(`offset 0x${at.toString(16)}: a filter other than LZMA2`);
  }
}

/** Where the chunks end, and how much comes out of them. */
function measure(bytes: Uint8Array, first: number): { end: number; unpacked: number } {
  let unpacked = 0;
  let at = first;
  while (at < bytes.length) {
    const chunk = readChunk(bytes, at);
    if (chunk === null) return { end: at + 1, unpacked };
    unpacked += chunk.unpacked;
    at = chunk.end;
  }
  throw new XzError(`offset 0x${at.toString(16)}: the file is cut short`);
}

interface Chunk {
  readonly control: number;
  readonly unpacked: number;
  /** Where its data begins and ends in the file. */
  readonly data: number;
  readonly end: number;
}

/**
 *     00               end                          01, 02   stored: 2 bytes of size - 1
 *     80 to ff         LZMA: 21 bits of size - 1, 16 bits of packed size - 1
 *     c0 to ff         the same, and a byte of properties
 */
function readChunk(bytes: Uint8Array, at: number): Chunk | null {
  const control = bytes[at] ?? 0;
  if (control === 0) return null;
  if (control > 2 && control < 0x80) {
    throw new XzError(`offset 0x${at.toString(16)}: no chunk begins with ${control}`);
  }
  const u16 = (offset: number): number => ((bytes[offset] ?? 0) << 8) | (bytes[offset + 1] ?? 0);
  if (control < 0x80) {
    const unpacked = u16(at + 1) + 1;
    return { control, unpacked, data: at + 3, end: at + 3 + unpacked };
  }
  const unpacked = (((control & 31) << 16) | u16(at + 1)) + 1;
  const data = at + 5 + (control >= 0xc0 ? 1 : 0);
  return { control, unpacked, data, end: data + u16(at + 3) + 1 };
}

function unpackLzma2(bytes: Uint8Array, first: number, out: Uint8Array): void {
  let decoder: LzmaDecoder | null = null;
  let properties = { lc: 0, lp: 0, pb: 0 };
  let position = 0;
  let dictionary = 0;
  let at = first;
  for (let chunk = readChunk(bytes, at); chunk !== null; chunk = readChunk(bytes, at)) {
    const { control, unpacked, data, end } = chunk;
    if (end > bytes.length) throw new LzmaError('a chunk is cut short');
    if (control === 1 || control >= 0xe0) dictionary = position;
    if (control < 0x80) {
      out.set(bytes.subarray(data, end), position);
      if (decoder !== null) decoder.position = position + unpacked;
    } else {
      if (control >= 0xc0) properties = propertiesOf(bytes[data - 1] ?? 0);
      if (control >= 0xa0) decoder = new LzmaDecoder(out, position, dictionary, properties);
      if (decoder === null) throw new LzmaError('the first chunk has no properties');
      decoder.decode(bytes, data, end, unpacked);
    }
    position += unpacked;
    at = end;
  }
}

function propertiesOf(byte: number): { lc: number; lp: number; pb: number } {
  return { lc: byte % 9, lp: Math.floor(byte / 9) % 5, pb: Math.floor(byte / 45) };
}

function concat(parts: readonly Uint8Array[], total: number): Uint8Array {
  const whole = new Uint8Array(total);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The CRC of IEEE 802.3. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1));
  }
  return ~crc >>> 0;
}
