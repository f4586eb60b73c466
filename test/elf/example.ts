// The committed crash: examples/crash/.
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

import { BytesSource } from '../../src/elf/source.js';

const EXAMPLE = new URL('../../../examples/crash/', import.meta.url);

function unpack(name: string): Uint8Array {
  return new Uint8Array(gunzipSync(readFileSync(new URL(name, EXAMPLE))));
}

export function exampleCore(): BytesSource {
  return new BytesSource('core', unpack('core.gz'));
}

export function exampleExecutable(): BytesSource {
  return new BytesSource('thumbnail', unpack('thumbnail.gz'));
}
