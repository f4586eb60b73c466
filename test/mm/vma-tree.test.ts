import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { checkMemory } from '../../src/mm/check.js';
import { Mm } from '../../src/mm/mm.js';
import { mmap, munmap } from '../../src/mm/mmap.js';
import { Core } from '../../src/wasm/core.js';
import { BASE, mapAnon } from './fixture.js';

const test = suite('mm/vma-tree');
const core = await Core.create();
const atRest = core.framesInUse;

/** xorshift32, so that every run makes the same sequence. */
function* numbers(seed: number): Generator<number, never> {
  let state = seed;
  while (true) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    yield state >>> 0;
  }
}

/** The highest hole of `count` pages that ends at or below page `top`, or -1: by looking at each page. */
function highestHole(mapped: ReadonlySet<number>, top: number, count: number): number {
  let free = 0;
  for (let page = top - 1; page >= 0; page--) {
    free = mapped.has(page) ? 0 : free + 1;
    if (free === count) return page;
  }
  return -1;
}

test('thousands of mappings made and unmade at random keep order, ranks and gaps', () => {
  const mm = new Mm(core);
  const random = numbers(7);
  const next = (below: number): number => random.next().value % below;
  // First many more are made than unmade, then the other way round.
  for (const mapsOfTen of [8, 5, 2, 5, 1]) {
    for (let round = 0; round < 6; round++) {
      for (let i = 0; i < 150; i++) {
        const page = next(4000);
        // Every other page has another protection, so that neighbours do not merge.
        if (next(10) < mapsOfTen) mapAnon(mm, page, 1, page % 2 === 0 ? 1 : 3);
        else munmap(mm, BASE + page * PAGE_SIZE, (1 + next(40)) * PAGE_SIZE);
      }
      assert.equal(checkMemory(core), []);
    }
  }
  mm.mmput();
});

test('mappings in rising and in falling order, and their removal from either end', () => {
  for (const step of [1, -1]) {
    for (const removal of [1, -1]) {
      const mm = new Mm(core);
      const pages = Array.from({ length: 600 }, (_, i) => (step > 0 ? i : 599 - i));
      for (const page of pages) mapAnon(mm, page, 1, page % 2 === 0 ? 1 : 3);
      assert.equal(checkMemory(core), []);
      for (let i = 0; i < 500; i++) {
        munmap(mm, BASE + (removal > 0 ? i : 599 - i) * PAGE_SIZE, PAGE_SIZE);
        if (i % 50 === 0) assert.equal(checkMemory(core), []);
      }
      assert.is(mm.mapCount, 100);
      mm.mmput();
    }
  }
});

test('a new mapping goes into the highest hole that holds it', () => {
  const mm = new Mm(core);
  const random = numbers(11);
  const anywhere = { addr: 0, prot: 3, flags: 0x22, offset: 0 };
  const PAGES = 300;
  const first = mmap(mm, { ...anywhere, length: PAGES * PAGE_SIZE });
  const mapped = new Set(Array.from({ length: PAGES }, (_, page) => page));
  for (let i = 0; i < 400; i++) {
    const page = random.next().value % PAGES;
    munmap(mm, first + page * PAGE_SIZE, PAGE_SIZE);
    mapped.delete(page);
    const count = 1 + (random.next().value % 3);
    const expected = highestHole(mapped, PAGES, count);
    const got = mmap(mm, { ...anywhere, length: count * PAGE_SIZE });
    if (expected < 0) {
      assert.ok(got < first, 'below all others when no hole is large enough');
      munmap(mm, got, count * PAGE_SIZE);
      continue;
    }
    assert.is((got - first) / PAGE_SIZE, expected);
    for (let at = 0; at < count; at++) mapped.add(expected + at);
  }
  assert.equal(checkMemory(core), []);
  mm.mmput();
});

test('every frame is free again', () => {
  assert.is(core.framesInUse, atRest);
});

test.run();
