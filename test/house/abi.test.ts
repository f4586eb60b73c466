import { existsSync } from 'node:fs';
import { basename, join, posix } from 'node:path';
import { pathToFileURL } from 'node:url';
import { main as runAsc } from 'assemblyscript/asc';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import {
  describeFindings,
  type Finding,
  listSources,
  readText,
  ROOT,
  stripComments,
} from './tree.js';

/** The one statement that means the same to tsc and to asc. */
const CONSTANT = /^export const ([A-Z][A-Z0-9_]*) = (0x[0-9a-f]+|0|[1-9][0-9]*);$/i;

/** check.ts compares the constants with asc's layouts: only asc reads it. */
const CHECK = 'assembly/abi/check.ts';

function listConstantFiles(): string[] {
  return listSources('assembly/abi').filter((path) => path !== CHECK);
}

function objectionTo(statement: string): string | null {
  const value = CONSTANT.exec(statement)?.[2];
  if (value === undefined) return 'not `export const NAME = INTEGER;`';
  return Number(value) < 2 ** 31 ? null : 'not below 2^31';
}

function checkConstants(path: string, source: string): Finding[] {
  return stripComments(source)
    .split('\n')
    .flatMap((line, index) => {
      const what = line.trim() === '' ? null : objectionTo(line.trim());
      return what === null ? [] : [{ at: `${path}:${index + 1}`, what: `${what}: ${line.trim()}` }];
    });
}

/** Files the core's entry reaches by imports: what it does not reach is never compiled. */
function reachFrom(entry: string): Set<string> {
  const reached = new Set<string>();
  const visit = (path: string): void => {
    if (reached.has(path)) return;
    reached.add(path);
    const code = stripComments(readText(path));
    for (const [, specifier = ''] of code.matchAll(/\b(?:from|import)\s*['"](\.[^'"]+)['"]/g)) {
      visit(posix.join(posix.dirname(path), specifier).replace(/(\.ts)?$/, '.ts'));
    }
  };
  visit(entry);
  return reached;
}

interface Compiled {
  readonly error: Error | null;
  readonly stderr: string;
  readonly wasm: Uint8Array<ArrayBuffer> | null;
}

/** Compiles an entry with asc; `edit` changes sources on the way, as they are read. */
async function compile(
  entry: string,
  edit: (path: string, text: string | null) => string | null,
): Promise<Compiled> {
  const outputs = new Map<string, unknown>();
  const { error, stderr } = await runAsc(
    [
      entry,
      '--outFile',
      'out.wasm',
      '--runtime',
      'stub',
      '--importMemory',
      '-O0',
      '--enable',
      'simd',
    ],
    {
      readFile: (name) => {
        const path = posix.normalize(name);
        if (basename(path) === 'asconfig.json') return null;
        return edit(path, existsSync(join(ROOT, path)) ? readText(path) : null);
      },
      writeFile: (name, contents) => void outputs.set(name, contents),
      listFiles: () => [],
    },
  );
  const wasm = (outputs.get('out.wasm') as Uint8Array<ArrayBuffer> | undefined) ?? null;
  return { error, stderr: stderr.toString(), wasm };
}

const test = suite('house/abi');

test('assembly/abi holds un-annotated integers below 2^31 and nothing else', () => {
  const findings = listConstantFiles().flatMap((path) => checkConstants(path, readText(path)));
  assert.is(describeFindings(findings), '');
});

for (const source of [
  'export const A: u32 = 1;',
  'export const A = 1.5;',
  'export const A = -1;',
  'export const A = 1 << 3;',
  'export const A = 0x80000000;',
  'const A = 1;',
  'export const enum A {}',
  'export function a(): i32 { return 1; }',
  "import { B } from './b';",
]) {
  test(`the rule refuses ${source}`, () => {
    assert.is(checkConstants('assembly/abi/a.ts', source).length, 1);
  });
}

test('the rule takes decimal and hexadecimal numbers with comments', () => {
  const source =
    '// why\nexport const A = 0x7fffffff; // the last\n/** B */\nexport const B = 0;\n';
  assert.is(describeFindings(checkConstants('assembly/abi/a.ts', source)), '');
});

test('the entry of the core reaches the layout checks', () => {
  assert.ok(reachFrom('assembly/index.ts').has(CHECK), 'asc never compiles check.ts');
});

test('both compilers give each constant the same value', async () => {
  const exported: string[] = [];
  const expected = new Map<string, number>();
  for (const path of listConstantFiles()) {
    const url = pathToFileURL(join(ROOT, 'dist', path.replace(/\.ts$/, '.js')));
    const abi = (await import(url.href)) as Record<string, number>;
    exported.push(`export { ${Object.keys(abi).join(', ')} } from './${path.slice(0, -3)}';`);
    for (const [name, value] of Object.entries(abi)) {
      assert.not(expected.has(name), `${name} is in two files`);
      expected.set(name, value);
    }
  }
  const { wasm, stderr } = await compile('entry.ts', (path, text) =>
    path === 'entry.ts' ? exported.join('\n') : text,
  );
  assert.ok(wasm, stderr);
  const memory = new WebAssembly.Memory({ initial: 1 });
  const { instance } = await WebAssembly.instantiate(wasm, { env: { memory, abort: () => {} } });
  for (const [name, value] of expected) {
    assert.is((instance.exports[name] as WebAssembly.Global).value, value, name);
  }
});

test('a layout that drifts from its constant fails the build', async () => {
  const constant = /offsetof<\w+>\('\w+'\) != (?:\w+\.)?(\w+)/.exec(readText(CHECK))?.[1] ?? '';
  const line = new RegExp(`^export const ${constant} = .*$`, 'm');
  let edited = false;
  const { error, stderr } = await compile('assembly/index.ts', (path, text) => {
    if (text === null || !path.startsWith('assembly/abi/') || !line.test(text)) return text;
    edited = true;
    return text.replace(line, `export const ${constant} = 3;`);
  });
  assert.ok(edited, `no constant ${constant} under assembly/abi`);
  assert.ok(error, 'the core was compiled all the same');
  assert.match(stderr, /ERROR/);
});

test.run();
