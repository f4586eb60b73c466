/**
 * The one way this room sees a process: exactly `length` bytes at a guest address, or null when
 * not all of them can be read.
 */
export type ReadMemory = (addr: number, length: number) => Uint8Array | null;

/** Above all user spaces, and exact as a number; no address at or above it is ever read. */
const USER_END = 1n << 52n;

/** Up to 8 bytes at a 64-bit address as an unsigned little-endian number; null when unreadable. */
export function readWord(read: ReadMemory, addr: bigint, bytes: 1 | 2 | 4 | 8 = 8): bigint | null {
  if (addr < 0n || addr + BigInt(bytes) > USER_END) return null;
  const word = read(Number(addr), bytes);
  if (word === null) return null;
  let value = 0n;
  for (let i = bytes - 1; i >= 0; i--) value = (value << 8n) | BigInt(word[i] ?? 0);
  return value;
}

/** `length` bytes at a 64-bit address; null when unreadable. */
export function readBlock(read: ReadMemory, addr: bigint, length: number): Uint8Array | null {
  if (addr < 0n || addr + BigInt(length) > USER_END) return null;
  return read(Number(addr), length);
}
