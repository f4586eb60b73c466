// What execve() makes of files that are no programs, or odd ones: said here, and asked of this computer's kernel.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import type { Task } from '../../src/api/task.js';
import { errnoName } from '../../src/errno.js';
import { Machine } from '../../src/machine.js';
import { compileNative, missingLinux, runHost } from './programs.js';

const test = suite('guest/exec');

const EM_X86_64 = 62;
const PT_LOAD = 1;
const PT_INTERP = 3;
const BASE = 0x400000n;
const PAGE = 4096;

interface Header {
  readonly type: number;
  readonly flags?: number;
  readonly offset?: bigint;
  readonly vaddr?: bigint;
  readonly filesz?: bigint;
  readonly memsz?: bigint;
  readonly align?: bigint;
}

interface Shape {
  readonly magic?: number;
  readonly class?: number;
  readonly type?: number;
  readonly machine?: number;
  readonly phentsize?: number;
  readonly phnum?: number;
  readonly phoff?: bigint;
  readonly entry?: bigint;
  readonly headers?: readonly Header[];
  readonly text?: string;
  readonly size?: number;
}

/** exit(0): mov eax, 60; xor edi, edi; syscall. */
const CODE = [0xb8, 60, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05];
const CODE_AT = 0x800;
const TEXT_AT = 0x900;
const ONE: Header = { type: PT_LOAD, flags: 5 };

/** An ELF file of one page and of a shape. */
function elf(shape: Shape): Uint8Array {
  const file = new Uint8Array(PAGE);
  const view = new DataView(file.buffer);
  const { headers = [ONE], text = '' } = shape;
  view.setUint32(0, shape.magic ?? 0x7f454c46);
  file.set([shape.class ?? 2, 1, 1], 4);
  view.setUint16(16, shape.type ?? 2, true);
  view.setUint16(18, shape.machine ?? EM_X86_64, true);
  view.setUint32(20, 1, true);
  view.setBigUint64(24, shape.entry ?? BASE + BigInt(CODE_AT), true);
  view.setBigUint64(32, shape.phoff ?? 64n, true);
  view.setUint16(52, 64, true);
  view.setUint16(54, shape.phentsize ?? 56, true);
  view.setUint16(56, shape.phnum ?? headers.length, true);
  headers.forEach((header, i) => {
    const at = 64 + 56 * i;
    const { offset = 0n, vaddr = BASE, filesz = BigInt(PAGE), memsz = filesz } = header;
    view.setUint32(at, header.type, true);
    view.setUint32(at + 4, header.flags ?? 4, true);
    const words = [offset, vaddr, vaddr, filesz, memsz, header.align ?? BigInt(PAGE)];
    words.forEach((word, j) => view.setBigUint64(at + 8 + 8 * j, word, true));
  });
  file.set(CODE, CODE_AT);
  file.set(new TextEncoder().encode(text), TEXT_AT);
  return file.subarray(0, shape.size ?? PAGE);
}

/** A header of the interpreter's name, which is `text`. */
function interp(length: number): Header {
  return { type: PT_INTERP, offset: BigInt(TEXT_AT), filesz: BigInt(length) };
}

