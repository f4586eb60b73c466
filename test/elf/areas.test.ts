import * as assert from 'uvu/assert';
import { suite } from 'uvu';

import { completePermissions, isFileOfCore, openCoreFiles } from '../../src/elf/core-files.js';
import { readCore } from '../../src/elf/core.js';
import { findInitialStack } from '../../src/elf/initial-stack.js';
import { findProcessAreas } from '../../src/elf/process-areas.js';
import { BytesSource } from '../../src/elf/source.js';
import { buildCore } from './core-builder.js';
import { exampleCore, exampleExecutable } from './example.js';

const test = suite('elf/areas');
const PATH = '/tmp/crash/thumbnail';

test('the areas of the example are found again', () => {
  const core = readCore(exampleCore());
  const areas = findProcessAreas(core);
  const rw = core.mappings.filter(({ file, perms }) => file === null && perms === 'rw-');
  assert.is(areas.executable, PATH);
  assert.is(areas.code.end - areas.code.start, 4096);
  assert.is(areas.data.end - areas.data.start, 4096);
  assert.is(areas.heap, rw[0]);
  assert.is(areas.stack, rw.at(-1));
  assert.is(areas.vdso, null); // the program gave it back
  assert.is(areas.vvar.length, 2);
});

test('the arguments of the example are on its stack', () => {
  const core = readCore(exampleCore());
  const { stack, initial } = findProcessAreas(core);
  if (stack === null || initial === null) return assert.unreachable();
  const at = stack.offset + initial.argStart - stack.start;
  const bytes = core.source.read(at, initial.argEnd - initial.argStart);
  assert.is(new TextDecoder().decode(bytes), './thumbnail\0');
  assert.is(initial.envStart, initial.envEnd);
  assert.is(initial.startStack % 16, 0);
});

/** A stack at 0x1000 with argc, pointers, a vector and strings, as execve() lays them out. */
function layOut(argv: string[], envp: string[]): { bytes: Uint8Array; auxv: Uint8Array } {
  const auxv = new Uint8Array(BigUint64Array.of(6n, 4096n, 0n, 0n).buffer);
  const words = 1 + argv.length + 1 + envp.length + 1 + 4;
  const strings = new TextEncoder().encode([...argv, ...envp].map((s) => `${s}\0`).join(''));
  const bytes = new Uint8Array(256);
  const view = new DataView(bytes.buffer);
  let string = 0x1000 + 64 + words * 8;
  bytes.set(strings, 64 + words * 8);
  const pointer = (text: string): bigint => {
    string += text.length + 1;
    return BigInt(string - text.length - 1);
  };
  const values = [BigInt(argv.length), ...argv.map(pointer), 0n, ...envp.map(pointer), 0n];
  values.forEach((value, i) => view.setBigUint64(64 + i * 8, value, true));
  bytes.set(auxv, 64 + values.length * 8);
  return { bytes, auxv };
}

const layouts: [string[], string[], string, string][] = [
  [['a', 'bc'], ['X=1', 'Y=2'], 'a\0bc\0', 'X=1\0Y=2\0'],
  [['a'], [], 'a\0', ''],
  [[], ['X=1'], '', 'X=1\0'],
  [[], [], '', ''],
];
for (const [argv, envp, args, environment] of layouts) {
  test(`${argv.length} arguments and ${envp.length} variables are found`, () => {
    const { bytes, auxv } = layOut(argv, envp);
    const read = (addr: number, length: number) =>
      bytes.subarray(addr - 0x1000, addr - 0x1000 + length);
    const found = findInitialStack({ start: 0x1000, end: 0x1100 }, auxv, read);
    if (found === null) return assert.unreachable();
    const text = (start: number, end: number): string =>
      new TextDecoder().decode(bytes.subarray(start - 0x1000, end - 0x1000));
    assert.is(found.startStack, 0x1040);
    if (argv.length > 0) assert.is(text(found.argStart, found.argEnd), args);
    assert.is(text(found.envStart, found.envEnd), environment);
  });
}

test('a stack without the vector, or not dumped, has no arguments', () => {
  const { auxv } = layOut(['a'], []);
  const where = { start: 0x1000, end: 0x1100 };
  assert.is(
    findInitialStack(where, auxv, (_, length) => new Uint8Array(length)),
    null,
  );
  assert.is(
    findInitialStack(where, auxv, () => null),
    null,
  );
  assert.is(
    findInitialStack(where, new Uint8Array(0), () => null),
    null,
  );
});

test('the executable of the core is told from another build of it', () => {
  const core = readCore(exampleCore());
  const bytes = exampleExecutable().read(0, 1 << 20);
  assert.ok(isFileOfCore(core, PATH, new BytesSource('x', bytes)));
  const other = bytes.slice();
  other[0x250] = (other[0x250] ?? 0) ^ 1; // in its build id
  assert.not.ok(isFileOfCore(core, PATH, new BytesSource('x', other)));
  assert.not.ok(isFileOfCore(core, PATH, new BytesSource('x', new Uint8Array(0))));
});

test('each file is asked for once', () => {
  const asked: string[] = [];
  const files = openCoreFiles(readCore(exampleCore()), (path) => {
    asked.push(path);
    return exampleExecutable();
  });
  assert.equal(asked, [PATH]);
  assert.equal([...files.keys()], [PATH]);
});

test('permissions that a core does not say come from its files, or are r-x', () => {
  const row = (page: number, path: string, i: number) => ({
    start: 0x10000 + i * 0x1000,
    end: 0x11000 + i * 0x1000,
    page,
    path,
  });
  const files = [row(0, PATH, 0), row(1, PATH, 1), row(2, PATH, 2), row(0, '/missing', 3)];
  const core = readCore(new BytesSource('core', buildCore({ loads: [], files })));
  const completed = completePermissions(core, new Map([[PATH, exampleExecutable()]]));
  assert.equal(
    completed.mappings.map(({ perms }) => perms),
    ['r--', 'r-x', 'r--', 'r-x'],
  );
});

test.run();
