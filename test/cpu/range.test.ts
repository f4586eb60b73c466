// Which row of pages the TLB keeps for a region when a hart goes through another one.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import * as layout from '../../assembly/abi/layout.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { checkTlb } from '../../src/mm/check-tlb.js';
import { store } from '../../src/mm/cpu.js';
import { Core } from '../../src/wasm/core.js';
import { mapAnon } from '../mm/fixture.js';
import { DATA, makeHart, tell } from './hart-fixture.js';
import { iType, jType, sType } from './snippet.js';

const test = suite('cpu/range');
const P = PAGE_SIZE;

/** Pages of each range that is known: 1 those of loads, 2 of stores. */
function rangePages(core: Core, which: number): number[] {
  const table = core.exports.tlbTable(which);
  const pages: number[] = [];
  for (let i = 0; i < layout.REGION_ENTRIES; i++) {
    const at = table + i * layout.REGION_ENTRY_SIZE;
    if (core.readU32(at) === 0 && core.readU32(at + 4) === 0) continue;
    pages.push((core.readU32(at + layout.RANGE_LAST) + 8) / P);
  }
  return pages;
}

const ROWS: [name: string, insn: number, which: number][] = [
  ['loads', iType(0x03, 3, 5, 10, 0), 1],
  ['stores', sType(0x23, 3, 10, 5, 0), 2],
];

for (const [name, insn, which] of ROWS) {
  test(`${name} that come to a smaller row again and again have it remembered`, async () => {
    const core = await Core.create();
    const atRest = core.framesInUse;
    const { mm, hart } = makeHart(core, [insn, jType(0, -4)]);
    mapAnon(mm, 32, 8, 3);
    // Two rows of frames: eight pages, then the two in front of them.
    for (let i = 0; i < 8; i++) store(mm, DATA + (16 + i) * P, 1, 1);
    mapAnon(mm, 28, 2, 3);
    for (let i = 0; i < 2; i++) store(mm, DATA + (12 + i) * P, 1, 1);
    hart.setX(10, BigInt(DATA + 16 * P));
    assert.is(tell(hart.run(mm, 200)), 'fuel');
    hart.setX(10, BigInt(DATA + 12 * P));
    assert.is(tell(hart.run(mm, 20)), 'fuel');
    assert.equal(rangePages(core, which), [8]);
    assert.is(tell(hart.run(mm, 200)), 'fuel');
    assert.equal(rangePages(core, which), [2]);
    assert.equal(checkTlb(core, new Set([mm])), []);
    mm.mmput();
    assert.is(core.framesInUse, atRest);
  });
}

test.run();
