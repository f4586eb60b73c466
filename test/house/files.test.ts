import { readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import {
  describeFindings,
  findAll,
  type Finding,
  listFiles,
  listSources,
  readText,
  ROOT,
  stripComments,
} from './tree.js';

const LINE_LIMIT = 400;

/** Tables that are longer, and why they are one file. */
const LONG_TABLES = new Map<string, string>([
  [
    'assembly/cpu/run.ts',
    'one switch, an arm for each micro-operation: a call between would cost more',
  ],
]);

/** Names that say nothing about what is inside. */
const EMPTY_NAMES = /^(utils?|helpers?|types|common|misc|shared)\.m?[jt]s$/;

/** Directories of any Linux machine: a path in one of them tells nothing about this one. */
const COMMON_DIRS = ['/', '/home', '/mnt', '/opt', '/root', '/srv', '/tmp', '/usr/src', '/var/tmp'];

/** Paths that would betray the machine a file was made on: this clone's, and its parent's. */
function machinePaths(root: string): string[] {
  const clone = resolve(root);
  const parent = dirname(clone);
  return COMMON_DIRS.includes(parent) ? [clone] : [clone, `${parent}/`];
}

function readLatin1(path: string): string {
  const bytes = readFileSync(join(ROOT, path));
  return (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('latin1');
}

function findLongFile(path: string, text: string): Finding[] {
  const lines = text.trimEnd().split('\n').length;
  return lines > LINE_LIMIT ? [{ at: path, what: `${lines} lines` }] : [];
}

/** Runs a rule over the text of every source. */
function findInSources(rule: (path: string, code: string) => Finding[]): string {
  return describeFindings(
    listSources().flatMap((path) => rule(path, stripComments(readText(path)))),
  );
}

const test = suite('house/files');

test(`no source has more than ${LINE_LIMIT} lines but the tables named here`, () => {
  const sources = listFiles().filter((path) => /\.(m?[jt]s|tsx|css|c|h|sh)$/.test(path));
  const findings = sources
    .filter((path) => !LONG_TABLES.has(path))
    .flatMap((path) => findLongFile(path, readText(path)));
  assert.is(describeFindings(findings), '');
});

test('the rule of length can fail', () => {
  assert.is(findLongFile('a.ts', 'x\n'.repeat(LINE_LIMIT)).length, 0);
  assert.is(findLongFile('a.ts', 'x\n'.repeat(LINE_LIMIT + 1)).length, 1);
});

test('the tables named here exist and are long', () => {
  for (const path of LONG_TABLES.keys()) assert.is(findLongFile(path, readText(path)).length, 1);
});

test('nothing is exported as default', () => {
  assert.is(
    findInSources((path, code) =>
      findAll(path, code, /^export (?:default\b|\{[^}]*\bas default\b)/m),
    ),
    '',
  );
});

test('no file is called after nothing', () => {
  const nameless = listFiles().filter((path) => EMPTY_NAMES.test(basename(path)));
  assert.is(nameless.join('\n'), '');
});

test('only the public surface re-exports whole files', () => {
  assert.is(
    findInSources((path, code) =>
      /^src\/(index|node)\.ts$/.test(path) ? [] : findAll(path, code, /^export (type )?\*/m),
    ),
    '',
  );
});

test('no test runs alone', () => {
  assert.is(
    findInSources((path, code) =>
      path.startsWith('test/') ? findAll(path, code, /\btest\.only\(/) : [],
    ),
    '',
  );
});

test('no work is left as a note in the source', () => {
  const note = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX'].join('|')})\\b`);
  const findings = listSources().flatMap((path) => findAll(path, readText(path), note));
  assert.is(describeFindings(findings), '');
});

test('no file names a path of the machine it was made on', () => {
  const found = listFiles().filter((path) => {
    const text = readLatin1(path);
    return machinePaths(ROOT).some((place) => text.includes(place));
  });
  assert.is(found.join('\n'), '');
});

test('no file names a package registry', () => {
  const registry = /https?:\/\/[^\s'"/]*\bregistry\b|"resolved":/;
  const findings = listFiles()
    .filter((path) => path.endsWith('.json') || /(^|\/)\.[^/]+$/.test(path))
    .flatMap((path) => findAll(path, readText(path), registry));
  assert.is(describeFindings(findings), '');
});

test('the documents a reader looks for are there', () => {
  const files = listFiles();
  for (const name of ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'LICENSE']) {
    assert.ok(files.includes(name), name);
  }
});

test.run();
