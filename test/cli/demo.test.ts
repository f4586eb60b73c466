import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { suite } from 'uvu';

import { showCore } from '../../src/cli/demo-core.js';
import { shortenName } from '../../src/cli/demo-stack.js';
import { exampleCrash } from '../../src/cli/input.js';
import type { CliIo } from '../../src/cli/io.js';
import { runCommand } from '../../src/cli/run.js';
import {
  formatBytes,
  printable,
  Terminal,
  truncate,
  visibleLength,
} from '../../src/cli/terminal.js';
import { buildCore } from '../elf/core-builder.js';
import { exampleCore } from '../elf/example.js';

const test = suite('cli/demo');
// Whatever this computer has: the program that comes with the package is shown.
process.env['PROCMEM_RISCV64_ROOT'] = '/nonexistent';
const directory = mkdtempSync(join(tmpdir(), 'procmem-demo-'));
test.after(() => rmSync(directory, { recursive: true, force: true }));

interface Ran {
  status: number;
  out: string;
  err: string;
}

async function run(argv: string[], color = false, columns = 80): Promise<Ran> {
  const ran = { status: 0, out: '', err: '' };
  const io: CliIo = {
    out: (text) => void (ran.out += text),
    err: (text) => void (ran.err += text),
    color,
    columns,
  };
  ran.status = await runCommand(['demo', ...argv], io);
  return ran;
}

function fileOf(name: string, bytes: Uint8Array): string {
  const path = join(directory, name);
  writeFileSync(path, bytes);
  return path;
}

/** The committed program, and frames of its stack from the fault outwards. */
const NAMES = ['priceOf', 'costOf', 'printBill', 'main', 'begin', '_start'];
const section = (out: string, number: number): string =>
  out.slice(
    out.indexOf(`\n${number}  `),
    number < 4 ? out.indexOf(`\n${number + 1}  `) : undefined,
  );

test('the program runs: unknown without mem, named with it', async () => {
  const { status, out, err } = await run([]);
  assert.is(err, '');
  assert.is(status, 0);
  const frames = (text: string): string[] => text.match(/^ +@ .*$/gm) ?? [];
  const [unknown, named] = [frames(section(out, 1)), frames(section(out, 2))];
  assert.equal(
    unknown.map((line) => line.split('  ').at(-1)),
    NAMES.map(() => '(unknown)'),
  );
  assert.equal(
    named.map((line) => line.split('  ').at(-1)),
    NAMES,
  );
  const addressOf = (line: string): string => /0x[0-9a-f]+/.exec(line)?.[0] ?? '';
  assert.equal(named.map(addressOf), unknown.map(addressOf));
  assert.match(section(out, 2), /ended by SIGSEGV after [\d,]+ instructions and \d+ system calls/);
});

test('one of three callers is denied, and each list names what decided', async () => {
  const text = section((await run([])).out, 3);
  assert.equal(text.match(/: (allowed|denied \(EACCES\))$/gm), [
    ': allowed',
    ': allowed',
    ': denied (EACCES)',
  ]);
  assert.is(text.match(/^ +[✓✗]/gm)?.length, 3);
});

test('lines fit the terminal, and colours come only where asked for', async () => {
  for (const [color, columns] of [
    [false, 80],
    [true, 100],
  ] as const) {
    const { out } = await run([], color, columns);
    assert.is(out.includes('\x1b['), color);
    for (const line of out.split('\n')) assert.ok(visibleLength(line) <= columns, line);
  }
});

/** Functions of the crash whose core is in the package. */
const CORE_NAMES = [
  'postcard::Palette::colourOf(unsigned char) const',
  'postcard::Painter::paintRun(unsigned char, unsigned int)',
  'postcard::Decoder::forEachRun<postcard::Painter>(…) const',
  'postcard::Decoder::decodeInto(postcard::Canvas&) const',
  '(anonymous namespace)::makeThumbnail(…)',
  'makeAlbum(postcard::Bytes)',
  'main',
  '_start',
];

