// The committed programs for riscv64: examples/guest/.
import { readFileSync } from 'node:fs';

import { gunzip } from '../gunzip.js';

const EXAMPLES = new URL('../../../examples/guest/', import.meta.url);

/** Unpacks one. */
export function exampleProgram(name: string): Promise<Uint8Array> {
  return gunzip(readFileSync(new URL(`${name}.gz`, EXAMPLES)));
}
