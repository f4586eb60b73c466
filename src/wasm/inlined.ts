/**
 * The core's bytes inside the scripts, for bundlers that leave its file behind: null in Node. The bundle for
 * browsers has another file in the place of this one, which loads a script with the bytes when asked.
 */
export function inlinedCore(): Promise<Uint8Array<ArrayBuffer> | null> {
  return Promise.resolve(null);
}
