import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MADV_DONTNEED } from '../../assembly/abi/mman.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { brk } from '../../src/mm/brk.js';
import { NO_LIMITS } from '../../src/mm/limits.js';
import { madvise } from '../../src/mm/madvise.js';
import { Mm } from '../../src/mm/mm.js';
import { mmapAnonymous, munmap } from '../../src/mm/mmap.js';
import { mprotect } from '../../src/mm/mprotect.js';
import { Core } from '../../src/wasm/core.js';
import type { CoreExports } from '../../src/wasm/exports.js';
import { BASE, mapAnon } from './fixture.js';

const test = suite('mm/calls');

/** A core that notes which of its exports are called. */
function watched(core: Core): { core: Core; calls: string[] } {
  const calls: string[] = [];
  const exports: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(core.exports)) {
    exports[name] = (...args: unknown[]): unknown => {
      calls.push(name);
      return (value as (...args: unknown[]) => unknown)(...args);
    };
  }
  const watching = Object.create(core, {
    exports: { value: exports as unknown as CoreExports },
    limits: { value: null, writable: true },
  }) as Core;
  return { core: watching, calls };
}

/** What costs is crossing: each operation, and the calls of the core that it may make. */
const OPERATIONS: [name: string, act: (mm: Mm) => unknown, calls: string[]][] = [
  [
    'mmap of private anonymous memory',
    (mm) => mmapAnonymous(mm, 0, PAGE_SIZE, 3, 0x22, NO_LIMITS),
    ['mmapAnonymous'],
  ],
  ['munmap', (mm) => munmap(mm, BASE, PAGE_SIZE), ['munmap']],
  ['mprotect', (mm) => mprotect(mm, BASE, PAGE_SIZE, 1), ['protectRegion']],
  ['MADV_DONTNEED', (mm) => madvise(mm, BASE, PAGE_SIZE, MADV_DONTNEED), ['dontNeed']],
  ['brk that asks where the heap ends', (mm) => brk(mm, 0), []],
  ['a fork', (mm) => new Mm(mm.core).copyFrom(mm), ['mmNew', 'mmDup']],
];

for (const [name, act, expected] of OPERATIONS) {
  test(`${name} crosses into the core for ${expected.join(' and ') || 'nothing'}`, async () => {
    const { core, calls } = watched(await Core.create({ memory: 2 ** 22 }));
    const mm = new Mm(core);
    mapAnon(mm, 0, 8, 3);
    calls.length = 0;
    act(mm);
    assert.equal(calls, expected);
  });
}

test('what a task may map is told to the core once, not with each call', async () => {
  const { core, calls } = watched(await Core.create({ memory: 2 ** 22 }));
  const mm = new Mm(core);
  for (let i = 0; i < 8; i++) mmapAnonymous(mm, 0, PAGE_SIZE, 3, 0x22, NO_LIMITS);
  assert.is(calls.filter((name) => name === 'setSpaceLimits').length, 1);
  for (let i = 0; i < 8; i++)
    mmapAnonymous(mm, 0, PAGE_SIZE, 3, 0x22, { ...NO_LIMITS, as: 2 ** 30 });
  assert.is(calls.filter((name) => name === 'setSpaceLimits').length, 9);
});

test.run();
