import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { suite } from 'uvu';

import { CoreMemory } from '../../src/elf/core-memory.js';
import { readCore } from '../../src/elf/core.js';
import { BytesSource } from '../../src/elf/source.js';
import { Machine } from '../../src/index.js';
import { findLine, parseMaps } from '../../src/unwind/maps.js';
import { buildCore } from '../elf/core-builder.js';

const test = suite('unwind/maps');
const LINE = '00010000-00011000 r-xp 00002000 fe:01 12                       ';

const rows: [what: string, text: string, paths: readonly string[]][] = [
  ['nothing', '', []],
  ['a path', `${LINE}/bin/true\n`, ['/bin/true']],
  ['no newline at the end', `${LINE}/bin/true`, ['/bin/true']],
  ['no path', LINE.trimEnd(), ['']],
  ['spaces in a path', `${LINE}/a b  c`, ['/a b  c']],
  ['a newline in a path', `${LINE}/a\\012b`, ['/a\nb']],
  ['an escape in what is no path', `${LINE}[anon:a\\012b]`, ['[anon:a\\012b]']],
  ['other ends of lines', `${LINE}/a\rb\u2028c`, ['/a\rb\u2028c']],
  ['a path like a line', `${LINE}/${LINE}x`, [`/${LINE}x`]],
  ['lines that are none', `hello\n\n${LINE}/a\n0-1 rwx\n`, ['/a']],
];
for (const [what, text, paths] of rows) {
  test(`${what}: ${paths.length} lines`, () => {
    assert.equal(
      parseMaps(text).map(({ path }) => path),
      paths,
    );
  });
}

test('any text gives lines, and the line that holds an address', () => {
  const pieces = fc.constantFrom(
    LINE,
    '/a',
    '\n',
    '-',
    ' ',
    'ffffffffffffffff',
    '\\012',
    'r--p',
    '0',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(pieces, fc.string()), { maxLength: 20 }), (words) => {
      for (const { start, end, offset } of parseMaps(words.join(''))) {
        for (const value of [start, end, offset]) assert.ok(value >= 0);
      }
      findLine(parseMaps(words.join('')), 0x10800);
    }),
    { numRuns: 2000 },
  );
});

/** Any path but one that the kernel itself writes like another: with `\\012` in it. */
const aPath = fc
  .oneof(
    fc.string({ maxLength: 30 }),
    fc.constantFrom('a\nb', '\r', '\u2028', ' ', ' (deleted)', LINE),
  )
  .map((text) => `/${text}`)
  .filter((path) => !path.includes('\0') && !path.includes('\\012'));
const coreWith = (path: string) => {
  const loads = [{ vaddr: 0x10000n, bytes: new Uint8Array(4096) }];
  const files = [{ start: 0x10000, end: 0x11000, page: 0, path }];
  return readCore(new BytesSource('core', buildCore({ loads, files })));
};

test('a core with a file of any name has that name in its maps', () => {
  fc.assert(
    fc.property(aPath, (path) => {
      const core = coreWith(path);
      assert.is(core.mappings[0]?.file?.path, path);
      const lines = parseMaps(new CoreMemory(core, () => null).maps);
      assert.equal(lines, [{ start: 0x10000, end: 0x11000, perms: 'rw-p', offset: 0, path }]);
    }),
    { numRuns: 1000 },
  );
});

test('a process of such a core has it in /proc/PID/maps', async () => {
  const machine = await Machine.create();
  fc.assert(
    fc.property(aPath, (path) => {
      const [task] = machine.loadCore(coreWith(path)).threads;
      const lines = parseMaps(task?.readText('/proc/self/maps') ?? '');
      assert.is(lines.find(({ start }) => start === 0x10000)?.path, path);
      task?.exit();
    }),
    { numRuns: 200 },
  );
});

test.run();
