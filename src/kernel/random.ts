/** Bytes that a source of random bytes is asked for at a time: what crypto.getRandomValues() gives at most. */
export const RANDOM_CHUNK = 65536;

/** Fills an array of at most RANDOM_CHUNK bytes with random ones. */
export type FillRandom = (bytes: Uint8Array) => void;

/** The host's own. */
export const hostRandom: FillRandom = (bytes) => {
  globalThis.crypto.getRandomValues(bytes as Uint8Array<ArrayBuffer>);
};
