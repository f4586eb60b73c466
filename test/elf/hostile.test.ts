import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { suite } from 'uvu';

import { readBuildId } from '../../src/elf/build-id.js';
import { readDebugLink } from '../../src/elf/debug-link.js';
import { NT_FILE, PT_NOTE } from '../../src/elf/format.js';
import { readCore } from '../../src/elf/core.js';
import { CoreMemory } from '../../src/elf/core-memory.js';
import { ElfError } from '../../src/elf/error.js';
import { readHeader } from '../../src/elf/header.js';
import { readNotes } from '../../src/elf/notes.js';
import { readSections } from '../../src/elf/sections.js';
import { readSegments } from '../../src/elf/segments.js';
import { BytesSource } from '../../src/elf/source.js';
import { findSymbol, symbolTables } from '../../src/elf/symbols.js';
import { Machine } from '../../src/index.js';
import { buildCore, fileNote, note } from './core-builder.js';
import { exampleCore, exampleExecutable } from './example.js';

const test = suite('elf/hostile');
const page = new Uint8Array(4096).fill(1);
const small = (): Uint8Array =>
  buildCore({ loads: [{ vaddr: 0x10000n, bytes: page.slice(0, 64), memsz: 4096 }] });

/** The message of the ElfError that reading `bytes` as a core throws. */
function refusal(bytes: Uint8Array): string {
  try {
    readCore(new BytesSource('f', bytes));
  } catch (error) {
    if (error instanceof ElfError) return error.message;
    throw error;
  }
  return 'accepted';
}

/** `small()` with one field changed. */
function lie(at: number, bytes: 2 | 4 | 8, value: bigint): Uint8Array {
  const core = small();
  for (let i = 0; i < bytes; i++) core[at + i] = Number((value >> BigInt(8 * i)) & 0xffn);
  return core;
}

test('a core cut at any byte is refused with the file, the offset and a reason', () => {
  const core = small();
  for (let length = 0; length < core.length; length++) {
    const message = refusal(core.slice(0, length));
    assert.match(message, /^f: offset 0x[0-9a-f]+: \S.*$/);
  }
  assert.is(refusal(core), 'accepted');
});

const PHDR = 64 + 56; // the program header of the PT_LOAD
const rows: [string, Uint8Array, RegExp][] = [
  ['text', new TextEncoder().encode('#!/bin/sh\n'), /^f: offset 0x0: this is not an ELF file$/],
  ['a 32-bit file', lie(4, 2, 0x0101n), /^f: offset 0x4: not a 64-bit file$/],
  ['a big-endian file', lie(5, 2, 0x0102n), /^f: offset 0x5: not a little-endian file$/],
  ['another machine', lie(18, 2, 40n), /^f: offset 0x12: machine 40; only x86-64 .62., aarch64/],
  ['an object file', lie(16, 2, 1n), /^f: offset 0x10: type 1 is neither/],
  ['a library', lie(16, 2, 3n), /^f: offset 0x10: .*not a core file$/],
  ['headers of another size', lie(54, 2, 32n), /^f: offset 0x36: e_phentsize is 32, not 56$/],
  ['too many headers', lie(56, 2, 60000n), /60000 program headers needs 3360000 bytes but/],
  ['a count that is nowhere', lie(56, 2, 0xffffn), /e_phnum is 0xffff but there is no section 0/],
  ['headers out of the file', lie(32, 8, 1n << 40n), /^f: offset 0x10000000000: 2 program headers/],
  [
    'headers beyond all files',
    lie(32, 8, 1n << 63n),
    /e_phoff is 0x8000000000000000, which is imp/,
  ],
  [
    'bytes out of the file',
    lie(PHDR + 8, 8, 1n << 30n),
    /^f: offset 0x98: the segment's bytes end/,
  ],
  ['more bytes than addresses', lie(PHDR + 40, 8, 1n), /^f: offset 0x98: .*more bytes than addr/],
  ['half a page', lie(PHDR + 16, 8, 0x10800n), /^f: offset 0x88: .*not a range of whole pages$/],
  ['kernel addresses', lie(PHDR + 16, 8, 0xffff800000000000n), /lies outside user space$/],
  ['the end of the world', lie(PHDR + 40, 8, 1n << 50n), /lies outside user space$/],
  ['a note that lies', lie(64 + 56 * 2, 4, 0xfffffff0n), /end beyond its segment$/],
  ['no thread', lie(64 + 56 * 2 + 8, 4, 99n), /no thread: the core has no NT_PRSTATUS note$/],
];
for (const [what, bytes, message] of rows) {
  test(`${what} is refused by name`, () => assert.match(refusal(bytes), message));
}

