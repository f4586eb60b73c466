// Every structure and number of the protocol against the header of the kernel's own.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import * as abi from '../../src/fuse/abi.js';
import { Struct } from '../../src/fuse/struct.js';

const test = suite('fuse/abi');

/** Where a structure of ours is flat, and where the header's has another inside. */
const INNER: Readonly<Record<string, string>> = {
  ENTRY_OUT: 'attr',
  ATTR_OUT: 'attr',
  STATFS_OUT: 'st',
};

/** Without a name that says something: as long as what surrounds it is in its place, so is it. */
const FILLER = /^(padding|dummy|unused|spare)/;

const snake = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const OUTER = new Set([
  'nodeid',
  'generation',
  'entryValid',
  'attrValid',
  'entryValidNsec',
  'attrValidNsec',
]);

/** The version is what is spoken here, not what the header is of. */
const OWN = new Set(['FUSE_KERNEL_VERSION', 'FUSE_KERNEL_MINOR_VERSION']);

/** Fields that came after the header of Debian 12: they are where it has others or none. */
const LATER = new Set(['OPEN_OUT.backingId', 'IN_HEADER.totalExtlen', 'INIT_OUT.flags2']);

interface Row {
  readonly what: string;
  /** An expression of C. */
  readonly theirs: string;
  readonly ours: number;
}

function rowsOf(name: string, struct: Struct<never>): Row[] {
  const type = `struct fuse_${name.toLowerCase()}`;
  const rows = struct.fields
    .filter((field) => !FILLER.test(field.name) && !LATER.has(`${name}.${field.name}`))
    .map((field): Row => {
      const inner = INNER[name] !== undefined && !OUTER.has(field.name) ? `${INNER[name]}.` : '';
      const theirs = `offsetof(${type}, ${inner}${snake(field.name)})`;
      return { what: `${name}.${field.name}`, theirs, ours: field.offset };
    });
  // Newer versions have more behind what every INIT has.
  if (name === 'INIT_IN') return rows;
  return [...rows, { what: `size of ${name}`, theirs: `sizeof(${type})`, ours: struct.size }];
}

const rows: Row[] = Object.entries(abi).flatMap(([name, value]): Row[] => {
  if (value instanceof Struct) return rowsOf(name, value as unknown as Struct<never>);
  return typeof value !== 'number' || OWN.has(name)
    ? []
    : [{ what: name, theirs: name, ours: value }];
});

const tool = spawnSync('gcc', ['-E', '-include', 'linux/fuse.h', '-x', 'c', '/dev/null']);
if (tool.status !== 0) {
  console.log('SKIPPED fuse/abi: no gcc with linux/fuse.h (Debian: apt-get install gcc libc6-dev)');
} else {
  test('structures and numbers are those of linux/fuse.h', () => {
    const directory = mkdtempSync(join(tmpdir(), 'procmem-fuse-abi-'));
    const prints = rows.map(({ theirs }) => `  printf("%lld\\n", (long long)(${theirs}));`);
    const head = ['stddef.h', 'stdint.h', 'stdio.h', 'linux/fuse.h'].map((h) => `#include <${h}>`);
    const source = [...head, 'int main(void) {', ...prints, '}', ''].join('\n');
    writeFileSync(join(directory, 'abi.c'), source);
    const built = spawnSync('gcc', ['abi.c', '-o', 'abi'], { cwd: directory, encoding: 'utf8' });
    assert.is(built.status, 0, built.stderr);
    const { stdout } = spawnSync('./abi', [], { cwd: directory, encoding: 'utf8' });
    rmSync(directory, { recursive: true });
    const theirs = stdout.trim().split('\n').map(Number);
    assert.equal(
      rows.map(({ what, ours }) => `${what} = ${ours}`),
      rows.map(({ what }, i) => `${what} = ${theirs[i]}`),
    );
    assert.ok(rows.length > 150);
  });
}

test('64-bit fields are exact, as numbers where they can be', () => {
  const bytes = new Uint8Array(8);
  for (const value of [0, 1, 2 ** 32, 2 ** 53 - 1, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]) {
    abi.FORGET_IN.encode({ nlookup: value }, bytes);
    assert.is(abi.FORGET_IN.decode(bytes).nlookup, value);
  }
});

test.run();
