// The function of the vDSO of riscv64 that does more than make a call: on a hart, beside the call.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { readHeader } from '../../src/elf/header.js';
import { readSections } from '../../src/elf/sections.js';
import { BytesSource } from '../../src/elf/source.js';
import { findSymbol, symbolTables } from '../../src/elf/symbols.js';
import { VDSO_RISCV64 } from '../../src/kernel/vdso-arch.js';
import { makeVdsoImage } from '../../src/kernel/vdso-image.js';
import { Machine } from '../../src/machine.js';

const test = suite('kernel/vdso-hwprobe');
const machine = await Machine.create();
const atRest = machine.stats().framesInUse;

test('riscv_hwprobe answers without a call what the call answers, and makes it for the rest', () => {
  const image = makeVdsoImage(VDSO_RISCV64);
  const source = new BytesSource('vdso', image);
  const sections = readSections(source, readHeader(source));
  const [table] = symbolTables(sections);
  const at = 0x1000 + 16 * VDSO_RISCV64.functions.length;
  const symbol = table === undefined ? null : findSymbol(source, sections, table, BigInt(at));
  assert.equal([symbol?.name, Number(symbol?.value)], ['__vdso_riscv_hwprobe', at]);
  const task = machine.spawn();
  const code = Number(task.mmap({ length: 8192, prot: 7 }));
  const pairs = Number(task.mmap({ length: 8192, prot: 3 }));
  task.store(code, image.subarray(0, 8192));
  const keys = [...Array.from({ length: 11 }, (_, key) => BigInt(key)), -1n, 1n << 40n];
  const [first, second] = [pairs, pairs + 4096];
  for (const [i, key] of keys.entries()) {
    for (const place of [first, second]) task.store64(place + 16 * i, BigInt.asUintN(64, key));
  }
  const { cpu } = task;
  const start = (...args: number[]): string => {
    cpu.pc = code + at;
    cpu.setX(1, code + 8); // a return leads to what is no instruction
    args.forEach((value, i) => cpu.setX(10 + i, value));
    return cpu.run(1000).reason;
  };
  assert.is(start(first, keys.length, 0, 0, 0), 'illegal');
  assert.is(cpu.x(10), 0n);
  assert.is(machine.syscall(task, 'riscv_hwprobe', [second, keys.length, 0, 0, 0], 'riscv64'), 0);
  const length = 16 * keys.length;
  assert.equal(task.load(first, length), task.load(second, length));
  assert.is(task.load64(first + 16 * 11), 2n ** 64n - 1n);
  for (const args of [
    [8, first, 0],
    [0, 0, 1],
  ] as const) {
    assert.is(start(first, 1, ...args), 'ecall');
    assert.is(cpu.x(17), 258n);
  }
  task.exit();
  assert.is(machine.stats().framesInUse, atRest);
});

test.run();
