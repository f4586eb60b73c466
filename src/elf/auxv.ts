import { AT_NULL } from '../kernel/auxvec.js';

/** Bytes in one entry: a type and a value of 8 bytes each. */
const ENTRY_SIZE = 16;

/**
 * The value of one entry of an auxiliary vector, as execve() left it on the stack.
 *
 * @param bytes the vector, as NT_AUXV and /proc/PID/auxv have it
 * @param type AT_ENTRY, AT_RANDOM…
 * @returns null when the vector has no such entry
 */
export function auxvValue(bytes: Uint8Array, type: number): bigint | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + ENTRY_SIZE <= bytes.length; at += ENTRY_SIZE) {
    const found = view.getBigUint64(at, true);
    if (found === BigInt(AT_NULL)) return null;
    if (found === BigInt(type)) return view.getBigUint64(at + 8, true);
  }
  return null;
}