test('a core is shown: unknown without mem, named with it where its files are found', async () => {
  const shown: string[] = [];
  const io: CliIo = {
    out: (text) => void shown.push(String(text)),
    err: () => undefined,
    color: false,
    columns: 80,
  };
  await showCore(exampleCrash(), new Terminal(io));
  const out = shown.join('');
  assert.match(out, /thumbnail, process \d+ of user 1000: SIGSEGV, nothing is mapped at 0x4\n/);
  const frames = (text: string): string[] => text.split('\n').filter((line) => /^ {3}#/.test(line));
  const unknown = frames(section(out, 1));
  assert.is(unknown.length, CORE_NAMES.length);
  assert.ok(unknown.every((line) => line.endsWith('  (unknown)')));
  const named = frames(section(out, 2)).slice(0, CORE_NAMES.length);
  assert.equal(
    named.map((line) => line.slice(23)),
    CORE_NAMES,
  );
  assert.equal(
    named.map((line) => line.slice(0, 22)),
    unknown.map((line) => line.slice(0, 22)),
  );
});

test('a core of another program is shown with what it has', async () => {
  const stack = { vaddr: 0x10000n, bytes: new Uint8Array(4096) };
  const core = fileOf('other', buildCore({ loads: [stack], tids: [100, 101, 102, 103, 104, 105] }));
  const { status, out, err } = await run([core]);
  assert.is(err, '');
  assert.is(status, 0);
  assert.match(out, /#0 +0x0000000000\w\w +\(unknown\)/);
  assert.match(out, /and 2 more threads/);
});

test('names from a core cannot drive the terminal', async () => {
  const files = [{ start: 0x10000, end: 0x11000, page: 0, path: '/tmp/\x1b[2Jevil' }];
  const { out } = await run([fileOf('evil', buildCore({ loads: [], files }))]);
  assert.not.ok(out.includes('\x1b'));
});

const cut = exampleCore().read(0, 5000);
const rows: [string, () => string[], RegExp][] = [
  ['two cores', () => ['a', 'b'], /^procmem: demo takes at most one core or snapshot\n$/],
  ['a missing file', () => [join(directory, 'none')], /^procmem: \S+none: no such file\n$/],
  ['a directory', () => [directory], /^procmem: \S+: not a regular file\n$/],
  ['an empty file', () => [fileOf('empty', new Uint8Array(0))], /empty: offset 0x0: this is not/],
  ['text', () => [fileOf('text', Buffer.from('hello'))], /text: offset 0x0: this is not an ELF fi/],
  ['a core cut short', () => [fileOf('cut', cut)], /cut: offset 0x[0-9a-f]+: \S.*file ends at 0x/],
  ['no gzip', () => [fileOf('x.gz', Buffer.from('hello'))], /x\.gz: this is not a gzip file\n$/],
];
for (const [what, argv, message] of rows) {
  test(`${what} is one line and status 2`, async () => {
    const { status, out, err } = await run(argv());
    assert.is(status, 2);
    assert.is(out, '');
    assert.match(err, message);
    assert.is(err.split('\n').length, 2);
  });
}

const names: [string, number, string][] = [
  ['main', 10, 'main'],
  ['f(int, int)', 8, 'f(…)'],
  ['int a::f<b(c)>(int, int) const', 22, 'int a::f<b(c)>(…) const'.slice(4)],
  ['(anonymous namespace)::f(int, int)', 28, '(anonymous namespace)::f(…)'],
  ['averyveryverylongname', 10, 'averyvery…'],
];
for (const [name, width, short] of names) {
  test(`${name} in ${width} characters is ${short}`, () => {
    assert.is(shortenName(name, width), short);
  });
}

test('texts are measured, cut and cleaned', () => {
  assert.is(visibleLength('\x1b[1mab\x1b[22m…'), 3);
  assert.is(truncate('abcdef', 4), 'abc…');
  assert.is(printable('a\x1b[0m\u202eb\n'), 'a\ufffd[0m\ufffdb\ufffd');
  assert.equal([0, 1023, 1024, 1536, 204800, 2 ** 40].map(formatBytes), [
    '0 B',
    '1023 B',
    '1 KiB',
    '1.5 KiB',
    '200 KiB',
    '1 TiB',
  ]);
});

test.run();
