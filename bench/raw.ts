// What wasm does without an address space: the baselines of work that stays inside it.
import { type Clock, clockOf } from './clock.js';

const WASM_PAGE = 65536;

/**
 *     (module
 *       (memory (import "env" "memory") 0)
 *       (func (export "copy") (param i32 i32 i32)
 *         (memory.copy (local.get 0) (local.get 1) (local.get 2))))
 */
const COPY_MODULE = Uint8Array.from(
  [
    [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00], // magic, version 1
    [0x01, 0x07, 0x01, 0x60, 0x03, 0x7f, 0x7f, 0x7f, 0x00], // types: (i32, i32, i32) -> ()
    [0x02, 0x0f, 0x01, 0x03, 0x65, 0x6e, 0x76, 0x06, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79], // env.memory
    [0x02, 0x00, 0x00], // a memory of at least 0 pages
    [0x03, 0x02, 0x01, 0x00], // functions: one of type 0
    [0x07, 0x08, 0x01, 0x04, 0x63, 0x6f, 0x70, 0x79, 0x00, 0x00], // exports: copy
    [0x0a, 0x0e, 0x01, 0x0c, 0x00], // code: one body without locals
    [0x20, 0x00, 0x20, 0x01, 0x20, 0x02], // local.get 0, 1, 2
    [0xfc, 0x0a, 0x00, 0x00, 0x0b], // memory.copy, end
  ].flat(),
);

/** One `memory.copy` of `size` bytes. */
export function wasmCopyClock(size: number, operations: number): Clock {
  const memory = new WebAssembly.Memory({ initial: Math.ceil((2 * size) / WASM_PAGE) });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(COPY_MODULE), {
    env: { memory },
  });
  const copy = exports['copy'] as (into: number, from: number, size: number) => void;
  new Uint8Array(memory.buffer).fill(1);
  return clockOf(() => {
    for (let i = 0; i < operations; i++) copy(0, size, size);
  }, operations);
}
