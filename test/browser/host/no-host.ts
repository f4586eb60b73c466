// What a browser has not.

/** A function of Node that cannot be had: a test that calls it belongs into host-only.ts. */
export function noHost(name: string): () => never {
  return () => {
    throw new Error(`${name}: there is no host in a browser`);
  };
}
