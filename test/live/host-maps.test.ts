import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { suite } from 'uvu';

import { ProcError } from '../../src/live/error.js';
import { isHostFile, parseHostMaps } from '../../src/live/host-maps.js';
import { parseSmaps } from '../../src/live/host-smaps.js';
import { parseHostStat } from '../../src/live/host-stat.js';
import { hostRegisters } from '../../src/live/host-registers.js';

const test = suite('live/host-maps');
const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));
const parse = (text: string) => parseHostMaps('maps', bytesOf(text));

/** The mappings, or the message of the error. */
function outcome(text: string): unknown {
  try {
    return parse(text).map(
      ({ start, end, perms, name }) => `${start.toString(16)}-${end.toString(16)} ${perms} ${name}`,
    );
  } catch (error) {
    if (error instanceof ProcError) return error.message;
    throw error;
  }
}

const LINE = '00400000-00401000 r-xp 00000000 fe:01 12                                 /bin/true\n';
const GATE =
  'ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n';
const rows: [what: string, text: string, expected: unknown][] = [
  ['nothing', '', []],
  ['a line', LINE, ['400000-401000 r-xp /bin/true']],
  ['the vsyscall page', LINE + GATE, ['400000-401000 r-xp /bin/true']],
  ['no name', '00400000-00401000 rw-s 00000000 00:00 0 \n', ['400000-401000 rw-s ']],
  ['a newline in a name', LINE.replace('/bin/true', '/a\\012b'), ['400000-401000 r-xp /a\nb']],
  ['spaces in a name', LINE.replace('/bin/true', '/a b  c'), ['400000-401000 r-xp /a b  c']],
  [
    'a name that looks like a line',
    LINE.replace('/bin/true', `/${LINE.trim()}`),
    [`400000-401000 r-xp /${LINE.trim()}`],
  ],
  [
    'bytes of no encoding',
    LINE.replace('/bin/true', '/\xff\xfe'),
    ['400000-401000 r-xp /\xff\xfe'],
  ],
  ['a line cut short', LINE.trim(), 'maps: offset 0x0: the last line does not end'],
  [
    'a second line cut short',
    LINE + '0050',
    `maps: offset 0x${LINE.length.toString(16)}: the last line does not end`,
  ],
  [
    'an empty line',
    `${LINE}\n`,
    `maps: offset 0x${LINE.length.toString(16)}: not a line of maps: ""`,
  ],
  ['words', 'hello\n', 'maps: offset 0x0: not a line of maps: "hello"'],
  [
    'other permissions',
    LINE.replace('r-xp', 'rwx!'),
    /^maps: offset 0x0: not a line of maps: "00400000-/,
  ],
  ['an inode without end', LINE.replace(' 12 ', ` ${'9'.repeat(40)} `), /not a line of maps/],
  ['too many digits', LINE.replace('00401000', '1'.repeat(17)), /not a line of maps/],
  [
    'half a page',
    LINE.replace('00401000', '00400800'),
    'maps: offset 0x0: 0x00400000-0x00400800 is no range of a process',
  ],
  ['backwards', LINE.replace('00401000', '00300000'), /is no range of a process$/],
  ['beyond user space', LINE.replace('00401000', '800000001000'), /is no range of a process$/],
  [
    'half a page of a file',
    LINE.replace(' 00000000 ', ' 00000800 '),
    /0x00000800 is no offset of a mapped file$/,
  ],
  [
    'a file without end',
    LINE.replace(' 00000000 ', ' ffffffffff000000 '),
    /is no offset of a mapped file$/,
  ],
  [
    'twice the same',
    LINE + LINE,
    `maps: offset 0x${LINE.length.toString(16)}: mappings overlap at 0x400000`,
  ],
  [
    'a line from hell',
    LINE.replace('true', 'x'.repeat(20000)),
    /^maps: offset 0x0: a line of 20\d{3} bytes$/,
  ],
];
for (const [what, text, expected] of rows) {
  test(`maps of ${what}`, () => {
    const actual = outcome(text);
    if (expected instanceof RegExp) assert.match(String(actual), expected);
    else assert.equal(actual, expected);
  });
}

test('an error is one line, whatever the file has', () => {
  assert.not.match(String(outcome('a\rb\u0001\n')), /[\r\n\u0001]/);
});

