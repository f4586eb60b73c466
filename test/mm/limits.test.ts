import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { NO_LIMITS, type MmLimits } from '../../src/mm/limits.js';
import { Mm } from '../../src/mm/mm.js';
import { mmap, munmap } from '../../src/mm/mmap.js';
import { mprotect } from '../../src/mm/mprotect.js';
import { mremap } from '../../src/mm/mremap.js';
import { Core } from '../../src/wasm/core.js';
import { BASE, outcome } from './fixture.js';

const test = suite('mm/limits');
const core = await Core.create();
const PRIVATE_ANON = 0x32;

/** Half of 512 MiB may be promised, less 8 MiB for root. */
const STRICT: MmLimits = {
  ...NO_LIMITS,
  overcommit: 2,
  totalRam: 512 * 2 ** 20,
  capSysAdmin: false,
};
const MIB = 2 ** 20;

function map(mm: Mm, at: number, mib: number, prot: number, flags = 0): unknown {
  const request = { addr: BASE + at * MIB, length: mib * MIB, prot, offset: 0 };
  return outcome(() => mmap(mm, { ...request, flags: PRIVATE_ANON | flags }, STRICT));
}

test('under vm.overcommit_memory 2 the sum of what is promised is bounded (K-549)', () => {
  const mm = new Mm(core);
  assert.is(map(mm, 0, 200, 3), BASE);
  assert.is(map(mm, 1024, 200, 3), 'ENOMEM');
  assert.is(map(mm, 1024, 200, 1), BASE + 1024 * MIB, 'what cannot be written is not promised');
  const writable = () => mprotect(mm, BASE + 1024 * MIB, 200 * MIB, 3, STRICT);
  assert.is(outcome(writable), 'ENOMEM');
  assert.is(
    outcome(() => mremap(mm, BASE, 200 * MIB, 300 * MIB, 0, 0, STRICT)),
    'ENOMEM',
  );
  munmap(mm, BASE, 100 * MIB);
  assert.is(outcome(writable), 'ENOMEM');
  munmap(mm, BASE, 200 * MIB);
  assert.is(outcome(writable), undefined);
  mm.mmput();
  assert.is(core.exports.committedPages(), 0);
});

test('what replaces promised memory is promised in its place', () => {
  const mm = new Mm(core);
  assert.is(map(mm, 0, 200, 3), BASE);
  assert.is(map(mm, 0, 200, 3), BASE);
  assert.is(core.exports.committedPages(), (200 * MIB) / PAGE_SIZE);
  mm.mmput();
});

test('a soft RLIMIT_DATA of 0 leaves the hard one to count', () => {
  const mm = new Mm(core);
  const limits = { ...NO_LIMITS, data: 0, dataMax: 2 * PAGE_SIZE };
  const request = { addr: BASE, length: 2 * PAGE_SIZE, prot: 3, flags: PRIVATE_ANON, offset: 0 };
  assert.is(mmap(mm, request, limits), BASE);
  const more = { ...request, addr: BASE + 4 * PAGE_SIZE };
  assert.is(
    outcome(() => mmap(mm, more, limits)),
    'ENOMEM',
  );
  mm.mmput();
});

test('RLIMIT_AS stops a stack that grows by an access (K-171)', () => {
  const mm = new Mm(core);
  mmap(mm, { addr: BASE, length: PAGE_SIZE, prot: 3, flags: PRIVATE_ANON | 0x100, offset: 0 });
  mm.limitGrowth(2 * PAGE_SIZE);
  core.exports.store8(mm.ptr, BASE - PAGE_SIZE, 1, mm.stackLimit);
  assert.is(core.exports.lastFault(), 0);
  core.exports.store8(mm.ptr, BASE - 2 * PAGE_SIZE, 1, mm.stackLimit);
  assert.is.not(core.exports.lastFault(), 0);
  mm.mmput();
});

test.run();
