// The committed programs for riscv64: examples/guest/.
import { readFileSync } from 'node:fs';

const EXAMPLES = new URL('../../../examples/guest/', import.meta.url);

/** Unpacks one, by the call that Node and browsers both have. */
export async function exampleProgram(name: string): Promise<Uint8Array> {
  const packed = new Blob([new Uint8Array(readFileSync(new URL(`${name}.gz`, EXAMPLES)))]);
  const unpacked = packed.stream().pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(unpacked).arrayBuffer());
}
