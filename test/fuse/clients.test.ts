// Programs that everyone has, unmodified, over a mount: they read a copy of a real process.
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { installed, Mounted, obstacle, run, Workshop } from './mounted.js';

const test = suite('fuse/clients');

const SECRET = 'procmem-secret-0123456789';
const SECRET_BYTES = 4 << 20;

/** What programs/target.c puts into its mapping. */
function secretBytes(): Buffer {
  const bytes = Buffer.alloc(SECRET_BYTES);
  for (let i = 0; i < SECRET_BYTES; i++) bytes[i] = i * 31 + (i >> 12);
  bytes.write(`${SECRET}\0`, 'latin1');
  return bytes;
}

/** Programs that tests use, and the packages of Debian that have them. */
const PACKAGES: Readonly<Record<string, string>> = {
  gcc: 'gcc',
  'g++': 'g++',
  gdb: 'gdb',
  xxd: 'xxd',
  strings: 'binutils',
  pmap: 'procps',
  yara: 'yara',
  'eu-unstrip': 'elfutils',
  '/usr/bin/python3': 'python3',
};

const why =
  obstacle() ??
  ['gcc', 'gdb']
    .filter((tool) => !installed(tool))
    .map((tool) => `no ${tool} (Debian: apt-get install ${PACKAGES[tool]})`)[0] ??
  null;
