import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { runCommand } from '../../src/cli/run.js';

const test = suite('cli/replay');

const HEADER = '{"trace":1,"tasks":["A"]}\n';
const MATCHES = '{"task":"A","call":"getuid","args":[],"ret":0}\n';
const DIFFERS = '{"task":"A","call":"getuid","args":[],"ret":1}\n';

const dir = mkdtempSync(join(tmpdir(), 'procmem-replay-'));
test.after(() => rmSync(dir, { recursive: true }));

function file(name: string, contents: string | Uint8Array): string {
  const path = join(dir, name);
  writeFileSync(path, contents);
  return path;
}

async function run(...argv: string[]): Promise<{ status: number; out: string; err: string }> {
  let out = '';
  let err = '';
  const status = await runCommand(argv, {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    color: false,
    columns: 80,
  });
  return { status, out, err };
}

test('a trace that matches has status 0', async () => {
  const result = await run('replay', file('good.jsonl', HEADER + MATCHES));
  assert.equal(result, { status: 0, out: '1 of 1 steps match\n', err: '' });
});

test('a mismatch is reported with file, line, step and both answers, and has status 1', async () => {
  const path = file('differs.jsonl', HEADER + DIFFERS + MATCHES);
  const { status, out } = await run('replay', path);
  assert.is(status, 1);
  assert.equal(out.split('\n'), [
    `${path}:2: ${DIFFERS.trim()}`,
    '  expected 1',
    '  got      0',
    '1 of 2 steps match',
    '',
  ]);
});

test('several files are counted together, compressed ones too', async () => {
  const plain = file('a.jsonl', HEADER + MATCHES);
  const packed = file('b.jsonl.gz', gzipSync(HEADER + MATCHES + MATCHES));
  const { status, out } = await run('replay', plain, packed);
  assert.is(status, 0);
  assert.is(out, '3 of 3 steps match\n');
});

const UNLUCKY: readonly [name: string, header: string][] = [
  ['setting', '{"trace":1,"tasks":["A"],"sysctl":{"fs.suid_dumpable":-1}}'],
  ['limit', '{"trace":1,"tasks":["A"],"rlimits":{"AS":4096}}'],
];

for (const [name, header] of UNLUCKY) {
  test(`a header that no machine can follow (${name}) does not keep the others from it`, async () => {
    const bad = file(`${name}.jsonl`, `${header}\n`);
    const { status, out, err } = await run('replay', bad, file('good3.jsonl', HEADER + MATCHES));
    assert.is(status, 2);
    assert.is(out, '1 of 1 steps match\n');
    assert.match(err, /^procmem: \S+\.jsonl:1: no machine can be made of the header: .*\n$/);
  });
}

test('settings of a header that the machine does not have are named and ignored', async () => {
  const header = '{"trace":1,"tasks":["A"],"rlimits":{"NOFLIES":5},"sysctl":{"fs.suid_dump":1}}\n';
  const path = file('settings.jsonl', header + MATCHES);
  const { status, out, err } = await run('replay', path);
  assert.is(status, 0);
  assert.is(out, '1 of 1 steps match\n');
  assert.equal(err.split('\n'), [
    `procmem: ${path}:1: sysctl.fs.suid_dump is no setting of the machine and is ignored`,
    `procmem: ${path}:1: rlimits.NOFLIES is no setting of the machine and is ignored`,
    '',
  ]);
});

const NO_TRACES: readonly [name: string, contents: string | Uint8Array, message: RegExp][] = [
  ['empty.jsonl', '', /empty\.jsonl:1: not JSON: an empty line\n$/],
  ['text.jsonl', 'hello\n', /text\.jsonl:1: not JSON/],
  ['cut.jsonl', `${HEADER}{"task":"A","ca`, /cut\.jsonl:2: not JSON/],
  [
    'binary.jsonl',
    Buffer.alloc(5000, '\x7fELF\0\x80'),
    /:1: not JSON: "\.ELF\.\.\.ELF.{1,52}…"\n$/,
  ],
  [
    'arch.jsonl',
    '{"trace":1,"tasks":["A"],"arch":"riscv64"}',
    /:1: arch is "riscv64", not "x86_64"/,
  ],
  ['cut.gz', gzipSync(HEADER).subarray(0, 30), /cut\.gz: broken gzip data, 30 bytes/],
  ['bad.gz', Uint8Array.of(0x1f, 0x8b, 1, 2, 3), /bad\.gz: broken gzip data, 5 bytes/],
];

for (const [name, contents, message] of NO_TRACES) {
  test(`${name} is no trace: one line, status 2`, async () => {
    const { status, out, err } = await run('replay', file(name, contents));
    assert.is(status, 2);
    assert.is(out, '0 of 0 steps match\n');
    assert.match(err, message);
    assert.is(err.split('\n').length, 2);
  });
}

test('a file that is no trace does not keep the others from being replayed', async () => {
  const bad = file('bad.jsonl', 'x');
  const good = file('good2.jsonl', HEADER + MATCHES);
  const { status, out, err } = await run('replay', bad, good, join(dir, 'missing'));
  assert.is(status, 2);
  assert.match(err, /\nprocmem: \S+missing: no such file\n$/);
  assert.is(out, '1 of 1 steps match\n');
});

const USAGE: readonly [argv: string[], message: RegExp][] = [
  [[], /^procmem: which command\? procmem help lists them\n$/],
  [['nonsense'], /^procmem: no command "nonsense"; procmem help lists them\n$/],
  [['toString'], /no command "toString"/],
  [['replay'], /^procmem: no file; usage: procmem replay FILE…\n$/],
  [
    ['replay', '--fast'],
    /^procmem: unknown option --fast; usage: procmem replay FILE… \[--json\]\n$/,
  ],
  [
    ['demo', '-x', 'core'],
    /^procmem: unknown option -x; usage: procmem demo \[CORE\] \[--json\]\n$/,
  ],
];

for (const [argv, message] of USAGE) {
  test(`procmem ${argv.join(' ')} is wrong usage: one line, status 2`, async () => {
    const { status, out, err } = await run(...argv);
    assert.is(status, 2);
    assert.is(out, '');
    assert.match(err, message);
    assert.is(err.split('\n').length, 2);
  });
}

for (const command of ['demo', 'replay']) {
  for (const option of ['--help', '-h']) {
    test(`procmem ${command} ${option} tells how it is used`, async () => {
      const { status, out, err } = await run(command, option);
      assert.is(err, '');
      assert.is(status, 0);
      assert.match(
        out,
        new RegExp(`^Usage: procmem ${command} .*\\n\\n {2}\\w.*\\n[^]*\\nExamples\\n`),
      );
    });
  }
}

test('what follows -- is a file, whatever it looks like', async () => {
  const { status, err } = await run('replay', '--', '--help');
  assert.is(status, 2);
  assert.is(err, 'procmem: --help: no such file\n');
});

test('version is that of the package', async () => {
  const { status, out } = await run('--version');
  assert.is(status, 0);
  assert.match(out, /^procmem \d+\.\d+\.\d+\n$/);
});

test('help lists the commands', async () => {
  const { status, out } = await run('help');
  assert.is(status, 0);
  assert.match(out, /^Usage: procmem COMMAND/);
  assert.match(out, /\n {2}replay /);
});

test.run();
