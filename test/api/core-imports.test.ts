// A WebAssembly module that is linked with the core: here by hand, in examples/embedding/toy-cpu/ for real.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { TASK_SIZE } from '../../src/mm/address.js';
import {
  type CoreImports,
  coreImports,
  Machine,
  MAP_SHARED,
  PageFault,
  PROT_READ,
  type Task,
} from '../../src/index.js';

const PAGE = 4096;

const test = suite('api/core-imports');
const machine = await Machine.create();
const atRest = machine.stats().framesInUse;

/** A load as a linked module makes it. */
function load(link: CoreImports, addr: number | bigint, size: 4 | 8 = 8): bigint {
  const { imports, enter } = link;
  const at = Number(addr);
  return enter(() => {
    const [mm, limit] = [imports.mm.value, imports.stackLimit.value];
    const value =
      size === 8
        ? BigInt.asUintN(64, imports.load64(mm, at, limit))
        : BigInt(imports.load32(mm, at, limit) >>> 0);
    return imports.lastFault() === 0 ? value : imports.slowLoad(at, size);
  });
}

function store(link: CoreImports, addr: number | bigint, value: bigint): void {
  const { imports, enter } = link;
  enter(() => {
    imports.store64(imports.mm.value, Number(addr), value, imports.stackLimit.value);
    if (imports.lastFault() !== 0) imports.slowStore(Number(addr), 8, value);
  });
}

function faultOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof PageFault) return `${error.code} ${error.address.toString(16)}`;
    throw error;
  }
  return 'no fault';
}

function withTask(act: (task: Task, addr: bigint, link: CoreImports) => void): void {
  const task = machine.spawn({ comm: 'linked' });
  try {
    act(task, task.mmap({ length: 2 * PAGE }), coreImports(task));
  } finally {
    if (!task.exited) task.exit(0);
  }
}

test('accesses are those of the task, at every alignment and across pages', () =>
  withTask((task, addr, link) => {
    for (const offset of [0, 1, 7, PAGE - 8, PAGE - 4, PAGE - 1, PAGE]) {
      const at = addr + BigInt(offset);
      store(link, at, 0xfedc_ba98_7654_3210n);
      assert.is(task.load64(at), 0xfedc_ba98_7654_3210n, `${offset}`);
      assert.is(load(link, at), 0xfedc_ba98_7654_3210n, `${offset}`);
      assert.is(load(link, at, 4), 0x7654_3210n, `${offset}`);
    }
  }));

test('what Linux answers with a signal is a PageFault, and nothing is stored', () =>
  withTask((task, addr, link) => {
    const end = addr + BigInt(2 * PAGE);
    const hex = (at: bigint): string => at.toString(16);
    store(link, addr, 1n);
    assert.is(
      faultOf(() => store(link, end - 4n, 2n)),
      `SEGV_MAPERR ${hex(end)}`,
    );
    assert.is(task.load64(end - 8n), 0n);
    assert.is(
      faultOf(() => load(link, TASK_SIZE)),
      `SEGV_MAPERR ${hex(BigInt(TASK_SIZE))}`,
    );
    task.mprotect(addr, PAGE, PROT_READ);
    assert.is(
      faultOf(() => store(link, addr, 2n)),
      `SEGV_ACCERR ${hex(addr)}`,
    );
    assert.is(load(link, addr), 1n);
  }));

test('a page of a file is loaded, and beyond its end it is a SIGBUS', () =>
  withTask((task, _, link) => {
    task.writeFile('/tmp/linked', 'contents');
    const file = task.open('/tmp/linked');
    const at = task.mmap({ length: 2 * PAGE, prot: PROT_READ, flags: MAP_SHARED, file });
    assert.is(load(link, at, 4), 0x746e_6f63n);
    assert.match(
      faultOf(() => load(link, at + BigInt(PAGE))),
      /^BUS_ADRERR/,
    );
    task.unlink('/tmp/linked');
  }));

test('a watch sees the access once it is made, and may do what it likes', () =>
  withTask((task, addr, link) => {
    const seen: string[] = [];
    const hit = ({ by, kind }: { by: string; kind: string }): void => {
      seen.push(`${by} ${kind} ${task.load64(addr)}`);
      task.exit(0);
    };
    task.watch({ start: addr, length: 8, on: 'write', hit });
    assert.throws(() => store(link, addr, 5n), /exited|mm/);
    assert.equal(seen, ['cpu write 5']);
    assert.throws(() => load(link, addr), TypeError);
  }));

test('where a range lies is told for bulk work, up to a fault', () =>
  withTask((task, addr, { imports, enter }) => {
    task.store(addr, new Uint8Array(2 * PAGE).fill(7));
    const covered = enter(() => {
      const { mm, stackLimit, userRuns } = imports;
      return userRuns(mm.value, Number(addr) + 10, 3 * PAGE, false, stackLimit.value);
    });
    assert.is(covered, 2 * PAGE - 10);
    const words = new Uint32Array(imports.memory.buffer);
    const list = imports.runList() >>> 2;
    let sum = 0;
    for (let run = 0; run < words[list]!; run++) {
      const [place, length] = [words[list + 2 + 2 * run]!, words[list + 3 + 2 * run]!];
      for (const byte of new Uint8Array(imports.memory.buffer, place, length)) sum += byte;
    }
    assert.is(sum, 7 * covered);
  }));

test('outside of enter() every access faults, and the slow way is refused', () =>
  withTask((task, addr, { imports, enter }) => {
    task.store64(addr, 1n);
    enter(() => imports.load8(imports.mm.value, Number(addr), 0));
    assert.is(imports.lastFault(), 0);
    assert.is(imports.mm.value, 0);
    assert.is(imports.load8(0, Number(addr), 0), 0);
    assert.is.not(imports.lastFault(), 0);
    imports.store64(0, Number(addr), 2n, 0);
    assert.is.not(imports.lastFault(), 0);
    assert.is(task.load64(addr), 1n);
    assert.throws(() => imports.slowLoad(Number(addr), 8), TypeError);
    assert.throws(() => enter(() => imports.slowLoad(Number(addr), 3)), RangeError);
  }));

test('misuse is named', () =>
  withTask((task, _, link) => {
    assert.throws(() => coreImports({} as Task), TypeError);
    assert.throws(() => link.enter(1 as never), /run/);
    task.exit(0);
    assert.throws(() => coreImports(task), /exited/);
    assert.throws(() => link.enter(() => 0), /exited/);
  }));

test('every frame is free again, and memory is as it should be', () => {
  assert.equal(machine.check(), []);
  assert.is(machine.stats().framesInUse, atRest);
});

test.run();
