import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FOLL_FORCE, FOLL_WRITE } from '../../assembly/abi/foll.js';
import {
  MADV_DONTNEED,
  MADV_PAGEOUT,
  MAP_FIXED,
  MAP_PRIVATE,
  MAP_SHARED,
} from '../../assembly/abi/mman.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { LinuxError } from '../../src/errno.js';
import { accessRemoteVm } from '../../src/mm/access.js';
import { checkMemory } from '../../src/mm/check.js';
import { cpuLoad, cpuStore } from '../../src/mm/cpu.js';
import { madvise } from '../../src/mm/madvise.js';
import type { MapFile } from '../../src/mm/map-file.js';
import { Mm } from '../../src/mm/mm.js';
import { mmap, munmap } from '../../src/mm/mmap.js';
import { mprotect } from '../../src/mm/mprotect.js';
import type { PageCache } from '../../src/mm/page-cache.js';
import { clearReferenced, pagemapEntries } from '../../src/mm/pagemap.js';
import { Core } from '../../src/wasm/core.js';
import { BASE, mapAnon, TestFile } from './fixture.js';
import { ModelMm, truncateModel, type ModelFile } from './model.js';
import { checkReports } from './observe.js';

const PAGES = 24;
const MAP_ANONYMOUS = 0x20;
const RUNS = Number(process.env['PROCMEM_MODEL_RUNS'] ?? 300);

const page = fc.integer({ min: 0, max: PAGES - 1 });
const count = fc.integer({ min: 1, max: 6 });
const prot = fc.integer({ min: 0, max: 7 });
const mm = fc.nat(2);
const byte = fc.integer({ min: 1, max: 255 });
const file = fc.nat(1);
const offset = fc.oneof(fc.constantFrom(0, 1, 4088, 4095), fc.nat(4095));
const length = fc.oneof(fc.constantFrom(1, 8, 4096, 4097), fc.integer({ min: 1, max: 20000 }));

/** A random operation, as data so that a failing run prints itself. */
const anyOperation = fc.oneof(
  fc.record({ op: fc.constant('anon' as const), mm, page, count, prot, shared: fc.boolean() }),
  fc.record({
    op: fc.constant('file' as const),
    mm,
    page,
    count,
    prot,
    shared: fc.boolean(),
    file,
    index: fc.nat(3),
  }),
  fc.record({ op: fc.constant('unmap' as const), mm, page, count }),
  fc.record({ op: fc.constant('protect' as const), mm, page, count, prot }),
  fc.record({ op: fc.constant('drop' as const), mm, page, count }),
  fc.record({ op: fc.constant('fork' as const), mm, to: mm }),
  fc.record({ op: fc.constant('truncate' as const), file, size: fc.nat(5 * PAGE_SIZE) }),
  fc.record({ op: fc.constant('store' as const), mm, page, offset, length, byte }),
  fc.record({ op: fc.constant('load' as const), mm, page, offset, length }),
  fc.record({
    op: fc.constant('write' as const),
    mm,
    page,
    offset,
    length,
    byte,
    force: fc.boolean(),
  }),
  fc.record({ op: fc.constant('read' as const), mm, page, offset, length, force: fc.boolean() }),
  fc.record({ op: fc.constant('unreference' as const), mm }),
  fc.record({ op: fc.constant('reclaim' as const), mm, page, count }),
  fc.record({ op: fc.constant('observe' as const) }),
);
type Operation = typeof anyOperation extends fc.Arbitrary<infer T> ? T : never;

const store = fc.record({ op: fc.constant('store' as const), mm, page, offset, length, byte });

/** The same, with many forks and stores among them, and many looks at what shared page tables could show. */
const forkingOperation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ op: fc.constant('fork' as const), mm, to: mm }) },
  { weight: 3, arbitrary: store },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('observe' as const) }) },
  { weight: 6, arbitrary: anyOperation },
);

/** Written private memory in all three, from the first to the last a generation each. */
const GENERATIONS: readonly Operation[] = [
  { op: 'anon', mm: 0, page: 0, count: PAGES, prot: 3, shared: false },
  { op: 'file', mm: 0, page: 4, count: 2, prot: 3, shared: false, file: 0, index: 0 },
  ...Array.from({ length: PAGES - 6 }, (_, at): Operation => {
    return { op: 'store', mm: 0, page: at, offset: 8 * at, length: 8, byte: at + 1 };
  }),
  { op: 'fork', mm: 0, to: 1 },
  { op: 'fork', mm: 1, to: 2 },
];

