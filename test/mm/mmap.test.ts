import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_FIXED_NOREPLACE,
  MAP_GROWSDOWN,
  MAP_PRIVATE,
  MAP_SHARED,
} from '../../assembly/abi/mman.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { VM_SECRETMEM } from '../../assembly/abi/vma.js';
import { TASK_SIZE } from '../../src/mm/address.js';
import { brk } from '../../src/mm/brk.js';
import { checkMemory } from '../../src/mm/check.js';
import { cpuLoad, cpuStore } from '../../src/mm/cpu.js';
import { Mm } from '../../src/mm/mm.js';
import { NO_LIMITS } from '../../src/mm/limits.js';
import { mmap, munmap, type MmapRequest } from '../../src/mm/mmap.js';
import { mprotect } from '../../src/mm/mprotect.js';
import { Core } from '../../src/wasm/core.js';
import { BASE, TestFile, layout, mapAnon, outcome } from './fixture.js';

const test = suite('mm/mmap');
const core = await Core.create();
const atRest = core.framesInUse;
const ANON = MAP_PRIVATE | MAP_ANONYMOUS;
const P = PAGE_SIZE;
const MIB = 2 ** 20;

const plain: MmapRequest = { addr: 0, length: P, prot: 3, flags: ANON, offset: 0 };

/** K-500, K-503 to K-505: arguments that mmap refuses. */
const REFUSED: [name: string, request: Partial<MmapRequest>, errno: string][] = [
  ['length 0', { length: 0 }, 'EINVAL'],
  ['no type', { flags: MAP_ANONYMOUS }, 'EINVAL'],
  [
    'type 3 with MAP_ANONYMOUS',
    { flags: 3 | MAP_ANONYMOUS, sharedZero: (pages) => new TestFile(pages) },
    'EINVAL',
  ],
  ['an unaligned fixed address', { addr: BASE + 1, flags: ANON | MAP_FIXED }, 'EINVAL'],
  ['a length beyond user memory', { length: TASK_SIZE + P }, 'ENOMEM'],
  ['a length of 2^63', { length: 2n ** 63n }, 'ENOMEM'],
  ['a fixed range past user memory', { addr: TASK_SIZE, flags: ANON | MAP_FIXED }, 'ENOMEM'],
  ['a fixed kernel address', { addr: 2n ** 63n, flags: ANON | MAP_FIXED }, 'ENOMEM'],
  [
    'MAP_GROWSDOWN on shared memory',
    { flags: MAP_SHARED | MAP_ANONYMOUS | MAP_GROWSDOWN },
    'EINVAL',
  ],
];

for (const [name, request, errno] of REFUSED) {
  test(`${name} is ${errno}, and maps nothing`, () => {
    const mm = new Mm(core);
    assert.is(
      outcome(() => mmap(mm, { ...plain, ...request })),
      errno,
    );
    assert.is([...mm.vmas()].length, 0);
    mm.mmput();
  });
}

test('mappings are placed from the top down, whole 2 MiB units aligned (K-506)', () => {
  const mm = new Mm(core);
  const first = mmap(mm, plain);
  const second = mmap(mm, plain);
  assert.is(second, first - P);
  for (const [size, aligned] of [
    [MIB, false],
    [2 * MIB, true],
    [3 * MIB, false],
    [4 * MIB, true],
  ] as const) {
    assert.is(mmap(mm, { ...plain, length: size }) % (2 * MIB) === 0, aligned, `${size / MIB} MiB`);
  }
  mm.mmput();
});

test('the offset of anonymous memory may be any page (K-502)', () => {
  const mm = new Mm(core);
  const last = { ...plain, length: 2 * P, offset: 0xfffffffffffff000n };
  assert.type(mmap(mm, last), 'number');
  mm.mmput();
});

test('a hole that fits is used before lower addresses', () => {
  const mm = new Mm(core);
  const high = mmap(mm, { ...plain, length: 4 * P });
  mmap(mm, { ...plain, prot: 1 });
  munmap(mm, high + P, P);
  assert.is(mmap(mm, { ...plain, prot: 5 }), high + P);
  mm.mmput();
});

/** K-504, K-505, K-507: what becomes of hints. */
test('a hint is rounded down, raised to the minimum, and dropped inside a stack guard gap', () => {
  const mm = new Mm(core);
  assert.is(mmap(mm, { ...plain, addr: BASE + 5 }), BASE);
  assert.is(mmap(mm, { ...plain, addr: 1 * P }), 65536);
  mapAnon(mm, 1024, 1, 3, MAP_GROWSDOWN);
  for (const [below, honoured] of [
    [1, false],
    [256, false],
    [257, true],
  ] as const) {
    const hint = BASE + (1024 - below) * P;
    assert.is(
      mmap(mm, { ...plain, addr: hint, prot: 0 }) === hint,
      honoured,
      `${below} pages below`,
    );
  }
  mm.mmput();
});

test('MAP_FIXED_NOREPLACE over a mapping is EEXIST (K-505)', () => {
  const mm = new Mm(core);
  mapAnon(mm, 0, 2, 3);
  const over = { ...plain, addr: BASE + P, flags: ANON | MAP_FIXED_NOREPLACE };
  assert.is(
    outcome(() => mmap(mm, over)),
    'EEXIST',
  );
  assert.is(mmap(mm, { ...over, addr: BASE + 2 * P }), BASE + 2 * P);
  mm.mmput();
});

