import { instantiate } from '@assemblyscript/loader';
import type { CoreExports } from './exports.js';

/** What a program may hand over in place of the module's file: its bytes, or a compiled module. */
export type WasmSource = BufferSource | WebAssembly.Module;

/** Linear memory at the start: small machines stay small. */
const INITIAL_PAGES = 16;
const MAXIMUM_PAGES = 65536;

let compiled: Promise<WebAssembly.Module> | null = null;

/** Reads the module's bytes beside this file, in Node from disk and elsewhere by fetch. */
async function compileDefault(): Promise<WebAssembly.Module> {
  const url = new URL('../../procmem.wasm', import.meta.url);
  if (url.protocol === 'file:') {
    const fs = await import('node:fs/promises');
    return WebAssembly.compile(await fs.readFile(url));
  }
  return WebAssembly.compileStreaming(fetch(url));
}

/** One instance of the core with its own linear memory. */
export interface CoreInstance {
  readonly exports: CoreExports;
  readonly memory: WebAssembly.Memory;
}

/**
 * Instantiates the core; the module is compiled once and shared by all machines.
 * @param source the wasm module, when it is not to be found beside this file
 */
export async function instantiateCore(source?: WasmSource): Promise<CoreInstance> {
  let module: WebAssembly.Module;
  if (source === undefined) {
    compiled ??= compileDefault();
    module = await compiled;
  } else {
    module = source instanceof WebAssembly.Module ? source : await WebAssembly.compile(source);
  }
  const memory = new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum: MAXIMUM_PAGES });
  const { instance } = await instantiate(module, { env: { memory } });
  // The raw exports: the loader's wrapped ones cost twice as much a call.
  return { exports: instance.exports as unknown as CoreExports, memory };
}
