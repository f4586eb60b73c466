import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import * as assert from 'uvu/assert';
import { suite } from 'uvu';

import { COMMANDS } from '../../src/cli/commands.js';
import { runCommand } from '../../src/cli/run.js';
import { visibleLength } from '../../src/cli/terminal.js';
import { buildCore } from '../elf/core-builder.js';

const test = suite('cli/commands');
const MAIN = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const EXAMPLE = fileURLToPath(new URL('../../../examples/crash/core.gz', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'procmem-cli-'));
test.after(() => rmSync(directory, { recursive: true, force: true }));

interface Ran {
  status: number;
  out: string;
  err: string;
  /** All that was written, where it is not text. */
  bytes: Buffer;
}

async function run(argv: string[], columns = 80, terminal = false): Promise<Ran> {
  const ran = { status: 0, out: '', err: '', bytes: Buffer.alloc(0) };
  ran.status = await runCommand(argv, {
    out: (text) => {
      const bytes = typeof text === 'string' ? Buffer.from(text) : Buffer.from(text);
      ran.bytes = Buffer.concat([ran.bytes, bytes]);
    },
    err: (text) => void (ran.err += text),
    color: false,
    columns,
    terminal,
  });
  ran.out = ran.bytes.toString();
  return ran;
}

const STACK = '7ffd7509d000-7ffd750be000';
const good: [command: string, status: number, out: RegExp][] = [
  ['info', 0, /^signal +SIGSEGV, nothing is mapped at 0x4$/m],
  ['maps', 0, /^7ffd7509d000-7ffd750be000 +rw-p +132 KiB +132 KiB {2}\[stack\]$/m],
  ['maps --proc', 0, /^7ffd7509d000-7ffd750be000 rw-p 00000000 00:00 0 +\[stack\]$/m],
  ['bt', 0, /^#0 +0x00007f700a534063 postcard::Palette::colourOf\(unsigned char\) const$/m],
  ['bt -r', 0, /^#0 +0x00007f700a534063 _ZNK8postcard7Palette8colourOfEh$/m],
  ['bt -m -n 1', 0, /^#0 .* - \/tmp\/crash\/thumbnail$/m],
  ['bt -t 5780', 0, /^TID 5780:\n#0 .*\n(#.*\n)*$/m],
  [
    'read $rsp 16',
    0,
    /^7ffd750bd448 {2}a7 40 53 0a 70 7f 00 00 {2}04 00 .{17} {2}\.@S\.p\.{11}\n$/,
  ],
  ['read 0x7ffd750bd448 8', 0, /^7ffd750bd448 {2}a7 40 53 0a 70 7f 00 00 +\.@S\.p\.\.\.\n$/],
  ['read $sp 4', 0, /^7ffd750bd448 {2}a7 40 53 0a /],
  ['read $rsp+8 4', 0, /^7ffd750bd450 {2}04 00 00 00 /],
  ['read $rsp-0x8 4', 0, /^7ffd750bd440 /],
  ['read 7f700a53500d 4', 0, /^7f700a53500d {2}70 6f 73 74 +post\n$/],
  ['read /tmp/crash/thumbnail 4', 0, /^7f700a533000 {2}7f 45 4c 46 +\.ELF\n$/],
  ['read [stack]+0 4K', 0, /^7ffd7509d000 .*\n\*\n7ffd7509e000\n$/],
  [`read ${STACK} 1`, 0, /^7ffd7509d000 {2}00 +\.\n$/],
  ['search --text postcards', 0, /^7f700a53500d {2}postcards\.{11}.* r--p \/tmp\/crash\/thumb/m],
  ['search --text POSTCARDS -i -n 1', 0, /^7f700a53500d {2}postcards/m],
  ['search --hex 70??7374 -n 1', 0, /^7f700a53500d {2}post/m],
  ['search --regex post[a-z]+s -n 1', 0, /^7f700a53500d {2}postcards/m],
  ['search --u64 0x7f700a5340a7 -p rw', 0, /^7ffd750bd448 {2}.*rw-p \[stack\]$/m],
  ['search --i32 4 [stack] -n 1', 0, /^7ffd/m],
  ['search --text absent-from-this', 1, /^$/],
  ['search --u64 0x7f700a5340a7 --align 16', 1, /^$/],
  ['explain --uid 1001', 1, /^ +user 1001: denied \(EACCES\)$/m],
  ['explain --uid 1001 --caps sys_ptrace', 0, /user 1001, capabilities sys_ptrace: allowed$/m],
  ['explain --uid 1000 --caps none --yama 1', 1, /^ +user 1000, .*: denied \(EACCES\)$/m],
  ['explain --uid 1001 --question ptrace', 1, /denied \(EPERM\)$/m],
  ['version', 0, /^procmem \d+\.\d+\.\d+\n$/],
  ['completion fish', 0, /^complete -c procmem .* -l core -r -d /m],
];
for (const [command, status, out] of good) {
  test(`procmem ${command} has status ${status}`, async () => {
    const ran = await run(command.split(' '));
    assert.match(ran.out, out);
    assert.is(ran.status, status, ran.err);
  });
}

const bad: [command: string, message: RegExp][] = [
  ['', /which command\? procmem help lists them/],
  ['frob', /no command "frob"; procmem help lists them/],
  ['mpas', /no command "mpas" \(did you mean maps\?\)/],
  ['maqs', /no command "maqs" \(did you mean maps\?\)/],
  ['help frob', /no command "frob"/],
  ['help maps bt', /help takes at most one command/],
  ['maps --jsno', /unknown option --jsno \(did you mean --json\?\); usage: procmem maps/],
  ['maps -z', /unknown option -z; usage: procmem maps/],
  ['maps --json=1', /--json takes no value/],
  ['maps --core', /--core needs a value/],
  ['maps a b', /maps takes at most one core or snapshot/],
  ['maps a --core b', /one process, please: a or b/],
  ['maps --core a --core b', /--core is given twice/],
  ['maps --proc --json', /choose one/],
  ['maps /no/such', /^procmem: \/no\/such: no such file$/],
  ['bt --thread 7', /core\.gz: no thread 7; there are 5779, 5780$/],
  ['bt -n x', /--limit: "x" is no number from 0 to/],
  ['read', /no address; usage: procmem read ADDRESS \[LENGTH\]/],
  ['maps --nope', /unknown option --nope; usage/],
  ['maps --sysroot /not/there', /--sysroot \/not\/there: there is no such directory/],
  ['read [stak]', /there is no mapping "\[stak\]"; did you mean \[stack\]\?/],
  ['read /thumbnail', /there is no mapping "\/thumbnail"; did you mean \/tmp\/crash\/thumbnail\?/],
  ['read [none]', /there is no mapping "\[none\]"; procmem maps lists them/],
  ['read zebra', /"zebra" is no address: 0x… or decimal, \$rsp, \[stack\], START-END/],
  ['read $rzx', /\$rzx is no register; there are r15 /],
  ['read 0x10000000000000000', /"0x10000000000000000" is no address/],
  ['read 0xffff800000000000', /outside of user space/],
  ['read $rsp-200T', /outside of user space/],
  ['read 20000-10000', /the range ends before it begins/],
  ['read 0x1000 12Q', /LENGTH: "12Q" is no number of bytes/],
  ['read 0x1000 1 2', /read takes an address and a length, no 2/],
  ['read $rsp --raw --json', /choose one/],
  ['search', /one of --text, --hex, .* says what to search/],
  ['search --text a --hex 00', /one of --text, --hex,/],
  ['search --hex 0', /--hex: 1 digits make no whole bytes/],
  ['search --hex zz', /--hex: "z" is no hex digit/],
  ['search --hex ?', /--hex: no whole bytes/],
  ['search --regex (', /--regex: Invalid regular expression/],
  ['search --u8 256', /--u8: 256 does not fit 8 bits/],
  ['search --i32=-2147483649', /does not fit 32 bits/],
  ['search --i32 -5', /one that begins with - is written --i32=-…/],
  ['search --u32 five', /--u32: "five" is no integer/],
  ['search --text a -p q', /--perms: "q" has letters other than/],
  ['write', /no address/],
  ['write $rsp --hex 00', /--output names the file to make/],
  ['write $rsp -o x', /one of --hex, --text and --file/],
  ['write $rsp --hex 00 --text a -o x', /one of --hex, --text and --file/],
  ['write $rsp --file /no/such -o x', /^procmem: \/no\/such: no such file$/],
  ['explain --yama 4', /--yama: "4" is no number from 0 to 3/],
  ['explain --caps fly', /--caps: "fly" is no capability/],
  ['explain --question why', /--question: "why" is neither mem nor ptrace/],
  ['bench now', /bench takes no now/],
  ['completion tcsh', /usage: procmem completion bash\|zsh\|fish/],
];
for (const [command, message] of bad) {
  test(`procmem ${command || '(nothing)'} is one line and status 2`, async () => {
    const { status, out, err } = await run(command === '' ? [] : command.split(' '));
    assert.is(status, 2);
    assert.is(out, '');
    assert.match(err.trimEnd(), message);
    assert.match(err, /^procmem: [^\n]+\n$/);
  });
}

test('help of every command has its usage, options and examples, and fits 80 columns', async () => {
  for (const [name, { usage, options = {} }] of Object.entries(COMMANDS)) {
    const { status, out } = await run(['help', name]);
    assert.is(status, 0);
    assert.ok(out.startsWith(`Usage: procmem ${usage}\n`), name);
    assert.is(usage.split(' ')[0], name);
    for (const option of Object.keys(options)) assert.ok(out.includes(`--${option}`), option);
    const lines = out.split('\n').filter((line) => !/^ {2}(procmem|#) /.test(line));
    for (const line of lines) assert.ok(line.length <= 80, line);
    assert.is((await run([name, '--help'])).out, out);
  }
});

test('every command has --json, but those that print a script or what a program prints', () => {
  const without = Object.keys(COMMANDS).filter((name) => !COMMANDS[name]?.options?.['json']);
  assert.equal(without, ['run', 'completion']);
});

/** Those that go on until they are told to end have tests of their own, as has what needs a process. */
const LASTING = ['gdb', 'mount', 'serve', 'snapshot'];
const withJson = Object.keys(COMMANDS).filter((name) => {
  return COMMANDS[name]?.options?.['json'] !== undefined && !LASTING.includes(name);
});
const needs: Readonly<Record<string, string>> = {
  read: '$rsp 32',
  search: '--text post',
  write: `$rsp --hex 00 -o ${join(directory, 'json')}`,
  replay: join(directory, 'empty.jsonl'),
  dump: `-o ${join(directory, 'dump')}`,
};
writeFileSync(join(directory, 'empty.jsonl'), '{"trace":1,"tasks":["A"]}\n');
for (const name of withJson) {
  test(`procmem ${name} --json prints JSON`, async () => {
    const { out, err } = await run([name, ...(needs[name]?.split(' ') ?? []), '--json']);
    assert.is(err, '');
    const lines = ['read', 'search', 'replay'].includes(name) ? out.trimEnd().split('\n') : [out];
    for (const line of lines) assert.type(JSON.parse(line), 'object');
  });
}

test('tables fit 80 and 120 columns', async () => {
  for (const columns of [80, 120]) {
    for (const name of ['info', 'maps', 'explain', 'help']) {
      const { out } = await run([name], columns);
      for (const line of out.split('\n')) assert.ok(visibleLength(line) <= columns, line);
    }
  }
});

test('a match across two pieces of a large memory is found once, whole', async () => {
  const bytes = new Uint8Array(3 << 20);
  const text = new TextEncoder().encode('needle');
  for (const at of [(1 << 20) - 3, (2 << 20) - 6, 2 << 20, (3 << 20) - 6]) bytes.set(text, at);
  const core = join(directory, 'large');
  writeFileSync(core, buildCore({ loads: [{ vaddr: 0x10000000n, bytes }], tids: [1] }));
  const wanted = ['0000100ffffd', '0000101ffffa', '000010200000', '0000102ffffa'];
  for (const pattern of [
    ['--text', 'needle'],
    ['--regex', '[a-z]+'],
    ['--hex', '6e 65??646c65'],
  ]) {
    const { out } = await run(['search', ...pattern, '-c', core]);
    const found = out
      .trimEnd()
      .split('\n')
      .map((line) => line.slice(0, 12));
    const joined = pattern[0] === '--regex' ? wanted.filter((at) => at !== '000010200000') : wanted;
    assert.equal(found, joined, pattern[0]);
  }
});

test('raw bytes are the bytes, and are not written to a terminal', async () => {
  const { bytes } = await run(['read', '$rsp', '8', '--raw']);
  assert.equal([...bytes], [0xa7, 0x40, 0x53, 0x0a, 0x70, 0x7f, 0, 0]);
  const { status, err } = await run(['read', '$rsp', '8', '--raw'], 80, true);
  assert.is(status, 2);
  assert.match(err, /could drive the terminal/);
  assert.is((await run(['read', '$rsp', '8', '--raw', '--force'], 80, true)).bytes.length, 8);
});

test('a read that ends early gives what there is, says where it ended, and has status 1', async () => {
  const { status, out, err } = await run(['read', '0x7ffd750bdff8', '16K']);
  assert.is(status, 1);
  assert.match(out, /^7ffd750bdff8 {2}/);
  assert.is(err, 'procmem: 0x7ffd750be000: nothing is mapped there; 8 of 16384 bytes read\n');
});

test('a write makes a new core with other bytes there and the same everywhere else', async () => {
  const output = join(directory, 'patched');
  const { status, out } = await run(['write', '$rsp', '--hex', 'c0 de', '-o', output]);
  assert.is(status, 0);
  assert.is(out, `2 bytes at 0x7ffd750bd448 written into ${output}\n`);
  const [before, after] = [gunzipSync(readFileSync(EXAMPLE)), readFileSync(output)];
  assert.is(after.length, before.length);
  const changed = [...after].flatMap((byte, i) => (byte === before[i] ? [] : [byte]));
  assert.equal(changed, [0xc0, 0xde]);
  assert.match((await run(['read', '$rsp', '4', '-c', output])).out, / c0 de 53 0a /);
  assert.is((statSync(output).mode & 0o777).toString(8), '600');
});

test('a write overwrites no file', async () => {
  const output = join(directory, 'there');
  writeFileSync(output, 'mine');
  const there = await run(['write', '$rsp', '--hex', '00', '-o', output]);
  assert.is(there.status, 2);
  assert.match(there.err, /there: .*exist/i);
  assert.is(readFileSync(output, 'utf8'), 'mine');
});

test('a write of a page that was not dumped adds it, and changes nothing else', async () => {
  const output = join(directory, 'text');
  const before = await run(['read', '/tmp/crash/thumbnail', '20K', '--raw']);
  const { status, err } = await run(['write', '$rip', '--hex', '90 90', '-o', output]);
  assert.is(status, 0, err);
  const after = await run(['read', '$rip', '4', '-c', output]);
  assert.match(after.out, /^7f700a534063 {2}90 90 /);
  const page = ['7f700a534000', '4K', '--raw'];
  const [was, is] = [await run(['read', ...page]), await run(['read', ...page, '-c', output])];
  const changed = [...is.bytes].flatMap((byte, i) => (byte === was.bytes[i] ? [] : [i]));
  assert.equal(changed, [0x63, 0x64]);
  assert.is(before.bytes.length > 0, true);
  const maps = async (...argv: string[]) =>
    JSON.parse((await run(['maps', '--json', ...argv])).out);
  const dumped = (rows: { path: string; bytesDumped: number }[]): number =>
    rows.reduce((sum, { bytesDumped }) => sum + bytesDumped, 0);
  assert.is(dumped(await maps(output)), dumped(await maps()) + 4096);
  const root = join(directory, 'root');
  mkdirSync(join(root, 'tmp/crash'), { recursive: true });
  const program = readFileSync(EXAMPLE.replace(/core\.gz$/, 'thumbnail.gz'));
  writeFileSync(join(root, 'tmp/crash/thumbnail'), gunzipSync(program));
  const trace = await run(['bt', output, '--sysroot', root]);
  assert.is(trace.out, (await run(['bt'])).out);
});

test('a write where nothing is mapped, or the rest of the page is not known, is refused', async () => {
  const core = join(directory, 'holes');
  writeFileSync(
    core,
    buildCore({
      loads: [{ vaddr: 0x10000n, bytes: new Uint8Array(0), memsz: 0x3000 }],
      tids: [1],
    }),
  );
  const output = join(directory, 'unwritten');
  const part = await run(['write', '0x10800', '--hex', '90', '-c', core, '-o', output]);
  assert.is(part.status, 1);
  assert.match(
    part.err,
    /^procmem: 0x10800: the core does not have it: write whole pages, or .*\n$/,
  );
  const none = await run(['write', '0x13000', '--hex', '90', '-c', core, '-o', output]);
  assert.is(none.status, 1);
  assert.is(none.err, 'procmem: 0x13000: nothing is mapped there; nothing is written\n');
  assert.throws(() => statSync(output), /ENOENT/);
  const page = join(directory, 'page');
  writeFileSync(page, new Uint8Array(4096).fill(7));
  await run(['write', '0x11000', '--file', page, '-c', core, '-o', output]);
  const dumped = JSON.parse((await run(['maps', output, '--json'])).out) as { start: string }[];
  assert.is((await run(['read', '0x11ffe', '2', '--raw', '-c', output])).out, '\x07\x07');
  assert.is((await run(['read', '0x11fff', '2', '-c', output])).status, 1);
  assert.is(dumped[0]?.start, '0x10000');
});

test('a core cut short is one line with file, offset and what is wrong', async () => {
  const path = join(directory, 'cut');
  writeFileSync(path, gunzipSync(readFileSync(EXAMPLE)).subarray(0, 3000));
  for (const name of ['info', 'maps', 'bt', 'explain']) {
    const { status, out, err } = await run([name, path]);
    assert.is(status, 2);
    assert.is(out, '');
    assert.match(err, /^procmem: \S+cut: offset 0x[0-9a-f]+: [^\n]+\n$/);
  }
});

test('a reader that has seen enough ends the program quietly', () => {
  const command = `node "${MAIN}" search --u8 0 --limit 0 | head -n 1; echo "\${PIPESTATUS[0]}"`;
  const { stdout, stderr } = spawnSync('bash', ['-c', command], { encoding: 'utf8' });
  assert.is(stderr, '');
  assert.match(stdout, /^[0-9a-f]{12} .*\n0\n$/);
});

test('colours are written to a terminal, or when they are forced, and never with NO_COLOR', () => {
  const colours = (env: Record<string, string>): boolean => {
    const options = { encoding: 'utf8', env: { PATH: process.env['PATH'], ...env } } as const;
    return spawnSync(process.execPath, [MAIN, 'maps'], options).stdout.includes('\x1b[');
  };
  assert.not.ok(colours({}));
  assert.ok(colours({ FORCE_COLOR: '1' }));
  assert.not.ok(colours({ FORCE_COLOR: '1', NO_COLOR: '1' }));
});

test('the completions are scripts that their shells accept', () => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    if (spawnSync(shell, ['--version']).status !== 0) continue;
    const { stdout } = spawnSync(process.execPath, [MAIN, 'completion', shell], {
      encoding: 'utf8',
    });
    const check = spawnSync(shell, ['-n'], { input: stdout, encoding: 'utf8' });
    assert.is(check.stderr, '', shell);
  }
  const script = `source <(node "${MAIN}" completion bash); COMP_WORDS=(procmem maps --j); COMP_CWORD=2
    _procmem; echo "\${COMPREPLY[@]}"`;
  const { stdout } = spawnSync('bash', ['-c', script], { encoding: 'utf8' });
  assert.is(stdout, '--json\n');
});

test.run();
