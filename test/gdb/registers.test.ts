// Registers of three processors: where they lie, how they are seen, and that gdb takes them.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { suite } from 'uvu';

import { architectureOf } from '../../src/gdb/arch.js';
import { registersOf, targetXml } from '../../src/gdb/registers.js';
import type { RegisterBlock, Target, TargetArch } from '../../src/gdb/target.js';
import { debugged, hex, PacketClient } from './client.js';

const test = suite('gdb/registers');
const ARCHES: readonly TargetArch[] = ['x86_64', 'aarch64', 'riscv64'];

/** Bytes of the notes that a core has of the registers. */
const SIZES: Readonly<Record<TargetArch, Readonly<Record<RegisterBlock, number>>>> = {
  x86_64: { general: 27 * 8, float: 512 },
  aarch64: { general: 34 * 8, float: 528 },
  riscv64: { general: 32 * 8, float: 264 },
};

/** One thread whose registers are arrays: the protocol asks no more of a target. */
class RegisterTarget {
  readonly initial = 1;
  readonly files = {} as Target['files'];
  readonly blocks: Record<RegisterBlock, Uint8Array | null>;
  readonly #arch: TargetArch;

  constructor(arch: TargetArch) {
    this.#arch = arch;
    const { general, float } = SIZES[arch];
    this.blocks = { general: numbered(general, 1), float: numbered(float, 101) };
  }