test('overlapping segments are refused', () => {
  const loads = [0x10000n, 0x10000n].map((vaddr) => ({ vaddr, bytes: page }));
  assert.match(refusal(buildCore({ loads })), /segments overlap at 0x10000$/);
});

test('NT_FILE that lies is refused', () => {
  const range = { start: 0x10000, end: 0x12000, page: 0, path: '/a' };
  const load = { vaddr: 0x10000n, bytes: page };
  const build = (files: (typeof range)[]): string => refusal(buildCore({ loads: [load], files }));
  assert.match(build([range, { ...range, start: 0x11000 }]), /mapped files overlap at 0x11000$/);
  assert.match(build([{ ...range, start: 0x10001 }]), /not a range of whole pages$/);
  assert.match(build([{ ...range, page: 2 ** 52 }]), /impossible offset$/);
  assert.match(build([{ ...range, start: 0x8000, end: 0x8000 }]), /not a range of whole pages$/);
  const wide = { vaddr: 0x10000n, bytes: page, memsz: 0x4000 };
  assert.match(refusal(buildCore({ loads: [wide], files: [range] })), /only part of a segment$/);
  const counted = buildCore({ loads: [], notes: [fileNote([range], 1000)] });
  assert.match(refusal(counted), /NT_FILE has no room for its 1000 rows$/);
  const named = fileNote([range]);
  named.fill(0x41, named.length - 4);
  assert.match(refusal(buildCore({ loads: [], notes: [named] })), /fewer names than rows$/);
  const short = note('CORE', NT_FILE, new Uint8Array(8));
  assert.match(
    refusal(buildCore({ loads: [], notes: [short] })),
    /NT_FILE has 8 bytes, not the 16/,
  );
});

