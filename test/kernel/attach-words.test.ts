import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import type { TaskStruct } from '../../src/kernel/task.js';
import { cpuLoad, cpuStore } from '../../src/mm/cpu.js';
import { makeKernel, map, spawn } from './fixture.js';
import type { Pair } from './tracing.js';
import { PEEKDATA, POKEDATA, ATTACH, ptrace, pair } from './tracing.js';

const PAGE = 0x10000;
const OUT = 0x20000;
const U = { uid: 1000 };

/**
 * A tracee, attached and stopped, with a page of each protection; and the tracer's own page for
 * results.
 */
function memory(prot: number): Pair {
  const both = pair();
  map(both.tracee, PAGE, 4096, 3);
  assert.ok(both.tracee.mm);
  cpuStore(
    both.tracee.mm,
    PAGE,
    Uint8Array.of(0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49),
  );
  map(both.tracer, OUT, 4096, 3);
  if (prot !== 3) map(both.tracee, PAGE, 4096, prot);
  ptrace(both.tracer, ATTACH, both.tracee);
  return both;
}

function word(task: TaskStruct, addr: number): string {
  const bytes = new Uint8Array(8);
  assert.ok(task.mm);
  cpuLoad(task.mm, addr, bytes);
  return Buffer.from(bytes).toString('hex');
}

const words = suite('kernel/attach: words');

words('a peek reads any eight bytes and stores them at the data pointer (K-202)', () => {
  const { tracer, tracee } = memory(3);
  assert.is(ptrace(tracer, PEEKDATA, tracee, PAGE, OUT), undefined);
  assert.is(word(tracer, OUT), '4142434445464748');
  assert.is(ptrace(tracer, PEEKDATA, tracee, PAGE + 1, OUT), undefined);
  assert.is(word(tracer, OUT), '4243444546474849');
});

words('protections do not matter (K-202)', () => {
  const { tracer, tracee } = memory(0);
  assert.is(ptrace(tracer, POKEDATA, tracee, PAGE, 0x4847464544434241n), undefined);
  assert.is(ptrace(tracer, PEEKDATA, tracee, PAGE, OUT), undefined);
  assert.is(word(tracer, OUT), '4142434445464748');
});

words('what is not there is EIO (K-202)', () => {
  const { tracer, tracee } = memory(3);
  for (const addr of [0, PAGE + 4089, 2 ** 47, 2n ** 63n, 2n ** 64n - 8n]) {
    assert.is(ptrace(tracer, PEEKDATA, tracee, addr, OUT), 'EIO');
    assert.is(ptrace(tracer, POKEDATA, tracee, addr, 1), 'EIO');
  }
});

words('a poke over the edge has written the bytes before it (K-202)', () => {
  const { tracer, tracee } = memory(3);
  const poke = ptrace(tracer, POKEDATA, tracee, PAGE + 4092, 0xffffffffffffffffn);
  assert.is(poke, 'EIO');
  assert.is(word(tracee, PAGE + 4088), '00000000ffffffff');
});

words('a bad data pointer is EFAULT (K-203)', () => {
  const { tracer, tracee } = memory(3);
  for (const data of [0, 2n ** 63n]) {
    assert.is(ptrace(tracer, PEEKDATA, tracee, PAGE, data), 'EFAULT');
  }
});

words('memory that stopped being dumpable is out of reach of a tracer without the right', () => {
  const kernel = makeKernel();
  const tracer = spawn(kernel, U);
  const tracee = spawn(kernel, U);
  map(tracee, PAGE, 4096, 3);
  map(tracer, OUT, 4096, 3);
  ptrace(tracer, ATTACH, tracee);
  assert.is(ptrace(tracer, PEEKDATA, tracee, PAGE, OUT), undefined);
  assert.ok(tracee.mm);
  tracee.mm.dumpable = 0;
  assert.is(ptrace(tracer, PEEKDATA, tracee, PAGE, OUT), 'EIO');
});

words.run();
