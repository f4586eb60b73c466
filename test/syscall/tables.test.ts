import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { implementedSyscalls } from '../../src/syscall/dispatch.js';
import { NR_GENERIC } from '../../src/syscall/table-generic.js';
import { NR_X86_64 } from '../../src/syscall/table-x86-64.js';

const test = suite('syscall/tables');

const X86_64: readonly [name: keyof typeof NR_X86_64, nr: number][] = [
  ['read', 0],
  ['mmap', 9],
  ['pread64', 17],
  ['exit_group', 231],
  ['process_vm_readv', 310],
  ['rseq', 334],
  ['pidfd_send_signal', 424],
  ['mseal', 462],
  ['file_setattr', 469],
];

const GENERIC: readonly [name: keyof typeof NR_GENERIC, nr: number][] = [
  ['io_setup', 0],
  ['openat', 56],
  ['pread64', 67],
  ['mmap', 222],
  ['riscv_hwprobe', 258],
  ['process_vm_writev', 271],
  ['mseal', 462],
];

for (const [name, nr] of X86_64) {
  test(`${name} is ${nr} on x86-64`, () => assert.is(NR_X86_64[name], nr));
}

for (const [name, nr] of GENERIC) {
  test(`${name} is ${nr} in the generic table`, () => assert.is(NR_GENERIC[name], nr));
}

for (const [name, table] of Object.entries({ x86_64: NR_X86_64, generic: NR_GENERIC })) {
  test(`no number of the ${name} table has two names`, () => {
    const numbers = Object.values(table);
    assert.is(new Set(numbers).size, numbers.length);
  });
}

test('x86-64 numbers are complete but for the gap before 424', () => {
  const numbers = new Set<number>(Object.values(NR_X86_64));
  const missing = Array.from({ length: 470 }, (_, nr) => nr).filter((nr) => !numbers.has(nr));
  assert.equal(
    missing,
    Array.from({ length: 424 - 337 }, (_, i) => 337 + i),
  );
});

test('from 424 on every architecture has the same numbers', () => {
  const late = (table: object): unknown[] =>
    Object.entries(table).filter(([, nr]) => (nr as number) >= 424);
  assert.equal(late(NR_GENERIC), late(NR_X86_64));
});

test('what is implemented has a number', () => {
  assert.ok(implementedSyscalls().includes('process_vm_readv'));
  assert.ok(implementedSyscalls('riscv64').includes('statx'));
  assert.not.ok(implementedSyscalls('riscv64').includes('open'));
});

test.run();