  processes = () => [{ pid: 1, ppid: 0, arch: this.#arch, user: '0', command: '' }];
  threads = () => [{ tid: 1, name: '', signal: 0 }];
  registers = (_tid: number, block: RegisterBlock) => this.blocks[block]?.slice() ?? null;
  setRegisters = (_tid: number, block: RegisterBlock, bytes: Uint8Array) => {
    this.blocks[block] = bytes;
  };
}

/** Bytes no two neighbours of which are alike. */
function numbered(length: number, first: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (first + i * 7) & 0xff);
}

function open(arch: TargetArch): { target: RegisterTarget; client: PacketClient } {
  const target = new RegisterTarget(arch);
  return { target, client: new PacketClient(target as unknown as Target) };
}

const numberOf = (arch: TargetArch, name: string): number =>
  registersOf(architectureOf(arch)).findIndex((register) => register.name === name);

/** Numbers that gdb's own descriptions give: gdb/features/. */
const numbers: [TargetArch, string, number][] = [
  ['x86_64', 'rax', 0],
  ['x86_64', 'rip', 16],
  ['x86_64', 'st0', 24],
  ['x86_64', 'fop', 39],
  ['x86_64', 'xmm0', 40],
  ['x86_64', 'mxcsr', 56],
  ['x86_64', 'orig_rax', 57],
  ['x86_64', 'fs_base', 58],
  ['x86_64', 'gs_base', 59],
  ['aarch64', 'sp', 31],
  ['aarch64', 'pc', 32],
  ['aarch64', 'cpsr', 33],
  ['aarch64', 'v0', 34],
  ['aarch64', 'fpsr', 66],
  ['aarch64', 'fpcr', 67],
  ['riscv64', 'zero', 0],
  ['riscv64', 'fp', 8],
  ['riscv64', 'pc', 32],
  ['riscv64', 'ft0', 33],
  ['riscv64', 'ft11', 64],
  ['riscv64', 'fcsr', 67],
];

for (const [arch, name, number] of numbers) {
  test(`${arch}: ${name} has the number ${number}`, () => assert.is(numberOf(arch, name), number));
}

/** Offsets in the notes: struct user_regs_struct and its like. */
const places: [TargetArch, string, RegisterBlock, number, number][] = [
  ['x86_64', 'rax', 'general', 80, 8],
  ['x86_64', 'rip', 'general', 128, 8],
  ['x86_64', 'rsp', 'general', 152, 8],
  ['x86_64', 'eflags', 'general', 144, 4],
  ['x86_64', 'gs', 'general', 208, 4],
  ['x86_64', 'orig_rax', 'general', 120, 8],
  ['x86_64', 'fs_base', 'general', 168, 8],
  ['x86_64', 'st7', 'float', 144, 10],
  ['x86_64', 'xmm15', 'float', 400, 16],
  ['x86_64', 'mxcsr', 'float', 24, 4],
  ['aarch64', 'x30', 'general', 240, 8],
  ['aarch64', 'pc', 'general', 256, 8],
  ['aarch64', 'cpsr', 'general', 264, 4],
  ['aarch64', 'v31', 'float', 496, 16],
  ['aarch64', 'fpcr', 'float', 516, 4],
  ['riscv64', 'pc', 'general', 0, 8],
  ['riscv64', 'ra', 'general', 8, 8],
  ['riscv64', 't6', 'general', 248, 8],
  ['riscv64', 'ft11', 'float', 248, 8],
  ['riscv64', 'fcsr', 'float', 256, 4],
];

for (const [arch, name, block, offset, size] of places) {
  test(`${arch}: ${name} lies at ${offset} of the ${block} registers`, () => {
    const { target, client } = open(arch);
    const stored = (): string =>
      [...(target.blocks[block] ?? new Uint8Array()).subarray(offset, offset + size)]
        .map(byteText)
        .join('');
    const number = hex(numberOf(arch, name));
    assert.is(client.ask(`p${number}`), stored());
    const value = 'a5'.repeat(size);
    assert.is(client.ask(`P${number}=${value}`), 'OK');
    assert.is(stored(), value);
    assert.is(client.ask(`p${number}`), value);
  });
}

const byteText = (byte: number): string => hex(byte).padStart(2, '0');

for (const arch of ARCHES) {
  test(`${arch}: g is every register, and G brings them back`, () => {
    const { target, client } = open(arch);
    const registers = registersOf(architectureOf(arch));
    const all = client.ask('g');
    assert.is(all, registers.map((_, i) => client.ask(`p${hex(i)}`)).join(''));
    assert.is(all.length, 2 * registers.reduce((sum, { size }) => sum + size, 0));
    for (const block of ['general', 'float'] as const) target.blocks[block]?.fill(0);
    assert.is(client.ask(`G${all}`), 'OK');
    // The x87's tag word depends on the values that are stored beside it.
    if (arch !== 'x86_64') assert.is(client.ask('g'), all);
  });

  test(`${arch}: registers that are not known are x`, () => {
    const { target, client } = open(arch);
    target.blocks.float = null;
    const reply = client.ask('g');
    assert.match(reply, /^[0-9a-f]+(x|[0-9a-f])*$/);
    assert.match(reply, 'xxxxxxxx');
    const unknown = registersOf(architectureOf(arch)).findIndex(({ block }) => block === 'float');
    assert.match(client.ask(`p${hex(unknown)}`), /^x+$/);
    const { size } = registersOf(architectureOf(arch))[unknown] ?? { size: 0 };
    assert.is(client.ask(`P${hex(unknown)}=${'00'.repeat(size)}`), 'E01');
  });
}

test('fflags and frm are parts of fcsr', () => {
  const { target, client } = open('riscv64');
  const at = (name: string): string => hex(numberOf('riscv64', name));
  target.blocks.float?.set([0b1011_0101, 0, 0, 0], 256);
  assert.is(client.ask(`p${at('fflags')}`), '15000000');
  assert.is(client.ask(`p${at('frm')}`), '05000000');
  client.ask(`P${at('fflags')}=0a000000`);
  client.ask(`P${at('frm')}=02000000`);
  assert.is(client.ask(`p${at('fcsr')}`), '4a000000');
});

test('x0 stays zero', () => {
  const { client } = open('riscv64');
  assert.is(client.ask('p0'), '0000000000000000');
  assert.is(client.ask('P0=0100000000000000'), 'OK');
  assert.is(client.ask('p0'), '0000000000000000');
});

/** The ten bytes of an x87 register, and its tag: 0 valid, 1 zero, 2 special. */
const x87: [what: string, bytes: number[], tag: number][] = [
  ['one', [0, 0, 0, 0, 0, 0, 0, 0x80, 0xff, 0x3f], 0],
  ['zero', [0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 1],
  ['minus zero', [0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80], 1],
  ['infinity', [0, 0, 0, 0, 0, 0, 0, 0x80, 0xff, 0x7f], 2],
  ['a denormal', [1, 0, 0, 0, 0, 0, 0, 0, 0, 0], 2],
  ['an unnormal', [0, 0, 0, 0, 0, 0, 0, 0x40, 0xff, 0x3f], 2],
];

for (const [what, bytes, tag] of x87) {
  test(`the tag of ${what} follows from its value, wherever the stack's top is`, () => {
    const { target, client } = open('x86_64');
    const number = hex(numberOf('x86_64', 'ftag'));
    for (let top = 0; top < 8; top++) {
      const fxsave = new Uint8Array(512);
      fxsave[3] = top << 3;
      fxsave[4] = 1 << 6;
      fxsave.set(bytes, 32 + 16 * ((6 - top) & 7));
      target.blocks.float = fxsave;
      const word = (0xffff & ~(3 << 12)) | (tag << 12);
      const expected = byteText(word & 0xff) + byteText(word >> 8) + '0000';
      assert.is(client.ask(`p${number}`), expected);
      client.ask(`P${number}=${expected}`);
      assert.is(target.blocks.float?.[4], 1 << 6);
    }
  });
}

const bad = [
  'p',
  'pzz',
  'p3c',
  'pffffffffffffffff',
  'P0',
  'P0=',
  'P0=00',
  'P0=zz',
  'P3c=00',
  'Gzz',
];

test('a register that is none, or a value of another size, is refused', () => {
  const { client } = open('x86_64');
  for (const request of bad) assert.match(client.ask(request), /^E/, request);
  assert.is(client.ask(`G${'zz'.repeat(8)}`), 'E16');
});

test('a task’s registers change as ptrace would change them', async () => {
  const { client } = await debugged();
  const at = (name: string): string => hex(numberOf('x86_64', name));
  assert.is(client.ask(`P${at('rip')}=0102030405060708`), 'OK');
  assert.is(client.ask(`p${at('rip')}`), '0102030405060708');
  assert.is(client.ask(`p${at('fctrl')}`), '7f030000');
  // A kernel's code segment, and an address no base may have.
  assert.is(client.ask(`P${at('cs')}=10000000`), 'E05');
  assert.is(client.ask(`P${at('fs_base')}=00000000000000ff`), 'E05');
  assert.is(client.ask(`P${at('eflags')}=ffffffff`), 'OK');
  assert.is(client.ask(`p${at('eflags')}`), 'd74f0500');
});

const multiarch = spawnSync('gdb-multiarch', ['--version']);
if (multiarch.status !== 0) console.log('SKIPPED gdb/registers: gdb-multiarch is not installed');
else {
  const directory = mkdtempSync(join(tmpdir(), 'procmem-gdb-'));
  test.after(() => rmSync(directory, { recursive: true, force: true }));

  for (const arch of ARCHES) {
    test(`gdb takes the description of ${arch} as its own`, () => {
      const { name } = architectureOf(arch);
      const file = join(directory, `${arch}.xml`);
      writeFileSync(file, targetXml(architectureOf(arch)));
      const commands = [
        `set tdesc filename ${file}`,
        'show architecture',
        'maint print remote-registers',
      ];
      const { stdout, stderr } = spawnSync(
        'gdb-multiarch',
        ['-nx', '-batch', ...commands.flatMap((command) => ['-ex', command])],
        { encoding: 'utf8', timeout: 60_000 },
      );
      assert.is(stderr, '');
      assert.match(stdout, `currently "${name}"`);
      let offset = 0;
      registersOf(architectureOf(arch)).forEach(({ name: register, size }, number) => {
        const own = `^ ${register} +\\d+ +\\d+ +\\d+ +${size} \\S+`;
        assert.match(stdout, new RegExp(`${own} +${number} +${offset} *$`, 'm'), register);
        offset += size;
      });
    });
  }
}

test.run();