if (why !== null) console.log(`SKIPPED fuse/clients: ${why}`);
else {
  const workshop = new Workshop();
  assert.is(workshop.build('gcc', 'target.c', 'target', '-pthread'), null);
  const { core, printed, maps } = workshop.copy();
  const addresses = new Map(
    printed
      .trim()
      .split('\n')
      .map((line) => line.split(' ') as [string, string]),
  );
  const functions = ['leaf', 'mid', 'main'];
  const pcs = functions.map((name) => addresses.get(name) ?? '');
  const secret = Number(addresses.get('secret'));
  const plain = await new Mounted(workshop.path('plain'), ['--core', core]).ready();
  const asSelf = await new Mounted(workshop.path('self'), [
    '--core',
    core,
    '--self',
    'core',
  ]).ready();
  const noMem = await new Mounted(workshop.path('nomem'), [
    '--core',
    core,
    '--self',
    'core',
    '--no-mem',
  ]).ready();
  const { pid } = plain;
  const mem = plain.path(`${pid}/mem`);
  const dd = (count: number, bs: number): string[] => [
    `if=${mem}`,
    `bs=${bs}`,
    `count=${count}`,
    `skip=${secret}`,
    'iflag=skip_bytes',
    'status=none',
  ];
  test.after(async () => {
    for (const mounted of [plain, asSelf, noMem]) await mounted.remove();
    workshop.remove();
  });

  /** A test that needs programs, or says which it has to do without. */
  function row(name: string, tools: readonly string[], body: () => void): void {
    const missing = tools.find((tool) => !installed(tool));
    if (missing === undefined) test(name, body);
    else
      console.log(
        `SKIPPED fuse/clients, ${name}: no ${missing} (Debian: apt-get install ${PACKAGES[missing] ?? missing})`,
      );
  }

  /** Runs a program that is to succeed; what it printed. */
  function said(ran: ReturnType<typeof run>): string {
    assert.is(ran.status, 0, ran.stderr + ran.stdout);
    return ran.stdout;
  }

  row('cat prints the maps that the kernel had for the process', ['cat'], () => {
    const ours = said(run('cat', [plain.path(`${pid}/maps`)]));
    const ranges = (text: string): string[] =>
      text
        .split('\n')
        .filter((line) => /target$|\[stack\]|\[heap\]/.test(line))
        .map((line) => line.split(' ').slice(0, 3).join(' '));
    assert.ok(ranges(maps).length >= 7);
    assert.equal(ranges(ours), ranges(maps));
  });

  row('cat of mem from its start is refused, as by the kernel', ['cat'], () => {
    const { status, stderr } = run('cat', [mem]);
    assert.is(status, 1);
    assert.match(stderr, 'Input/output error');
  });

  row('dd copies memory, byte for byte, in small and in big blocks', ['dd'], () => {
    const digest = (data: Buffer | string): string =>
      createHash('sha256')
        .update(data as string, 'latin1')
        .digest('hex');
    const wanted = digest(secretBytes());
    for (const bs of [512, 4096, 131072, SECRET_BYTES]) {
      assert.is(digest(said(run('dd', dd(SECRET_BYTES / bs, bs)))), wanted, `bs=${bs}`);
    }
  });

  row('several readers at once get the same bytes', ['dd', 'sha256sum'], () => {
    const one = `dd ${dd(32, 131072).join(' ')} | sha256sum`;
    const all = `for i in 1 2 3 4 5 6 7 8; do (${one}) & done; wait`;
    const lines = said(run('sh', ['-c', all]))
      .trim()
      .split('\n');
    assert.is(lines.length, 8);
    const wanted = createHash('sha256').update(secretBytes()).digest('hex');
    assert.equal([...new Set(lines)], [`${wanted}  -`]);
  });

  row('xxd shows bytes at an address', ['xxd'], () => {
    const shown = said(run('xxd', ['-s', String(secret), '-l', '25', '-p', '-c', '25', mem]));
    assert.is(Buffer.from(shown.trim(), 'hex').toString(), SECRET);
  });

  row('strings finds the text in memory', ['strings'], () => {
    const piped = `dd ${dd(1, 4096).join(' ')} | strings -n 20`;
    assert.ok(
      said(run('sh', ['-c', piped]))
        .split('\n')
        .includes(SECRET),
    );
  });

  row('python3 reads and writes mem', ['/usr/bin/python3'], () => {
    const script = [
      'import os, sys',
      'path, at = sys.argv[1], int(sys.argv[2])',
      'with open(path, "r+b", 0) as mem:',
      '  mem.seek(at)',
      '  print(mem.read(7).decode())',
      '  mem.seek(at + 8)',
      '  mem.write(b"SECRET")',
      '  print(os.pread(mem.fileno(), 14, at).decode())',
      '  os.pwrite(mem.fileno(), b"secret", at + 8)',
      '  print(os.pread(mem.fileno(), 14, at).decode())',
      '  try: os.pread(mem.fileno(), 1, 4096)',
      '  except OSError as error: print(error.errno)',
    ].join('\n');
    const lines = said(run('/usr/bin/python3', ['-c', script, mem, String(secret)]))
      .trim()
      .split('\n');
    assert.equal(lines, ['procmem', 'procmem-SECRET', 'procmem-secret', '5']);
  });

  row('pmap -X adds up every mapping', ['pmap'], () => {
    const lines = said(plain.over('pmap', ['-X', String(pid)]))
      .trim()
      .split('\n');
    const heads = lines[1]?.trim().split(/\s+/) ?? [];
    const at = (line: string | undefined, name: string) =>
      line?.trim().split(/\s+/)[heads.indexOf(name)];
    const mapping = lines.find((line) => Number(at(line, 'Size')) === SECRET_BYTES / 1024);
    assert.equal(
      ['Perm', 'Rss', 'Anonymous'].map((name) => at(mapping, name)),
      ['rw-p', '4096', '4096'],
    );
    assert.is(lines.filter((line) => line.endsWith(' target')).length, 5);
    assert.match(lines.at(-1) ?? '', /KB\s*$/);
  });

  row('pgrep and ps see the process, and themselves', ['pgrep', 'ps'], () => {
    assert.is(said(plain.over('pgrep', ['target'])), `${pid}\n`);
    const table = said(plain.over('ps', ['-eo', 'pid,nlwp,comm', '--no-headers']));
    assert.match(table, new RegExp(`^ *${pid} +2 target$`, 'm'));
    assert.match(table, / ps$/m);
  });

  const hasPsutil = run('/usr/bin/python3', ['-c', 'import psutil']).status === 0;
  row(
    'psutil describes the process',
    ['/usr/bin/python3', ...(hasPsutil ? [] : ['python3-psutil'])],
    () => {
      const script = [
        'import psutil, sys',
        'psutil.PROCFS_PATH = sys.argv[1]',
        'p = psutil.Process(int(sys.argv[2]))',
        'print(p.name(), p.num_threads(), p.uids().real, p.exe())',
        'print([m.rss for m in p.memory_maps(grouped=False) if m.addr.startswith(sys.argv[3])])',
        'print(p.pid in psutil.pids())',
      ].join('\n');
      const lines = said(
        run('/usr/bin/python3', ['-c', script, plain.directory, String(pid), secret.toString(16)]),
      )
        .trim()
        .split('\n');
      assert.equal(lines, [`target 2 0 ${workshop.path('target')}`, `[${SECRET_BYTES}]`, 'True']);
    },
  );

  row('yara finds a rule’s string at its address', ['yara'], () => {
    const rule = workshop.path('rule.yar');
    writeFileSync(rule, `rule secret { strings: $a = "${SECRET}" condition: $a }\n`);
    const lines = said(plain.over('yara', ['-s', rule, String(pid)]))
      .trim()
      .split('\n');
    assert.is(lines[0], `secret ${pid}`);
    assert.ok(lines.includes(`0x${secret.toString(16)}:$a: ${SECRET}`));
  });

  row(
    'eu-unstrip finds the modules and their build ids in memory',
    ['eu-unstrip', 'readelf'],
    () => {
      const notes = said(run('readelf', ['-n', workshop.path('target')]));
      const buildId = /Build ID: ([0-9a-f]+)/.exec(notes)?.[1];
      const modules = said(plain.over('eu-unstrip', ['-n', '-p', String(pid)])).split('\n');
      const start = /^([0-9a-f]+)-.*target$/m.exec(maps)?.[1];
      const [first = ''] = modules;
      assert.ok(first.startsWith(`0x${start}+0x`), first);
      assert.match(first, ` ${buildId}@0x`);
      assert.ok(modules.some((line) => line.includes('libc.so.6')));
    },
  );

  const glog = workshop.build('g++', 'symbolize.cc', 'glog', '-lglog');
  const flags = run('pkg-config', ['--cflags', '--libs', 'absl_symbolize'])
    .stdout.trim()
    .split(/\s+/);
  const absl = workshop.build('g++', 'symbolize.cc', 'absl', '-DABSL', ...flags);
  row(
    'glog names functions by mem, and without it none',
    ['g++', ...(glog === null ? [] : ['libgoogle-glog-dev'])],
    () => {
      const names = (mounted: Mounted): string[] =>
        said(mounted.over(workshop.path('glog'), pcs))
          .trim()
          .split('\n');
      assert.equal(names(noMem), ['(unknown)', '(unknown)', '(unknown)']);
      assert.equal(names(asSelf), functions);
      assert.equal(names(plain), ['(unknown)', '(unknown)', '(unknown)'], 'its own /proc/self');
    },
  );
  row(
    'absl names functions by /proc/self/task/TID/maps',
    ['g++', ...(absl === null ? [] : ['libabsl-dev'])],
    () => {
      const names = (mounted: Mounted): string[] =>
        said(mounted.over(workshop.path('absl'), pcs))
          .trim()
          .split('\n');
      assert.equal(names(asSelf), functions);
      assert.equal(names(plain), ['(unknown)', '(unknown)', '(unknown)'], 'its own /proc/self');
    },
  );
}

test.run();
