/** Bytes of one read or write. */
export const SIZES = [8, 64, 512, 4096, 65536, 1048576, 67108864];

/** How many operations one call of a clock's work does: many, where one takes nanoseconds. */
export function operationsPerCall(size: number): number {
  return size <= 4096 ? 64 : 1;
}
