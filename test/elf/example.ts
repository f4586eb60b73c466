// The committed crash: examples/crash/.
import { readFileSync } from 'node:fs';

import { BytesSource } from '../../src/elf/source.js';
import { gunzip } from '../gunzip.js';

const EXAMPLE = new URL('../../../examples/crash/', import.meta.url);

const unpack = (name: string): Promise<Uint8Array> => gunzip(readFileSync(new URL(name, EXAMPLE)));

const core = await unpack('core.gz');
const executable = await unpack('thumbnail.gz');

export function exampleCore(): BytesSource {
  return new BytesSource('core', core.slice());
}

export function exampleExecutable(): BytesSource {
  return new BytesSource('thumbnail', executable.slice());
}