/** The machine and the model side by side. */
class Pair {
  readonly core: Core;
  readonly mms: Mm[];
  readonly models = [new ModelMm(), new ModelMm(), new ModelMm()];
  readonly files: TestFile[];
  readonly modelFiles: ModelFile[] = [0, 1].map(() => ({ size: 2 * PAGE_SIZE, pages: new Map() }));

  private readonly zeroPfn: bigint;

  constructor(core: Core, zeroPfn: bigint) {
    this.core = core;
    this.zeroPfn = zeroPfn;
    this.mms = [0, 1, 2].map(() => new Mm(core));
    this.files = [0, 1].map(() => TestFile.memory(core, 2 * PAGE_SIZE));
  }

  run(step: Operation): void {
    switch (step.op) {
      case 'truncate':
        return this.truncate(step.file, step.size);
      case 'observe':
        return checkReports(this.mms, this.zeroPfn);
      case 'unreference':
        return this.unreference(this.mms[step.mm] as Mm);
      case 'reclaim':
        return this.reclaim(this.mms[step.mm] as Mm, step.page, step.count);
      case 'fork':
        return this.fork(step.mm, step.to);
      case 'anon':
      case 'file':
        return this.map(step);
      case 'unmap':
      case 'protect':
      case 'drop':
        return this.change(step);
      case 'store':
      case 'load':
        return this.cpu(step);
      case 'write':
      case 'read':
        return this.remote(step);
    }
  }

  /** What changes no byte: /proc/PID/clear_refs. */
  private unreference(target: Mm): void {
    for (const vma of target.vmas()) clearReferenced(target, vma);
  }

  /** Nor does this where nothing was given up with MADV_FREE. */
  private reclaim(target: Mm, first: number, pages: number): void {
    const addr = BASE + first * PAGE_SIZE;
    ignoringEnomem(() => madvise(target, addr, pages * PAGE_SIZE, MADV_PAGEOUT));
  }

  private truncate(index: number, size: number): void {
    this.files[index]?.pages.resize(size);
    const model = this.modelFiles[index] as ModelFile;
    truncateModel(model, size);
    for (const at of this.models) at.truncated(model);
  }

  private fork(from: number, to: number): void {
    if (from === to) return;
    this.mms[to]?.mmput();
    const child = new Mm(this.core);
    child.copyFrom(this.mms[from] as Mm);
    this.mms[to] = child;
    this.models[to] = (this.models[from] as ModelMm).fork();
  }

  private map(step: Operation & { op: 'anon' | 'file' }): void {
    const type = step.shared ? MAP_SHARED : MAP_PRIVATE;
    const target = this.mms[step.mm] as Mm;
    const model = this.models[step.mm] as ModelMm;
    const request = {
      addr: BASE + step.page * PAGE_SIZE,
      length: step.count * PAGE_SIZE,
      prot: step.prot,
      flags: type | MAP_FIXED,
      offset: 0,
    };
    if (step.op === 'file') {
      const mapped = this.files[step.file] as TestFile;
      const mapFile = (): ReturnType<NonNullable<Parameters<typeof mmap>[1]['mapFile']>> => {
        mapped.get();
        return { file: mapped, fileWritable: true, mayWrite: true, mayExec: true };
      };
      mmap(target, { ...request, offset: step.index * PAGE_SIZE, mapFile });
      const modelFile = this.modelFiles[step.file] as ModelFile;
      model.map(
        step.page + BASE / PAGE_SIZE,
        step.count,
        step.prot,
        step.shared,
        modelFile,
        step.index,
      );
      return;
    }
    const sharedZero = (pages: PageCache): MapFile => new TestFile(pages);
    mmap(target, { ...request, flags: request.flags | MAP_ANONYMOUS, sharedZero });
    const shared = step.shared ? { size: step.count * PAGE_SIZE, pages: new Map() } : null;
    model.map(step.page + BASE / PAGE_SIZE, step.count, step.prot, step.shared, shared, 0);
  }

