// What maps, smaps and the memory calls give for the kernel's own mappings: every row was first seen
// on Linux 6.18 in a static program without address randomisation.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { suite } from 'uvu';

import type { Task } from '../../src/api/task.js';
import { readHeader } from '../../src/elf/header.js';
import { readSections } from '../../src/elf/sections.js';
import { BytesSource } from '../../src/elf/source.js';
import { findSymbol, symbolTables } from '../../src/elf/symbols.js';
import { LinuxError } from '../../src/errno.js';
import { VDSO_X86_64 } from '../../src/kernel/vdso-arch.js';
import { makeVdsoImage } from '../../src/kernel/vdso-image.js';
import { Machine } from '../../src/machine.js';

const test = suite('kernel/vdso');

const VVAR = 0x7ffff7ff7000;
const VCLOCK = 0x7ffff7ffb000;
const VDSO = 0x7ffff7ffd000;
const END = 0x7ffff7fff000;
const AWAY = 0x110000000;
const EINVAL = -22;
const EFAULT = -14;
const EACCES = -13;

const machine = await Machine.create();

function program(): Task {
  return machine.spawn({ argv: ['program'] });
}

function lines(task: Task, file: string, pattern: RegExp): string[] {
  return task
    .readText(`/proc/self/${file}`)
    .split('\n')
    .filter((line) => pattern.test(line));
}

