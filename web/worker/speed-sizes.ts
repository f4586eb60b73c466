/** Bytes of one copy: from a word to what no cache holds. */
export const SPEED_SIZES: readonly number[] = [
  ...[8, 64, 512, 4096, 16384, 65536],
  ...[262144, 1048576, 4194304, 16777216],
];
