// Every C++ name in the large libraries of this machine against GNU's c++filt.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { suite } from 'uvu';

import { readSections } from '../../src/elf/sections.js';
import { readHeader } from '../../src/elf/header.js';
import { BytesSource } from '../../src/elf/source.js';
import { demangle } from '../../src/unwind/demangle.js';

const test = suite('unwind/demangle-libraries');
const DIRECTORY = '/usr/lib/x86_64-linux-gnu';
const LIBRARIES = [
  'libstdc++.so.6',
  'libLLVM-14.so.1',
  'libclang-cpp.so.14',
  'liblldb-14.so.1',
  'libicuuc.so.72',
  'libicui18n.so.72',
];

/**
 * Names that c++filt gets wrong: where a template parameter is referred to again outside of its
 * template, it writes what the parameter stood for there, not what it stands for here.
 */
const SHARE = 0.9995;

/** The mangled names in the string tables of a file; names are often suffixes of others. */
function mangledNames(path: string): string[] {
  const file = new BytesSource(path, readFileSync(path));
  const tables = readSections(file, readHeader(file)).filter(({ name }) =>
    /^\.(dyn)?str(tab)?$/.test(name),
  );
  const names = tables.flatMap(({ offset, size }) => {
    const text = Buffer.from(file.read(offset, size)).toString('latin1');
    return text.split('\0').filter((name) => /^_Z[A-Za-z0-9_$.]+$/.test(name));
  });
  return [...new Set(names)];
}

/** @param flags `-i` leaves the library's names short, as __cxa_demangle() does */
function filtered(names: readonly string[], flags: readonly string[]): string[] {
  const input = `${names.join('\n')}\n`;
  const options = { input, encoding: 'utf8', maxBuffer: 1 << 30, timeout: 60_000 } as const;
  return spawnSync('c++filt', flags, options).stdout.split('\n').slice(0, -1);
}

const files = [
  ...LIBRARIES.map((name) => `${DIRECTORY}/${name}`).filter((path) => existsSync(path)),
  fileURLToPath(`file://${process.execPath}`),
];
const missing = spawnSync('c++filt', ['--version']).status !== 0;
if (missing || process.platform !== 'linux') {
  console.log('SKIPPED unwind/demangle-libraries: c++filt is not installed');
} else {
  for (const path of files) {
    test(`the names in ${path.split('/').pop()} are written as c++filt writes them`, () => {
      const names = mangledNames(path);
      if (names.length === 0) return;
      const theirs = filtered(names, ['-i', '-s', 'gnu-v3']);
      assert.is(theirs.length, names.length);
      const differ = names.filter((name, i) => demangle(name) !== theirs[i]);
      const few = differ.slice(0, 3).join('\n');
      assert.ok(differ.length <= names.length * (1 - SHARE), `${differ.length} differ:\n${few}`);
      // What we do write is never cut: a name is either written out or left as it was.
      for (const name of differ) assert.ok(demangle(name) === name || /\w/.test(demangle(name)));
    });
  }
}

test.run();
