import { posix } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import {
  describeFindings,
  findAll,
  type Finding,
  listSources,
  readText,
  stripComments,
} from './tree.js';

/** A file imports its own room and the rooms before it. `import type` counts too. */
const ROOMS = [
  'errno.ts',
  'side-table.ts',
  'wasm',
  'jit',
  'mm',
  'kernel',
  'vfs',
  'net',
  'procfs',
  'sysfs',
  'syscall',
  'trace',
  'elf',
  'unwind',
  'live',
  'gdb',
  'fuse',
  'adapters',
  'api',
  'snapshot',
  'machine.ts',
  'guest',
  'core.ts',
  'constants.ts',
  'index.ts',
  'node.ts',
  'cli',
];

/** Rooms that run only in Node; every other must load in a browser. */
const NODE_ROOMS = ['live', 'node.ts', 'cli'];

/** Files elsewhere that may import Node's modules, and why. */
const NODE_FILES = new Map([
  ['src/fuse/mount.ts', 'opens /dev/fuse and mounts; the protocol beside it knows of no device'],
  ['src/wasm/module.ts', 'reads the core from disk in Node; cut out of the bundle for browsers'],
]);

const IMPORT = /\b(?:from\s+|import\s+|import\s*\(\s*)['"]([^'"\s]+)['"]/;

interface Import {
  readonly at: string;
  readonly specifier: string;
}

function listImports(path: string, source: string): Import[] {
  return findAll(path, stripComments(source), IMPORT).map(({ at, what }) => ({
    at,
    specifier: IMPORT.exec(what)?.[1] ?? '',
  }));
}

/** The room of a path below src/: its directory, or the file itself at the top. */
function roomOf(path: string): string {
  return path.split('/')[1] ?? '';
}

/** The path an import leads to, as a source; null for a package. */
function resolveImport(path: string, specifier: string): string | null {
  if (!specifier.startsWith('.')) return null;
  return posix.join(posix.dirname(path), specifier).replace(/\.js$/, '.ts');
}

/** Why a file of src/ may not import this; null when it may. */
function objectionTo(path: string, specifier: string): string | null {
  const room = roomOf(path);
  if (!ROOMS.includes(room)) return `the room '${room}' is not in the list`;
  const target = resolveImport(path, specifier);
  if (target === null) return objectionToPackage(path, specifier);
  if (target.startsWith('assembly/abi/')) return null;
  if (!target.startsWith('src/')) return `'${specifier}' is outside src/`;
  const other = roomOf(target);
  if (!ROOMS.includes(other)) return `imports '${specifier}' from an unknown room`;
  if (ROOMS.indexOf(other) > ROOMS.indexOf(room)) return `imports '${specifier}' from a later room`;
  return null;
}

function objectionToPackage(path: string, specifier: string): string | null {
  if (specifier === '@assemblyscript/loader') {
    return roomOf(path) === 'wasm' ? null : 'only wasm/ may import the loader';
  }
  if (!specifier.startsWith('node:')) return `'${specifier}' is no dependency of this package`;
  if (NODE_ROOMS.includes(roomOf(path)) || NODE_FILES.has(path)) return null;
  return `imports '${specifier}', which a browser does not have`;
}

function checkFile(path: string, source: string): Finding[] {
  return listImports(path, source).flatMap(({ at, specifier }) => {
    const what = objectionTo(path, specifier);
    return what === null ? [] : [{ at, what }];
  });
}

/** The core: abi/ imports nothing, everything else only its own tree. */
function checkCoreFile(path: string, source: string): Finding[] {
  const isConstants = path.startsWith('assembly/abi/') && !path.endsWith('/check.ts');
  return listImports(path, source)
    .filter(({ specifier }) => {
      const target = posix.join(posix.dirname(path), specifier);
      return isConstants || !specifier.startsWith('.') || !target.startsWith('assembly/');
    })
    .map(({ at, specifier }) => ({ at, what: `imports '${specifier}'` }));
}

const test = suite('house/imports');

test('a file of src/ imports only its own room and rooms before it', () => {
  const findings = listSources('src').flatMap((path) => checkFile(path, readText(path)));
  assert.is(describeFindings(findings), '');
});

test('the core imports nothing from outside, and its constants nothing at all', () => {
  const findings = listSources('assembly').flatMap((path) => checkCoreFile(path, readText(path)));
  assert.is(describeFindings(findings), '');
});

test('web/ and examples/ use only the public surface', () => {
  const paths = [...listSources('web'), ...listSources('examples')];
  const findings = paths.flatMap((path) =>
    listImports(path, readText(path))
      .filter(({ specifier }) => /\/src\/(?!index\.js$|node\.js$)/.test(specifier))
      .map(({ at, specifier }) => ({ at, what: `imports '${specifier}'` })),
  );
  assert.is(describeFindings(findings), '');
});

const VIOLATIONS: readonly [path: string, source: string, complaint: string][] = [
  ['src/mm/a.ts', "import { x } from '../kernel/b.js';", 'from a later room'],
  ['src/mm/a.ts', "import type { X } from '../vfs/b.js';", 'from a later room'],
  ['src/errno.ts', "export * from './machine.js';", 'from a later room'],
  ['src/mm/a.ts', "const x = await import('../cli/main.js');", 'from a later room'],
  ['src/mm/a.ts', "import {\n  x,\n} from '../../test/b.js';", 'outside src/'],
  ['src/mm/a.ts', "import { x } from '../../assembly/mm/b.js';", 'outside src/'],
  ['src/mm/a.ts', "import { readSync } from 'node:fs';", 'a browser does not have'],
  ['src/mm/a.ts', "import _ from 'lodash';", 'no dependency'],
  ['src/mm/a.ts', "import { instantiate } from '@assemblyscript/loader';", 'only wasm/'],
  ['src/helpers/a.ts', "import { x } from '../errno.js';", 'not in the list'],
];

for (const [path, source, complaint] of VIOLATIONS) {
  test(`the rule finds in ${path}: ${JSON.stringify(source)}`, () => {
    const findings = checkFile(path, source);
    assert.is(findings.length, 1);
    assert.match(describeFindings(findings), complaint);
    assert.match(describeFindings(findings), `${path}:`);
  });
}

const ALLOWED: readonly [path: string, source: string][] = [
  ['src/kernel/a.ts', "import type { Mm } from '../mm/mm.js';"],
  ['src/kernel/a.ts', "import { EIO } from '../../assembly/abi/errno.js';"],
  ['src/kernel/lsm/a.ts', "import { x } from '../task.js';"],
  ['src/wasm/a.ts', "import { instantiate } from '@assemblyscript/loader';"],
  ['src/cli/a.ts', "import { readFileSync } from 'node:fs';"],
  ['src/mm/a.ts', "// import { x } from '../kernel/b.js';"],
  ['src/mm/a.ts', "copy('from', from, 'into', into);"],
];

for (const [path, source] of ALLOWED) {
  test(`the rule allows in ${path}: ${JSON.stringify(source)}`, () => {
    assert.is(describeFindings(checkFile(path, source)), '');
  });
}

test.run();