const script = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Each file and what execve() says of it; null: the program begins, or dies where it would. */
const FILES: readonly (readonly [what: string, file: Uint8Array, error: string | null])[] = [
  ['a program', elf({}), null],
  ['no bytes', new Uint8Array(0), 'ENOEXEC'],
  ['another magic', elf({ magic: 0x7f454c47 }), 'ENOEXEC'],
  ['a 32-bit header', elf({ class: 1 }), null],
  ['half a header', elf({ size: 40 }), 'ENOEXEC'],
  ['another processor', elf({ machine: 243 }), 'ENOEXEC'],
  ['an object', elf({ type: 1 }), 'ENOEXEC'],
  ['a core', elf({ type: 4 }), 'ENOEXEC'],
  ['headers of another size', elf({ phentsize: 32 }), 'ENOEXEC'],
  ['no headers', elf({ phnum: 0 }), 'ENOEXEC'],
  ['more headers than may be', elf({ phnum: 1200 }), 'ENOEXEC'],
  ['headers behind the end', elf({ phoff: 5000n }), 'ENOEXEC'],
  ['headers beyond everything', elf({ phoff: 2n ** 63n }), 'ENOEXEC'],
  ['nothing to map', elf({ headers: [{ type: 6 }] }), null],
  ['a segment in the kernel', elf({ headers: [{ ...ONE, vaddr: 0xffffffff80000000n }] }), null],
  ['more of the file than of memory', elf({ headers: [{ ...ONE, memsz: 1n }] }), null],
  ['a segment off its page', elf({ headers: [{ ...ONE, offset: 1n }] }), null],
  ['a huge segment', elf({ headers: [{ ...ONE, memsz: 2n ** 50n }] }), null],
  ['no interpreter there', elf({ headers: [interp(9), ONE], text: '/no/such\0' }), 'ENOENT'],
  [
    'an interpreter without an end',
    elf({ headers: [interp(8), ONE], text: '/no/such' }),
    'ENOEXEC',
  ],
  ['a short interpreter', elf({ headers: [interp(1), ONE], text: '\0' }), 'ENOEXEC'],
  ['a long interpreter', elf({ headers: [interp(4097), ONE], text: '/x\0' }), 'ENOEXEC'],
  [
    'an interpreter behind the end',
    elf({ headers: [{ ...interp(9), offset: 5000n }, ONE] }),
    'EIO',
  ],
  ['a directory for one', elf({ headers: [interp(5), ONE], text: '/tmp\0' }), 'EACCES'],
  ['a text for one', elf({ headers: [interp(12), ONE], text: '/etc/passwd\0' }), 'EACCES'],
  ['words', script('just words\n'), 'ENOEXEC'],
  ['a script of nothing', script('#!\n'), 'ENOEXEC'],
  ['a script of spaces', script('#!   \t \n'), 'ENOEXEC'],
  ['a script of nobody', script('#!/no/such/program\n'), 'ENOENT'],
  ['a script that is cut', script(`#!${'/x'.repeat(200)}`), 'ENOEXEC'],
  ['a script without an end', script('#!/no/such'), 'ENOENT'],
  ['a script of a directory', script('#!/tmp\n'), 'EACCES'],
];

const machine = await Machine.create();
machine.addFile('/etc/passwd', new TextEncoder().encode('root\n'));

/** A caller with a path and a list of it in its memory. */
function callExecve(task: Task, path: string): string | null {
  const at = task.mmap({ length: PAGE });
  task.store(at, new TextEncoder().encode(`${path}\0`));
  task.store(at + 512n, new Uint8Array(BigUint64Array.of(at, 0n).buffer));
  const result = Number(task.syscall('execve', at, at + 512n, at + 520n));
  // What comes after the point of no return kills.
  return result === 0 || task.exited ? null : errnoName(-result);
}

for (const [i, [what, file, error]] of FILES.entries()) {
  test(`${what}: ${error ?? 'it begins'}`, () => {
    machine.addFile(`/tmp/file${i}`, file, 0o755);
    const task = machine.spawn();
    assert.is(callExecve(task, `/tmp/file${i}`), error);
    if (!task.exited) task.exit();
    assert.equal(machine.check(), []);
  });
}

const why = missingLinux();
const native = 'Linux says the same of each';
if (why !== null) {
  console.log(`SKIPPED guest/exec, ${native}: ${why}`);
  test.skip(native);
} else {
  test(native, () => {
    const dir = mkdtempSync(join(tmpdir(), 'procmem-exec-'));
    try {
      const paths = FILES.map(([, file], i) => {
        const path = join(dir, `file${i}`);
        writeFileSync(path, file, { mode: 0o755 });
        return path;
      });
      const { output } = runHost(compileNative('execprobe', dir), ...paths);
      const said = output.trimEnd().split('\n');
      assert.equal(
        FILES.map(([what], i) => `${what}: ${said[i]}`),
        FILES.map(([what, , error]) => `${what}: ${error ?? 'began'}`),
      );
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
}

test.run();
