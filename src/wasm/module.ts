import { instantiate, instantiateSync } from '@assemblyscript/loader';
import type { CoreExports } from './exports.js';
import { inlinedCore } from './inlined.js';

/** What a program may hand over in place of the module's file: its bytes, or a compiled module. */
export type WasmSource = BufferSource | WebAssembly.Module;

const NOT_BESIDE =
  'procmem.wasm cannot be read beside the script, where a bundler left it out, say: ' +
  'give the bytes of procmem/procmem.wasm as Machine.create({ wasm })';

/** Linear memory at the start: small machines stay small. */
const INITIAL_PAGES = 16;
const MAXIMUM_PAGES = 65536;

const isNode = globalThis.process?.versions?.node !== undefined;

/** Makes a value once for all who ask; after a failure the next one tries again. */
export function onceMade<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = null;
      throw error;
    });
    return made;
  };
}

/**
 * Compiles what a server sent: while it arrives where its type says it is wasm, and otherwise,
 * since compileStreaming() refuses any other type, when it is there.
 * @throws {Error} the server sent no file; {WebAssembly.CompileError} or another
 */
export async function compileResponse(response: Response): Promise<WebAssembly.Module> {
  if (!response.ok) throw new Error(`procmem.wasm: the server answered ${response.status}`);
  if (response.headers.get('content-type') === 'application/wasm') {
    return WebAssembly.compileStreaming(response);
  }
  return WebAssembly.compile(await response.arrayBuffer());
}

/**
 * Reads the module's bytes beside this file, in Node from disk and elsewhere by fetch. From disk without waiting:
 * the file is small, and handing it to another thread takes longer than reading it.
 */
async function compileBeside(): Promise<WebAssembly.Module> {
  const url = new URL('../../procmem.wasm', import.meta.url);
  if (url.protocol === 'file:') {
    const { readFileSync } = await import('node:fs');
    return new WebAssembly.Module(readFileSync(url));
  }
  return compileResponse(await fetch(url));
}

/**
 * Compiles `beside`, what lies beside the script, and where that fails what the package has inside.
 * @throws {Error} nothing is beside the script and nothing inside: with what `beside` threw as its cause
 */
export async function compileEither(
  beside: () => Promise<WebAssembly.Module>,
  inside: () => Promise<Uint8Array<ArrayBuffer> | null>,
): Promise<WebAssembly.Module> {
  try {
    return await beside();
  } catch (error) {
    // A bundler that does not know `new URL(…, import.meta.url)` leaves the file behind.
    const bytes = await inside();
    if (bytes === null) throw new Error(NOT_BESIDE, { cause: error });
    return WebAssembly.compile(bytes);
  }
}

const compileDefault = onceMade(() => compileEither(compileBeside, inlinedCore));

/** One instance of the core with its own linear memory. */
export interface CoreInstance {
  readonly exports: CoreExports;
  readonly memory: WebAssembly.Memory;
  /** The functions that the core calls by their places: compiled regions. */
  readonly table: WebAssembly.Table;
}

/**
 * Instantiates the core; the module is compiled once and shared by all machines.
 * @param source the wasm module, when it is not to be found beside this file
 */
export async function instantiateCore(source?: WasmSource): Promise<CoreInstance> {
  let module: WebAssembly.Module;
  if (source === undefined) {
    module = await compileDefault();
  } else {
    module = source instanceof WebAssembly.Module ? source : await WebAssembly.compile(source);
  }
  const memory = new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum: MAXIMUM_PAGES });
  const imports = { env: { memory } };
  // The loader's asynchronous way looks at the global Response, for which Node loads all of its HTTP client: more
  // than the whole core takes. In browsers the synchronous way may be refused on the main thread.
  const { instance } = isNode
    ? instantiateSync(module, imports)
    : await instantiate(module, imports);
  // The raw exports: the loader's wrapped ones cost twice as much a call.
  const exports = instance.exports as unknown as CoreExports & Pick<CoreInstance, 'table'>;
  return { exports, memory, table: exports.table };
}
