// The committed traces.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { gunzip } from '../gunzip.js';

/** The compiled tests lie in dist/test/linux; the traces stay in test/linux. */
const TRACES = fileURLToPath(new URL('../../../test/linux/traces/', import.meta.url));

/** Their names, in order. */
export function committedTraces(): string[] {
  return readdirSync(TRACES)
    .filter((file) => file.endsWith('.jsonl.gz'))
    .sort();
}

/** The text of one. */
export async function readTrace(name: string): Promise<string> {
  return new TextDecoder().decode(await gunzip(readFileSync(TRACES + name)));
}
