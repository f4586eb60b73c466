import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FOLL_FORCE, FOLL_WRITE } from '../../assembly/abi/foll.js';
import { MADV_GUARD_INSTALL } from '../../assembly/abi/mman.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { VM_IO, VM_SECRETMEM } from '../../assembly/abi/vma.js';
import { TASK_SIZE } from '../../src/mm/address.js';
import { accessRemoteVm, memRw } from '../../src/mm/access.js';
import { cpuLoad } from '../../src/mm/cpu.js';
import { madvise } from '../../src/mm/madvise.js';
import { Mm } from '../../src/mm/mm.js';
import { PageCache } from '../../src/mm/page-cache.js';
import { HostBuffer } from '../../src/mm/user.js';
import { Core } from '../../src/wasm/core.js';
import { BASE, TestFile, layout, mapAnon, mapFile, mapShared, outcome } from './fixture.js';

const test = suite('mm/gup');
const core = await Core.create();
const atRest = core.framesInUse;

const R = 1;
const W = 2;
const X = 4;
const FORCE_READ = FOLL_FORCE;
const FORCE_WRITE = FOLL_FORCE | FOLL_WRITE;

/** Bytes of a one-byte access with each combination of flags: plain and forced read, plain and forced write. */
function permitted(mm: Mm, addr: number): string {
  const byte = new Uint8Array(1);
  return [0, FORCE_READ, FOLL_WRITE, FORCE_WRITE]
    .map((flags) => accessRemoteVm(mm, addr, byte, flags))
    .join('');
}

/** K-130 to K-144, K-160 and K-214: what mapping, what protection, what is permitted. */
const TABLE: [rule: string, map: (mm: Mm) => void, expected: string][] = [
  ['K-130 private anonymous rw-', (mm) => mapAnon(mm, 0, 1, R | W), '1111'],
  ['K-130 private anonymous r--', (mm) => mapAnon(mm, 0, 1, R), '1101'],
  ['K-130 private anonymous ---', (mm) => mapAnon(mm, 0, 1, 0), '0101'],
  ['K-130 private anonymous -w-', (mm) => mapAnon(mm, 0, 1, W), '0111'],
  ['K-130 private anonymous --x', (mm) => mapAnon(mm, 0, 1, X), '0101'],
  ['K-132 shared anonymous rw-', (mm) => mapShared(mm, 0, 1, R | W), '1111'],
  ['K-133 shared anonymous r--', (mm) => mapShared(mm, 0, 1, R), '1100'],
  ['K-133 shared anonymous ---', (mm) => mapShared(mm, 0, 1, 0), '0100'],
  ['K-131 private file r--', (mm) => withFile((file) => mapFile(mm, 0, 1, R, file, false)), '1101'],
  ['K-131 private file ---', (mm) => withFile((file) => mapFile(mm, 0, 1, 0, file, false)), '0101'],
  ['K-134 shared file r--', (mm) => withFile((file) => mapFile(mm, 0, 1, R, file, true)), '1100'],
  [
    'K-134 shared file r-- of a file open for reading',
    (mm) => withFile((file) => mapFile(mm, 0, 1, R, file, true, false)),
    '1100',
  ],
  [
    'K-135 shared file rw-',
    (mm) => withFile((file) => mapFile(mm, 0, 1, R | W, file, true)),
    '1111',
  ],
  [
    'K-137 beyond the end of a file',
    (mm) => withFile((file) => mapFile(mm, 0, 1, R | W, file, false), 0),
    '0000',
  ],
  ['K-140 device memory', (mm) => withFlags(mm, VM_IO), '0000'],
  ['K-143 secret memory', (mm) => withFlags(mm, VM_SECRETMEM), '0000'],
  [
    'K-144 guard page',
    (mm) => {
      mapAnon(mm, 0, 1, R | W);
      madvise(mm, BASE, PAGE_SIZE, MADV_GUARD_INSTALL);
    },
    '0000',
  ],
  ['K-142 nothing mapped', () => undefined, '0000'],
];

function withFile(use: (file: TestFile) => void, size = PAGE_SIZE): void {
  const file = TestFile.memory(core, size);
  use(file);
  file.put();
}

function withFlags(mm: Mm, flags: number): void {
  const file = new TestFile(new PageCache(core, { kind: 'memory' }), flags);
  file.pages.resize(PAGE_SIZE);
  mapFile(mm, 0, 1, R | W, file, true);
  file.put();
}

for (const [rule, map, expected] of TABLE) {
  test(`${rule}: read, forced read, write, forced write give ${expected}`, () => {
    const mm = new Mm(core);
    map(mm);
    assert.is(permitted(mm, BASE), expected);
    mm.mmput();
  });
}

test('addresses outside user memory give nothing (K-142)', () => {
  const mm = new Mm(core);
  for (const addr of [0, TASK_SIZE - 1, TASK_SIZE, 2 ** 47, 2 ** 52, 2n ** 63n, 2n ** 64n - 1n]) {
    assert.is(
      outcome(() => memRw(mm, addr, new HostBuffer(new Uint8Array(1)), FORCE_READ, 0)),
      'EIO',
    );
  }
  mm.mmput();
});

test('a forced write to a private file page leaves the file and the protection alone (K-131)', () => {
  const mm = new Mm(core);
  const file = TestFile.memory(core, PAGE_SIZE);
  mapFile(mm, 0, 1, R | X, file, false);
  assert.is(accessRemoteVm(mm, BASE, Uint8Array.of(0xcc), FORCE_WRITE), 1);
  const there = new Uint8Array(1);
  file.pages.read(0, there);
  assert.is(there[0], 0);
  cpuLoad(mm, BASE, there);
  assert.is(there[0], 0xcc);
  assert.equal(layout(mm), ['0-1 r-x']);
  mm.mmput();
  file.put();
});

test('one access crosses mappings of different protection and stops at the first refusal (K-162)', () => {
  const mm = new Mm(core);
  mapAnon(mm, 0, 1, R | W);
  mapAnon(mm, 1, 1, 0);
  mapShared(mm, 2, 1, R);
  const bytes = new Uint8Array(4 * PAGE_SIZE);
  assert.is(accessRemoteVm(mm, BASE, bytes, FORCE_READ), 3 * PAGE_SIZE);
  assert.is(accessRemoteVm(mm, BASE, bytes, FORCE_WRITE), 2 * PAGE_SIZE);
  mm.mmput();
});

const SIZES = [0, 1, 8, 4095, 4096, 4097, 8192, 70000];
for (const size of SIZES) {
  test(`${size} bytes at any offset read back what was written`, () => {
    const mm = new Mm(core);
    mapAnon(mm, 0, 24, R | W);
    for (const offset of [0, 1, 4088, 4095]) {
      const bytes = Uint8Array.from({ length: size }, (_, i) => (i * 7 + offset) & 255);
      const back = new Uint8Array(size);
      assert.is(accessRemoteVm(mm, BASE + offset, bytes, FORCE_WRITE), size);
      assert.is(accessRemoteVm(mm, BASE + offset, back, FORCE_READ), size);
      assert.equal(back, bytes);
    }
    mm.mmput();
  });
}

test.after(() => assert.is(core.framesInUse, atRest));
test.run();