const mapped = (task: Task): string[] =>
  lines(task, 'maps', /\[v[dv]/).map((line) => line.replace(/ +00000000 00:00 0 +/, ' '));

/** VmFlags of the three, by address. */
function flags(task: Task): string[] {
  const found = lines(task, 'smaps', /\[|VmFlags/);
  return found.flatMap((line, i) => (/\[v[dv]/.test(line) ? [found[i + 1]?.slice(9) ?? ''] : []));
}

function errorOf(action: () => unknown): string {
  try {
    return String(action());
  } catch (error) {
    if (error instanceof LinuxError) return error.code;
    throw error;
  }
}

test('a program finds them in a row at the top, with their flags', () => {
  const task = program();
  assert.equal(mapped(task), [
    '7ffff7ff7000-7ffff7ffb000 r--p [vvar]',
    '7ffff7ffb000-7ffff7ffd000 r--p [vvar_vclock]',
    '7ffff7ffd000-7ffff7fff000 r-xp [vdso]',
  ]);
  assert.equal(flags(task), ['rd mr pf io de dd ', 'rd mr pf io de dd ', 'rd ex mr mw me de ']);
  assert.equal(lines(task, 'numa_maps', /7ffff7ff[7bd]/), [
    '7ffff7ff7000 default',
    '7ffff7ffb000 default',
    '7ffff7ffd000 default',
  ]);
  const auxv = new DataView(task.readFile('/proc/self/auxv').slice().buffer);
  assert.is(auxv.getBigUint64(0, true), 33n); // AT_SYSINFO_EHDR
  assert.is(auxv.getBigUint64(8, true), BigInt(VDSO));
  task.exit();
});

test('a task without a program has none, a child has its parent’s, an exec new ones', () => {
  const bare = machine.spawn({ comm: 'bare' });
  assert.equal(mapped(bare), []);
  machine.addFile('/bin/program', new Uint8Array(4096), 0o755);
  bare.exec('/bin/program');
  assert.is(mapped(bare).length, 3);
  const child = bare.fork();
  assert.equal(mapped(child), mapped(bare));
  assert.is(child.load32(VDSO), 0x464c457f);
  child.exit();
  bare.exit();
});

test('K-139, K-140: through mem the vDSO is an ELF file and takes writes, the rest is EIO', () => {
  const task = program();
  const other = program();
  const mem = task.open('/proc/self/mem', 'r+');
  const bytes = new Uint8Array(4);
  assert.is(mem.pread(bytes, VDSO), 4);
  assert.equal([...bytes], [0x7f, 0x45, 0x4c, 0x46]);
  assert.is(
    errorOf(() => mem.pread(bytes, VVAR)),
    'EIO',
  );
  assert.is(
    errorOf(() => mem.pread(bytes, VCLOCK)),
    'EIO',
  );
  assert.is(
    errorOf(() => mem.pwrite(bytes, VVAR)),
    'EIO',
  );
  assert.is(mem.pwrite(Uint8Array.of(0x58), VDSO + 8), 1);
  assert.is(task.load8(VDSO + 8), 0x58);
  assert.is(other.load8(VDSO + 8), 0);
  const [, anonymous] = lines(task, 'smaps', /\[vdso|^Anonymous/).slice(-3);
  assert.is(anonymous, 'Anonymous:             4 kB');
  assert.is(
    errorOf(() => task.processVmRead(task, VVAR, bytes)),
    'EFAULT',
  );
  assert.is(task.processVmRead(task, VDSO, bytes), 4);
  assert.is(
    errorOf(() => task.processVmWrite(task, VDSO, bytes)),
    'EFAULT',
  );
  task.exit();
  other.exit();
});

test('the CPU reads the pages of time and of random numbers, and SIGBUS of those that are not kept', () => {
  const task = program();
  const readable = Array.from({ length: 6 }, (_, page) => {
    try {
      return task.load8(VVAR + page * 4096);
    } catch (error) {
      return (error as { signal?: string }).signal;
    }
  });
  assert.equal(readable, [0, 'SIGBUS', 0, 'SIGBUS', 'SIGBUS', 'SIGBUS']);
  assert.is(task.load8(VDSO), 0x7f);
  const pagemap = task.open('/proc/self/pagemap');
  const entries = new BigUint64Array(8);
  pagemap.pread(new Uint8Array(entries.buffer), (VVAR / 4096) * 8);
  assert.equal([...entries.subarray(0, 6)], [0n, 0n, 0n, 0n, 0n, 0n]);
  // Present, and of a file; the neighbour is not mapped around it.
  assert.is((entries[6] ?? 0n) >> 61n, 5n);
  assert.is(entries[7], 0n);
  task.exit();
});

/** A call on a fresh program: name, arguments, result, and the protections in maps then. */
type Row = readonly [string, readonly number[], number, (readonly string[])?];
const calls: readonly Row[] = [
  ['mprotect', [VVAR, 4096, 3], EACCES],
  ['mprotect', [VVAR, 4096, 1], 0],
  ['mprotect', [VVAR, 4096, 5], EACCES],
  ['mprotect', [VVAR, 4096, 0], EINVAL],
  ['mprotect', [VDSO, 4096, 7], EINVAL],
  ['mprotect', [VDSO, 8192, 7], 0, ['r--p', 'r--p', 'rwxp']],
  ['mprotect', [VVAR, 16384, 0], 0, ['---p', 'r--p', 'r-xp']],
  ['munmap', [VDSO, 4096], EINVAL],
  ['munmap', [VVAR, 4096], EINVAL],
  ['munmap', [VCLOCK + 4096, 4096], EINVAL],
  ['munmap', [VVAR, END - VVAR], 0, []],
  ['munmap', [VVAR, VDSO - VVAR], 0, ['r-xp']],
  ['mmap', [VDSO, 4096, 3, 0x32, 2 ** 32 - 1, 0], EINVAL],
  ['mmap', [VVAR - 4096, 8192, 3, 0x32, 2 ** 32 - 1, 0], EINVAL],
  ['mremap', [VVAR, 16384, 20480, 1], EFAULT],
  ['mremap', [VDSO, 8192, 12288, 1], EFAULT],
  ['mremap', [VDSO, 8192, 4096, 1], EINVAL],
  ['mremap', [VVAR, 16384, 4096, 1], EINVAL],
  ['mremap', [VDSO, 4096, 4096, 3, AWAY], EINVAL],
  ['mremap', [VDSO, 8192, 8192, 3, AWAY], AWAY],
  ['mremap', [VVAR, 16384, 16384, 3, AWAY], AWAY],
  ['mremap', [VDSO, 8192, 8192, 7, AWAY], EINVAL],
  ['mremap', [VDSO, 0, 8192, 3, AWAY], EINVAL],
  ['mlock', [VVAR, 4096], 0],
  ['mlock', [VDSO, 4096], 0],
  ['msync', [VVAR, 4096, 4], 0],
  ['msync', [VDSO, 4096, 4], 0],
  ['mseal', [VDSO, 4096, 0], EINVAL],
  ['mseal', [VDSO, 8192, 0], 0],
  ['remap_file_pages', [VDSO, 4096, 0, 0, 0], EINVAL],
];
for (const [name, args, expected, perms = ['r--p', 'r--p', 'r-xp']] of calls) {
  test(`${name}(${args.map((arg) => arg.toString(16)).join(', ')}) gives ${expected}`, () => {
    const task = program();
    assert.is(Number(task.syscall(name, ...args)), expected);
    const seen = mapped(task).map((line) => line.split(' ')[1]);
    assert.equal([...seen].sort(), [...perms].sort());
    assert.equal(machine.check(), []);
    task.exit();
  });
}

test('mincore calls all of it resident, and mlockall locks none of it', () => {
  const task = program();
  const vector = task.mmap({ length: 4096 });
  assert.is(task.syscall('mincore', VVAR, END - VVAR, vector), 0);
  assert.equal([...task.load(vector, new Uint8Array(8))], [1, 1, 1, 1, 1, 1, 1, 1]);
  assert.is(task.syscall('mlockall', 3), 0);
  assert.equal(flags(task), ['rd mr pf io de dd ', 'rd mr pf io de dd ', 'rd ex mr mw me de ']);
  task.exit();
});

/** Advice, and what [vvar], [vvar_vclock] and [vdso] answer: for a page of each, and for the whole. */
const advice: readonly (readonly [number, string, string])[] = [
  [0, 'ok ok ok', 'ok ok ok'],
  [1, 'EINVAL EINVAL EINVAL', 'ok ok ok'],
  [2, 'EINVAL EINVAL EINVAL', 'ok ok ok'],
  [3, 'ok ok ok', 'ok ok ok'],
  [4, 'EINVAL EINVAL ok', 'EINVAL EINVAL ok'],
  [8, 'EINVAL EINVAL EINVAL', 'EINVAL EINVAL EINVAL'],
  [9, 'EINVAL EINVAL EINVAL', 'EINVAL EINVAL EINVAL'],
  [10, 'EINVAL EINVAL EINVAL', 'ok ok ok'],
  [11, 'EINVAL EINVAL ok', 'EINVAL EINVAL ok'],
  [12, 'ok ok ok', 'ok ok ok'],
  [13, 'ok ok ok', 'ok ok ok'],
  [14, 'EINVAL EINVAL EINVAL', 'ok ok ok'],
  [15, 'EINVAL EINVAL EINVAL', 'ok ok ok'],
  [16, 'ok ok EINVAL', 'ok ok ok'],
  [17, 'EINVAL EINVAL EINVAL', 'EINVAL EINVAL EINVAL'],
  [18, 'EINVAL EINVAL EINVAL', 'ok ok ok'],
  [19, 'ok ok ok', 'ok ok ok'],
  [20, 'EINVAL EINVAL ok', 'EINVAL EINVAL ok'],
  [21, 'EINVAL EINVAL ok', 'EINVAL EINVAL ok'],
  [22, 'EINVAL EINVAL ok', 'EINVAL EINVAL ok'],
  [23, 'EINVAL EINVAL EINVAL', 'EINVAL EINVAL EINVAL'],
  [24, 'EINVAL EINVAL ok', 'EINVAL EINVAL ok'],
  [25, 'EINVAL EINVAL EINVAL', 'EINVAL EINVAL EINVAL'],
  [102, 'EINVAL EINVAL EINVAL', 'EINVAL EINVAL EINVAL'],
  [103, 'EINVAL EINVAL EINVAL', 'EINVAL EINVAL EINVAL'],
];
const RANGES = [
  [VVAR, VCLOCK],
  [VCLOCK, VDSO],
  [VDSO, END],
] as const;
test('advice is taken, refused, or refused because it would cut', () => {
  const part = program();
  const whole = program();
  const name = (result: number | bigint): string =>
    result === 0 ? 'ok' : result === EINVAL ? 'EINVAL' : String(result);
  for (const [number, ofPart, ofWhole] of advice) {
    const ask = (task: Task, length: (start: number, end: number) => number): string =>
      RANGES.map(([start, end]) =>
        name(task.syscall('madvise', start, length(start, end), number)),
      ).join(' ');
    assert.is(
      ask(part, () => 4096),
      ofPart,
      `${number} of a page`,
    );
    assert.is(
      ask(whole, (start, end) => end - start),
      ofWhole,
      `${number} of the whole`,
    );
  }
  assert.equal(flags(whole), [
    'rd mr pf io sr dc de dd nh ',
    'rd mr pf io sr dc de dd nh ',
    'rd ex mr mw me sr de dd nh ',
  ]);
  part.exit();
  whole.exit();
});

test('the image is an ELF file whose symbols are found by their addresses', () => {
  const source = new BytesSource('vdso', makeVdsoImage(VDSO_X86_64));
  const sections = readSections(source, readHeader(source));
  const [table] = symbolTables(sections);
  const names = [0x1000, 0x1010, 0x1020, 0x1030, 0x1040, 0x1050].map((address) =>
    table === undefined ? null : findSymbol(source, sections, table, BigInt(address))?.name,
  );
  const first = ['clock_gettime', 'gettimeofday', 'clock_getres', 'time', 'getcpu', undefined];
  assert.equal(names, first);
});

const DLOPEN = `
#include <dlfcn.h>
#include <stdio.h>
#include <time.h>
int main(int argc, char **argv) {
  void *image = dlopen(argv[1], RTLD_NOW);
  if (!image) return puts(dlerror()), 1;
  int (*gettime)(int, struct timespec *) = dlvsym(image, "__vdso_clock_gettime", "LINUX_2.6");
  long (*seconds)(long *) = dlsym(image, "time");
  struct timespec now = {0};
  if (!gettime || !seconds || gettime(0, &now)) return 1;
  return time(0) - now.tv_sec > 1 || time(0) - seconds(0) > 1;
}
`;
const obstacle =
  process.platform !== 'linux' || process.arch !== 'x64'
    ? 'this is not Linux on x86-64'
    : spawnSync('gcc', ['--version']).status === 0
      ? null
      : 'gcc is not installed';
if (obstacle !== null) {
  console.log(`SKIPPED kernel/vdso under a dynamic linker: ${obstacle}`);
} else {
  test('a real dynamic linker loads the image, finds its versioned symbols and calls them', () => {
    const dir = mkdtempSync(join(tmpdir(), 'vdso-'));
    writeFileSync(join(dir, 'image.so'), makeVdsoImage(VDSO_X86_64));
    writeFileSync(join(dir, 'load.c'), DLOPEN);
    const load = join(dir, 'load');
    const built = spawnSync('gcc', ['-D_GNU_SOURCE', '-o', load, join(dir, 'load.c'), '-ldl']);
    assert.is(built.status, 0, String(built.stderr));
    const { status, stdout } = spawnSync(load, [join(dir, 'image.so')], { encoding: 'utf8' });
    rmSync(dir, { recursive: true });
    assert.is(status, 0, stdout);
  });
}

test('its pages are in memory only while a program has them mapped', () => {
  const round = (): number => {
    const task = program();
    task.load8(VDSO);
    task.load8(VDSO + 4096);
    task.exit();
    return machine.stats().framesInUse;
  };
  assert.is(round(), round());
  assert.equal(machine.check(), []);
});

test('a spawn that runs out of memory leaves no process and no page behind', () => {
  const { core } = machine.kernel;
  const { tasks } = machine.stats();
  for (let budget = 0, result = ''; result !== 'started'; budget++) {
    const frames = machine.stats().framesInUse;
    core.exports.setAllocBudget(budget);
    result = errorOf(() => {
      program().exit();
      return 'started';
    });
    core.exports.setAllocBudget(-1);
    if (result === 'started') break;
    assert.is(result, 'ENOMEM', String(budget));
    assert.is(machine.stats().framesInUse, frames, String(budget));
    assert.is(machine.stats().tasks, tasks);
    assert.equal(machine.check(), []);
  }
});

test('an exec that runs out of memory, wherever that is, leaves the program as it was', () => {
  machine.addFile('/bin/program', new Uint8Array(4096), 0o755);
  const { core } = machine.kernel;
  const task = program();
  const before = task.readText('/proc/self/maps');
  let failures = 0;
  for (let budget = 0; ; budget++) {
    core.exports.setAllocBudget(budget);
    const result = errorOf(() => task.exec('/bin/program'));
    core.exports.setAllocBudget(-1);
    assert.equal(machine.check(), []);
    if (result === 'undefined') break;
    assert.is(result, 'ENOMEM');
    assert.is(task.readText('/proc/self/maps'), before);
    failures++;
  }
  assert.ok(failures > 3, String(failures));
  assert.is(task.load32(VDSO), 0x464c457f);
  task.exit();
});

test.run();
