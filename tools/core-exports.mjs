// Writes src/wasm/exports.ts, the types of the core's exports, from what asc says of them. Run by
// `npm run build:wasm`; the file is committed so that editors and reviewers see the boundary.
import { readFileSync, writeFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';

const target = new URL('../src/wasm/exports.ts', import.meta.url);
const declared = readFileSync(new URL('../dist/procmem.d.ts', import.meta.url), 'utf8');
const body = declared
  .slice(declared.indexOf('{') + 1, declared.indexOf('/** Instantiates'))
  .replace(/\/\*\*(?:(?!\*\/)[\s\S])*\*\//g, ' ')
  .replace(/export const (memory|table): WebAssembly.\w+;/g, '')
  .replace(/export function (\w+)/g, '$1')
  .replace(/\}\s*$/, '');
const text = `// Made by tools/core-exports.mjs from assembly/index.ts, where each export is explained.

/** The core's exports: addresses of guest memory are f64, places in linear memory and counts i32. */
export interface CoreExports {
${body}
}
`;
const options = await resolveConfig(target);
writeFileSync(target, await format(text, { ...options, parser: 'typescript' }));
