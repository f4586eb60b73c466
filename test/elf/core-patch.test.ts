import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { suite } from 'uvu';

import { type FilePatch, patchCore } from '../../src/elf/core-patch.js';
import { CoreMemory } from '../../src/elf/core-memory.js';
import { type Core, readCore } from '../../src/elf/core.js';
import { BytesSource } from '../../src/elf/source.js';
import { buildCore, type LoadSpec } from './core-builder.js';

const test = suite('elf/core-patch');
const PAGE = 4096;
const BASE = 0x10000;
const bytesOf = (core: Core): Uint8Array => core.source.read(0, core.source.size);

function apply(core: Core, patches: readonly FilePatch[]): Core {
  const ends = patches.map(({ offset, bytes }) => offset + bytes.length);
  const file = new Uint8Array(Math.max(core.source.size, ...ends));
  file.set(bytesOf(core));
  for (const { offset, bytes } of patches) file.set(bytes, offset);
  return readCore(new BytesSource('patched', file));
}

/** What a file has that a process had mapped, and the core lacks. */
const pattern = (addr: number): number => (addr * 31 + (addr >> 12)) & 0xff;

test('memory of any core is as before but for the bytes written, dumped or not', () => {
  const aLoad = fc.record({
    gap: fc.nat(2),
    pages: fc.integer({ min: 1, max: 4 }),
    dumped: fc.nat(4),
  });
  const aWrite = fc.record({
    at: fc.nat(12 * PAGE),
    length: fc.integer({ min: 1, max: 3 * PAGE }),
  });
  fc.assert(
    fc.property(fc.array(aLoad, { minLength: 1, maxLength: 4 }), aWrite, (rows, { at, length }) => {
      let start = BASE;
      const loads = rows.map(({ gap, pages, dumped }): LoadSpec => {
        start += gap * PAGE;
        const bytes = new Uint8Array(Math.min(dumped, pages) * PAGE).fill(pages);
        const load = { vaddr: BigInt(start), memsz: pages * PAGE, bytes };
        start += pages * PAGE;
        return load;
      });
      const core = readCore(new BytesSource('core', buildCore({ loads })));
      const memory = new CoreMemory(core, () => null);
      const page = (addr: number): Uint8Array =>
        memory.read(addr, PAGE) ?? new Uint8Array(PAGE).map((_, i) => pattern(addr + i));
      const change = new Uint8Array(length).map((_, i) => i | 0x80);
      const [from, to] = [BASE + at, BASE + at + length];
      const patches = patchCore(core, from, change, page);
      const isMapped = (addr: number): boolean =>
        core.mappings.some((mapping) => mapping.start <= addr && addr < mapping.end);
      if ('why' in patches) {
        assert.is(patches.why, 'unmapped');
        assert.not(isMapped(patches.addr));
        assert.ok(from <= patches.addr && patches.addr < to);
        return;
      }
      const after = apply(core, patches);
      const read = new CoreMemory(after, () => null);
      for (const { start: first, end } of core.mappings) {
        for (let addr = first; addr < end; addr += PAGE) {
          const isWritten = addr < to && from < addr + PAGE;
          const before = isWritten ? page(addr).slice() : memory.read(addr, PAGE);
          if (isWritten) {
            for (let i = 0; i < PAGE; i++) {
              if (from <= addr + i && addr + i < to) before?.set([change[addr + i - from] ?? 0], i);
            }
          }
          assert.equal(read.read(addr, PAGE), before, addr.toString(16));
        }
      }
      assert.equal(after.threads, core.threads);
    }),
    { numRuns: 400 },
  );
});

test('a mapping that the core names and has no segment for gets one, with its permissions', () => {
  const files = [{ start: BASE, end: BASE + 4 * PAGE, page: 0, path: '/lib' }];
  const core = readCore(new BytesSource('core', buildCore({ loads: [], files })));
  const patches = patchCore(core, BASE + PAGE, new Uint8Array(PAGE).fill(9), () => null);
  if ('why' in patches) return assert.unreachable();
  const after = apply(core, patches);
  assert.equal(
    after.mappings.map(({ start, end, dumped, file }) => [start, end, dumped, file?.offset]),
    [
      [BASE, BASE + PAGE, 0, 0],
      [BASE + PAGE, BASE + 2 * PAGE, PAGE, PAGE],
      [BASE + 2 * PAGE, BASE + 4 * PAGE, 0, 2 * PAGE],
    ],
  );
});

test('part of a page of which the rest is not known is not written', () => {
  const core = readCore(
    new BytesSource('core', buildCore({ loads: [{ vaddr: BigInt(BASE), memsz: 2 * PAGE }] })),
  );
  const row = (at: number, length: number) =>
    patchCore(core, at, new Uint8Array(length), () => null);
  assert.equal(row(BASE, PAGE - 1), { addr: BASE, why: 'unknown' });
  assert.equal(row(BASE + 1, PAGE), { addr: BASE + 1, why: 'unknown' });
  assert.equal(row(BASE, PAGE + 1), { addr: BASE + PAGE, why: 'unknown' });
  assert.ok(!('why' in row(BASE, 2 * PAGE)));
});

for (const count of [65532, 65533, 65534, 70000]) {
  test(`${count} segments and one that is split are counted where the kernel counts them`, () => {
    const loads = Array.from({ length: count }, (_, i) => ({
      vaddr: BigInt(BASE + i * 2 * PAGE),
      memsz: PAGE,
    }));
    loads.push({ vaddr: BigInt(BASE + count * 2 * PAGE), memsz: 2 * PAGE });
    const core = readCore(new BytesSource('core', buildCore({ loads })));
    const at = BASE + count * 2 * PAGE;
    const patches = patchCore(core, at, new Uint8Array(PAGE).fill(5), () => null);
    if ('why' in patches) return assert.unreachable();
    const after = apply(core, patches);
    assert.is(after.mappings.length, count + 2);
    assert.equal(new CoreMemory(after, () => null).read(at, 4), new Uint8Array(4).fill(5));
  });
}

test.run();