  private change(step: Operation & { op: 'unmap' | 'protect' | 'drop' }): void {
    const target = this.mms[step.mm] as Mm;
    const model = this.models[step.mm] as ModelMm;
    const addr = BASE + step.page * PAGE_SIZE;
    const size = step.count * PAGE_SIZE;
    const first = addr / PAGE_SIZE;
    if (step.op === 'unmap') {
      munmap(target, addr, size);
      model.unmap(first, step.count);
    } else if (step.op === 'drop') {
      ignoringEnomem(() => madvise(target, addr, size, MADV_DONTNEED));
      model.drop(first, step.count);
    } else {
      const whole = ignoringEnomem(() => mprotect(target, addr, size, step.prot));
      assert.is(model.protect(first, step.count, step.prot), whole);
    }
  }

  private cpu(step: Operation & { op: 'store' | 'load' }): void {
    const addr = BASE + step.page * PAGE_SIZE + step.offset;
    const bytes = new Uint8Array(step.length);
    const model = this.models[step.mm] as ModelMm;
    const target = this.mms[step.mm] as Mm;
    const value = step.op === 'store' ? step.byte : null;
    if (value !== null) bytes.fill(value);
    const got = value === null ? cpuLoad(target, addr, bytes) : cpuStore(target, addr, bytes);
    let done = 0;
    for (; done < step.length; done++) {
      const expected = model.cpu(addr + done, value);
      if (expected.outcome !== 'ok') {
        const code = expected.outcome === 'BUS' ? 'BUS_ADRERR' : `SEGV_${expected.outcome}`;
        assert.is(got.fault?.code, code);
        assert.is(got.fault?.address, addr + done);
        break;
      }
      assert.is(bytes[done], expected.value);
    }
    assert.is(got.done, done);
  }

  private remote(step: Operation & { op: 'write' | 'read' }): void {
    const addr = BASE + step.page * PAGE_SIZE + step.offset;
    const bytes = new Uint8Array(step.length);
    const model = this.models[step.mm] as ModelMm;
    const value = step.op === 'write' ? step.byte : null;
    if (value !== null) bytes.fill(value);
    const flags = (value === null ? 0 : FOLL_WRITE) | (step.force ? FOLL_FORCE : 0);
    const got = accessRemoteVm(this.mms[step.mm] as Mm, addr, bytes, flags);
    let done = 0;
    for (; done < step.length; done++) {
      const expected = model.remote(addr + done, value, step.force);
      if (expected === null) break;
      assert.is(bytes[done], expected);
    }
    assert.is(got, done);
  }

  /** Every byte of every mm, and then the end of everything. */
  finish(): void {
    assert.equal(checkMemory(this.core), []);
    for (const index of [0, 1, 2]) {
      for (let at = 0; at < PAGES + 6; at++) {
        this.remote({ op: 'read', mm: index, page: at, offset: 0, length: PAGE_SIZE, force: true });
      }
    }
    this.release();
  }

  release(): void {
    for (const at of this.mms) at.mmput();
    for (const at of this.files) at.put();
  }
}

function ignoringEnomem(act: () => void): boolean {
  try {
    act();
    return true;
  } catch (error) {
    if (error instanceof LinuxError && error.code === 'ENOMEM') return false;
    throw error;
  }
}

const test = suite('mm/model');

/** The frame that reads of untouched memory show. */
function findZeroPage(core: Core): bigint {
  const reader = new Mm(core);
  mapAnon(reader, 0, 1, 1);
  cpuLoad(reader, BASE, new Uint8Array(1));
  const [entry] = pagemapEntries(reader, BASE, 1);
  reader.mmput();
  return (entry as bigint) & ((1n << 55n) - 1n);
}

/** Runs sequences that start with `first`; with `each` the invariants are checked after every step. */
async function compare(
  operation: fc.Arbitrary<Operation>,
  first: readonly Operation[],
  each: boolean,
): Promise<void> {
  const core = await Core.create();
  const zeroPfn = findZeroPage(core);
  const before = core.framesInUse;
  fc.assert(
    fc.property(fc.array(operation, { minLength: 1, maxLength: 60 }), (steps) => {
      const pair = new Pair(core, zeroPfn);
      try {
        for (const step of first) pair.run(step);
        for (const step of steps) {
          pair.run(step);
          if (each) assert.equal(checkMemory(core), []);
        }
      } catch (error) {
        pair.release();
        throw error;
      }
      pair.finish();
      assert.is(core.framesInUse, before);
    }),
    { numRuns: each ? RUNS / 6 : RUNS },
  );
}

test('random operations give what a Map of pages gives, and every frame comes back', async () => {
  await compare(anyOperation, [], false);
});

test('so do operations among many forks, and every count holds after each of them', async () => {
  await compare(forkingOperation, GENERATIONS, true);
});

test.run();
