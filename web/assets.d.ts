// What tools/web.mjs supplies besides TypeScript.

/** A file of the repository, as bytes inside the bundle. */
declare module '*.gz' {
  const bytes: Uint8Array<ArrayBuffer>;
  export default bytes;
}

/** The core's bytes in the page that works from disk; null where the worker fetches them. */
declare module 'procmem:core' {
  export const coreBytes: Uint8Array<ArrayBuffer> | null;
}

/** The worker's script in the page that works from disk; null where it is a file beside the page. */
declare module 'procmem:worker' {
  export const workerScript: string | null;
}

/** The script that matches expressions in the page that works from disk; null where it is a file beside the worker. */
declare module 'procmem:matcher' {
  export const matcherScript: string | null;
}

/** Reads a Blob while the caller waits; only workers have it. */
declare class FileReaderSync {
  readAsArrayBuffer(blob: Blob): ArrayBuffer;
}

/** The disassembler's wasm, gzipped, in the page that works from disk; null where the worker fetches it. */
declare module 'procmem:capstone' {
  export const capstonePacked: Uint8Array<ArrayBuffer> | null;
}

/** Its script, which has no types of its own. */
declare module '@alexaltea/capstone-js' {
  const create: (options: { readonly wasmBinary: Uint8Array }) => Promise<unknown>;
  export default create;
}