test('the core of a real crash cut at any byte of its headers and notes is refused', () => {
  const whole = exampleCore().read(0, Number.MAX_SAFE_INTEGER);
  const segments = readSegments(exampleCore(), readHeader(exampleCore()));
  const last = segments.reduce((end, { offset, filesz }) => Math.max(end, offset + filesz), 0);
  const notes = segments.find(({ type }) => type === PT_NOTE);
  const end = (notes?.offset ?? 0) + (notes?.filesz ?? 0);
  assert.ok(end > 4096 && last === whole.length);
  for (let length = 0; length <= end; length++) {
    assert.match(refusal(whole.subarray(0, length)), /^f: offset 0x[0-9a-f]+: \S.*$/);
  }
  assert.match(refusal(whole.subarray(0, whole.length - 1)), /the segment's bytes end at/);
});

test('a length of any note of a real crash that lies is refused, or ends another note', () => {
  const whole = exampleCore().read(0, Number.MAX_SAFE_INTEGER);
  const segment = readSegments(exampleCore(), readHeader(exampleCore())).find(
    ({ type }) => type === PT_NOTE,
  );
  if (segment === undefined) return assert.unreachable();
  const notes = [...readNotes(exampleCore(), segment)];
  assert.ok(notes.length > 5);
  for (const note of notes) {
    for (const lie of [0, 1, note.length - 1, note.length + 4, 0x7fffffff, 0xffffffff]) {
      const bytes = whole.slice();
      const header = note.offset - 12 - Math.ceil((note.name.length + 1) / 4) * 4;
      new DataView(bytes.buffer).setUint32(header + 4, lie, true);
      const message = refusal(bytes);
      if (lie > segment.filesz)
        assert.match(message, /^f: offset 0x[0-9a-f]+: .*end beyond its segment$/);
      else assert.match(message, /^(accepted|f: offset 0x[0-9a-f]+: \S.*)$/);
    }
  }
});

test('names with newlines stay what they are, from a core to maps to a core', async () => {
  const path = '/tmp/a\nb \u0007';
  const files = [{ start: 0x10000, end: 0x11000, page: 0, path }];
  const core = readCore(
    new BytesSource('f', buildCore({ loads: [{ vaddr: 0x10000n, bytes: page }], files })),
  );
  assert.is(core.mappings[0]?.file?.path, path);
  const [task] = (await Machine.create()).loadCore(core).threads;
  assert.match(task?.readText('/proc/self/maps') ?? '', / \/tmp\/a\\012b \u0007\n/);
  const again = readCore(new BytesSource('again', task?.writeCore() ?? new Uint8Array(0)));
  assert.is(again.mappings[0]?.file?.path, path);
  task?.exit();
});

test('random damage to a core gives an ElfError or a core, quickly', () => {
  const core = small();
  const damage = fc.array(fc.tuple(fc.nat(core.length - 1), fc.nat(255)), { maxLength: 8 });
  fc.assert(
    fc.property(damage, (changes) => {
      const bytes = core.slice();
      for (const [at, value] of changes) bytes[at] = value;
      refusal(bytes);
    }),
    { numRuns: 5000 },
  );
});

test('any notes give an ElfError or a core, quickly', () => {
  const type = fc.oneof(fc.constantFrom(1, 2, 3, 6, 0x46494c45, 0x53494749, 0x202), fc.nat());
  const length = fc.oneof(fc.nat(600), fc.nat(0xffffffff));
  const contents = fc.oneof(
    fc.uint8Array({ maxLength: 600 }),
    // Rows of NT_FILE: numbers of 64 bits, small and huge.
    fc
      .array(fc.oneof(fc.bigInt(0n, 8n), fc.bigInt(0n, 2n ** 64n - 1n)), { maxLength: 12 })
      .map((words) => new Uint8Array(BigUint64Array.from(words).buffer)),
  );
  const aNote = fc.record({ owner: fc.constantFrom('CORE', 'LINUX', 'GNU', ''), type, contents });
  fc.assert(
    fc.property(fc.array(aNote, { maxLength: 5 }), fc.option(length), (rows, lie) => {
      const notes = rows.map(({ owner, type: kind, contents: bytes }) => note(owner, kind, bytes));
      const last = notes.at(-1);
      if (lie !== null && last !== undefined) new DataView(last.buffer).setUint32(4, lie, true);
      refusal(buildCore({ loads: [{ vaddr: 0x10000n, bytes: page }], notes }));
    }),
    { numRuns: 2000 },
  );
});

test('random damage to an executable gives an ElfError or symbols, quickly', () => {
  const bytes = exampleExecutable().read(0, Number.MAX_SAFE_INTEGER);
  const headers = new DataView(bytes.buffer).getUint32(40, true);
  const at = fc.oneof(fc.nat(63), fc.integer({ min: headers, max: bytes.length - 1 }));
  const damage = fc.array(fc.tuple(at, fc.nat(255)), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(damage, (changes) => {
      const file = new BytesSource('f', bytes.slice());
      const copy = file.read(0, bytes.length);
      for (const [place, value] of changes) copy[place] = value;
      try {
        const sections = readSections(file, readHeader(file));
        for (const table of symbolTables(sections)) findSymbol(file, sections, table, 0x1063n);
        readBuildId(file);
        readDebugLink(file);
      } catch (error) {
        assert.instance(error, ElfError);
      }
    }),
    { numRuns: 2000 },
  );
});

test('sections that point outside the file are refused, and those that overlap are read', () => {
  const bytes = exampleExecutable().read(0, Number.MAX_SAFE_INTEGER).slice();
  const view = new DataView(bytes.buffer);
  const headers = Number(view.getBigUint64(40, true));
  const sections = (): number => {
    const file = new BytesSource('f', bytes);
    return readSections(file, readHeader(file)).length;
  };
  const count = sections();
  const [offset, size] = [headers + 2 * 64 + 24, headers + 2 * 64 + 32];
  view.setBigUint64(offset, view.getBigUint64(headers + 64 + 24, true), true);
  assert.is(sections(), count);
  view.setBigUint64(size, BigInt(bytes.length), true);
  assert.throws(sections, /^f: offset 0x[0-9a-f]+: section \S+ ends beyond the file$/);
  view.setBigUint64(size, 1n << 60n, true);
  assert.throws(sections, /sh_size is 0x1000000000000000, which is impossibly large$/);
});

test('reads of memory that is nowhere are refused, not answered with zeros', () => {
  const core = readCore(new BytesSource('f', small()));
  const memory = new CoreMemory(core, () => null);
  assert.equal(memory.read(0x10000, 64), page.slice(0, 64));
  assert.is(memory.read(0x10000, 65), null);
  assert.is(memory.read(0x9000, 8), null);
  assert.is(memory.read(0x10000, 2 ** 40), null);
});

test.run();