test('names tell files from memory in no directory', () => {
  const named = (name: string): boolean => {
    const [mapping] = parse(LINE.replace('/bin/true', name));
    return mapping !== undefined && isHostFile(mapping);
  };
  for (const name of ['/bin/true', '/tmp/x (deleted)', '/dev/zero', '/memfd:x'])
    assert.ok(named(name));
  const others = ['[heap]', '/dev/zero (deleted)', '/memfd:x (deleted)', '/SYSV00000000 (deleted)'];
  for (const name of [...others, 'anon_inode:[perf]']) assert.not.ok(named(name), name);
});

test('damaged maps give mappings in order or an error, quickly', () => {
  const whole = LINE + LINE.replace('00400000-00401000', '00500000-00600000') + GATE;
  const damage = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), {
    minLength: 1,
    maxLength: 6,
  });
  fc.assert(
    fc.property(damage, fc.nat(whole.length), (changes, length) => {
      const bytes = bytesOf(whole).slice(0, length);
      for (const [at, value] of changes) if (at < length) bytes[at] = value;
      try {
        const mappings = parseHostMaps('maps', bytes);
        mappings.forEach(({ start, end }, i) => {
          assert.ok(start < end && start >= (mappings[i - 1]?.end ?? 0) && end <= 2 ** 47);
        });
      } catch (error) {
        assert.instance(error, ProcError);
        assert.match((error as Error).message, /^maps: offset 0x[0-9a-f]+: \S/);
      }
    }),
    { numRuns: 5000 },
  );
});

const registers: [text: string, expected: readonly bigint[] | null][] = [
  ['running\n', null],
  ['', null],
  ['0\n', null],
  ['-1 0x7ffc0 0x401000\n', [-1n, 0x7ffc0n, 0x401000n, 0n]],
  ['35 0x1 0x2 0x3 0x4 0x5 0x6 0x7ffc0 0x401000\n', [35n, 0x7ffc0n, 0x401000n, 1n]],
  ['35 0x1 zero 0x3 0x4 0x5 0x6 0x7ffc0 0x401000\n', null],
  [`35 0x${'f'.repeat(17)} 0x1\n`, null],
];
for (const [text, expected] of registers) {
  test(`the registers of ${JSON.stringify(text)}`, () => {
    const regs = hostRegisters(text);
    if (regs === null || expected === null) return assert.is(regs, expected);
    const view = new DataView(regs.buffer);
    const [nr, sp, pc, first] = expected;
    assert.is(view.getBigInt64(15 * 8, true), nr);
    assert.is(view.getBigUint64(19 * 8, true), sp);
    assert.is(view.getBigUint64(16 * 8, true), pc);
    assert.is(view.getBigUint64(14 * 8, true), first);
  });
}

test('stat is read whatever the name of the process', () => {
  for (const comm of ['a', ') R 1 2', 'a\nb', '((', '']) {
    const stat = parseHostStat('stat', `12 (${comm}) S 1 2 3 ${'0 '.repeat(46)}`);
    assert.equal([stat.comm, stat.state, stat.ppid, stat.pgrp, stat.sid], [comm, 'S', 1, 2, 3]);
  }
  for (const text of ['', '12', '12 (a', '12 (a) S', ') ( R 1 2 3']) {
    assert.throws(
      () => parseHostStat('stat', text),
      /^stat: offset 0x0: not the fields of a process$/,
    );
  }
  fc.assert(
    fc.property(fc.string(), (text) => {
      try {
        parseHostStat('stat', text);
      } catch (error) {
        assert.instance(error, ProcError);
      }
    }),
  );
});

test('smaps gives sizes in bytes, and nothing for what it does not say', () => {
  const text = `${LINE}Size: 4 kB\nRss:                   4 kB\nAnonymous:             8 kB\nVmFlags: rd ex dd \n`;
  const sizes = parseSmaps(text + GATE);
  assert.equal([...sizes], [[0x400000, { rss: 4096, anonymous: 8192, flags: ['rd', 'ex', 'dd'] }]]);
  fc.assert(fc.property(fc.string(), (noise) => void parseSmaps(noise + text + noise)));
});

test.run();