test('addresses below vm.mmap_min_addr take CAP_SYS_RAWIO (K-504)', () => {
  const mm = new Mm(core);
  const low = { ...plain, flags: ANON | MAP_FIXED };
  assert.is(
    outcome(() => mmap(mm, low, { ...NO_LIMITS, capSysRawio: false })),
    'EPERM',
  );
  assert.is(mmap(mm, low), 0);
  mm.mmput();
});

/** K-520: arguments that munmap refuses. */
for (const [name, addr, length] of [
  ['an unaligned address', BASE + 1, P],
  ['length 0', BASE, 0],
  ['a range past user memory', TASK_SIZE - P, 2 * P],
  ['a length that wraps', BASE, 2n ** 64n - 1n],
] as const) {
  test(`munmap of ${name} is EINVAL`, () => {
    const mm = new Mm(core);
    assert.is(
      outcome(() => munmap(mm, addr, length)),
      'EINVAL',
    );
    mm.mmput();
  });
}

/** K-521: arguments that mprotect refuses. */
for (const [name, addr, length, prot, errno] of [
  ['an unaligned address', BASE + 1, P, 1, 'EINVAL'],
  ['unknown protection bits', BASE, P, 0x40, 'EINVAL'],
  ['PROT_GROWSDOWN on plain memory', BASE, P, 0x1000001, 'EINVAL'],
  ['PROT_GROWSUP', BASE, P, 0x2000001, 'EINVAL'],
  ['both growths', BASE, P, 0x3000001, 'EINVAL'],
  ['length 0 of nothing', BASE + 64 * P, 0, 1, undefined],
  ['an unmapped start', BASE + 64 * P, P, 1, 'ENOMEM'],
  ['a range that wraps', BASE, 2n ** 64n - 1n, 1, 'ENOMEM'],
] as const) {
  test(`mprotect of ${name} is ${errno ?? 'accepted'}`, () => {
    const mm = new Mm(core);
    mapAnon(mm, 0, 2, 3);
    assert.is(
      outcome(() => mprotect(mm, addr, length, prot)),
      errno,
    );
    mm.mmput();
  });
}

test('brk moves in bytes, maps in pages, and stays where it is when refused (K-540)', () => {
  const mm = new Mm(core);
  mm.startBrk = BASE;
  mm.brk = BASE;
  assert.is(brk(mm, BASE + 100), BASE + 100);
  assert.equal(layout(mm), ['0-1 rw-']);
  assert.is(brk(mm, BASE + 5 * P), BASE + 5 * P);
  assert.is(brk(mm, BASE - 1), BASE + 5 * P);
  assert.is(brk(mm, BASE + P), BASE + P);
  mapAnon(mm, 4, 1, 1);
  assert.is(brk(mm, BASE + 4 * P), BASE + P);
  assert.is(mm.findVma(BASE)?.name, '[heap]');
  mm.mmput();
});

test('a stack grows on access down to its limits (K-170 to K-172)', () => {
  const mm = new Mm(core);
  mm.stackLimit = 300 * P;
  mapAnon(mm, 1000, 1, 3, MAP_GROWSDOWN);
  assert.is(cpuStore(mm, BASE + 900 * P, Uint8Array.of(1)).fault, null);
  assert.equal(layout(mm), ['900-1001 rw-']);
  assert.is(cpuLoad(mm, BASE + 700 * P, new Uint8Array(1)).fault?.code, 'SEGV_MAPERR');
  mapAnon(mm, 500, 1, 3);
  mm.stackLimit = 8 * MIB;
  assert.is(cpuLoad(mm, BASE + 756 * P, new Uint8Array(1)).fault?.code, 'SEGV_MAPERR');
  assert.is(cpuLoad(mm, BASE + 757 * P, new Uint8Array(1)).fault, null);
  mprotect(mm, BASE + 500 * P, P, 0);
  assert.is(cpuLoad(mm, BASE + 501 * P, new Uint8Array(1)).fault, null);
  mm.mmput();
});

test('secret memory that is mapped over itself keeps its file', () => {
  const mm = new Mm(core);
  const file = new TestFile(TestFile.memory(core, 4 * P).pages, VM_SECRETMEM);
  const request = { prot: 3, flags: MAP_SHARED | MAP_FIXED, mapFile: file.mapped() };
  mmap(mm, { ...request, addr: BASE, length: P, offset: 0 });
  mmap(mm, { ...request, addr: BASE, length: 3 * P, offset: P });
  assert.is(file.refs, 2, 'one for the mappings, one of the test');
  const child = new Mm(core);
  child.copyFrom(mm);
  assert.equal(checkMemory(core), []);
  child.mmput();
  mm.mmput();
  assert.is(file.refs, 1);
  file.put();
  assert.equal(checkMemory(core), []);
});

test('65,536 mappings are found, counted and freed', () => {
  const mm = new Mm(core);
  for (let i = 0; i < 65536; i++) mapAnon(mm, 2 * ((i * 40503) % 65536), 1, 1);
  assert.is(mm.counters().mapCount, 65536);
  assert.is(mm.findVma(BASE + 2 * 1234 * P + P)?.start, BASE + 2 * 1235 * P);
  assert.is(
    outcome(() => mmap(mm, plain, { ...NO_LIMITS, maxMapCount: 65530 })),
    'ENOMEM',
  );
  mm.mmput();
});

test.after(() => assert.is(core.framesInUse, atRest));
test.run();
