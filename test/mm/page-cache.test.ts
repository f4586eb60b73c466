import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FOLL_FORCE } from '../../assembly/abi/foll.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { accessRemoteVm, memRw } from '../../src/mm/access.js';
import { cpuLoad, cpuStore } from '../../src/mm/cpu.js';
import { Mm } from '../../src/mm/mm.js';
import { PageCache } from '../../src/mm/page-cache.js';
import { GuestBuffer } from '../../src/mm/user.js';
import { Core } from '../../src/wasm/core.js';
import { BASE, TestFile, mapAnon, mapFile, outcome } from './fixture.js';

const test = suite('mm/page-cache');
const core = await Core.create();
const atRest = core.framesInUse;
const P = PAGE_SIZE;

for (const [pos, size] of [
  [0, 1],
  [0, P],
  [P - 1, 2],
  [100, 3 * P],
  [2 ** 32, 10],
  [2 ** 45, P],
] as const) {
  test(`${size} bytes written at ${pos} read back, holes before them as zeros`, () => {
    const pages = new PageCache(core, { kind: 'memory' });
    const bytes = Uint8Array.from({ length: size }, (_, i) => (i % 251) + 1);
    assert.is(pages.write(pos, bytes), size);
    assert.is(pages.size, pos + size);
    const back = new Uint8Array(size + 10);
    assert.is(pages.read(pos, back), size);
    assert.equal(back.subarray(0, size), bytes);
    if (pos > 0) {
      pages.read(pos - 1, back);
      assert.is(back[0], 0);
    }
    assert.is(pages.read(pos + size, back), 0);
    pages.free();
  });
}

test('a smaller size zeroes the rest of its last page', () => {
  const pages = new PageCache(core, { kind: 'memory' });
  pages.write(0, new Uint8Array(2 * P).fill(1));
  pages.resize(10);
  pages.resize(2 * P);
  const back = new Uint8Array(2 * P);
  pages.read(0, back);
  assert.is(back[9], 1);
  assert.not.ok(back.subarray(10).some((byte) => byte !== 0));
  pages.free();
});

for (const [start, end] of [
  [0, P],
  [1, 2],
  [P - 1, 2 * P + 1],
  [0, 4 * P],
] as const) {
  test(`a hole from ${start} to ${end} reads as zeros, through mappings too`, () => {
    const file = TestFile.memory(core, 4 * P);
    const mm = new Mm(core);
    mapFile(mm, 0, 4, 3, file, true);
    cpuStore(mm, BASE, new Uint8Array(4 * P).fill(1));
    file.pages.punchHole(start, end);
    const seen = new Uint8Array(4 * P);
    cpuLoad(mm, BASE, seen);
    const expected = new Uint8Array(4 * P).fill(1).fill(0, start, end);
    assert.equal(seen, expected);
    mm.mmput();
    file.put();
  });
}

/** A file of the host: each page holds its index, and every load is counted. */
function hostFile(loads: number[], bad = -1): TestFile {
  const fill = (index: number, page: Uint8Array): void => {
    if (index === bad) throw new Error('the disk is gone');
    loads.push(index);
    page.fill(index + 1);
  };
  const file = new TestFile(new PageCache(core, { kind: 'host', fill }));
  file.pages.resize(8 * P);
  return file;
}

test('pages of the host are loaded when touched, once each', () => {
  const loads: number[] = [];
  const file = hostFile(loads);
  const mm = new Mm(core);
  mapFile(mm, 0, 8, 1, file, false);
  const bytes = new Uint8Array(3 * P);
  assert.is(accessRemoteVm(mm, BASE + 2 * P, bytes, FOLL_FORCE), 3 * P);
  assert.equal([bytes[0], bytes[P], bytes[2 * P]], [3, 4, 5]);
  assert.is(cpuLoad(mm, BASE + 2 * P, bytes).done, 3 * P);
  file.pages.read(5 * P, bytes);
  assert.equal(loads, [2, 3, 4, 5, 6, 7]);
  mm.mmput();
  file.put();
});

test('a page that the host cannot read is EIO from outside and a bus error to the CPU', () => {
  const file = hostFile([], 1);
  const mm = new Mm(core);
  mapFile(mm, 0, 8, 1, file, false);
  mapAnon(mm, 16, 4, 3);
  const bytes = new Uint8Array(3 * P);
  assert.is(accessRemoteVm(mm, BASE, bytes, FOLL_FORCE), P);
  const buffer = new GuestBuffer(mm, BASE + 16 * P, 3 * P);
  assert.is(memRw(mm, BASE, buffer, FOLL_FORCE, 0), P);
  assert.is(
    outcome(() => memRw(mm, BASE + P, buffer, FOLL_FORCE, 0)),
    'EIO',
  );
  assert.is(cpuLoad(mm, BASE + P, bytes).fault?.signal, 'SIGBUS');
  mm.mmput();
  file.put();
});

test('a copy between host pages and guest memory goes on after each load', () => {
  const loads: number[] = [];
  const file = hostFile(loads);
  const mm = new Mm(core);
  mapFile(mm, 0, 8, 1, file, false);
  mapAnon(mm, 16, 8, 3);
  assert.is(memRw(mm, BASE + 5, new GuestBuffer(mm, BASE + 16 * P, 6 * P), FOLL_FORCE, 0), 6 * P);
  const seen = new Uint8Array(6 * P);
  cpuLoad(mm, BASE + 16 * P, seen);
  assert.equal([seen[0], seen[P - 6], seen[P - 5], seen[6 * P - 1]], [1, 1, 2, 7]);
  mm.mmput();
  file.put();
});

test.after(() => assert.is(core.framesInUse, atRest));
test.run();
