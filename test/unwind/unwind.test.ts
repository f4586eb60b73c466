import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { suite } from 'uvu';

import type { MapsLine } from '../../src/unwind/maps.js';
import { findLine, parseMaps } from '../../src/unwind/maps.js';
import { RBP, registersFromUser, RIP, RSP } from '../../src/unwind/registers.js';
import { unwind } from '../../src/unwind/unwind.js';
import { ExampleProcess } from './process.js';

const test = suite('unwind/unwind');

const maps = parseMaps(
  '1000-2000 r-xp 00000000 00:00 0 /bin/x\n8000-9000 rw-p 00000000 00:00 0 \n',
);

/** Memory of words at addresses, and a trace through it from rip, rsp and rbp. */
function traceOf(
  words: Record<number, number>,
  [rip, rsp, rbp]: [number, number, number],
  limit?: number,
): { pcs: number[]; by: string[]; end: string } {
  const read = (addr: number, length: number): Uint8Array | null => {
    const word = words[addr];
    if (word === undefined || length > 8) return null;
    return new Uint8Array(BigUint64Array.of(BigInt(word)).buffer).slice(0, length);
  };
  const registers = Array<bigint | null>(17).fill(null);
  registers[RIP] = BigInt(rip);
  registers[RSP] = BigInt(rsp);
  registers[RBP] = BigInt(rbp);
  const { frames, end } = unwind(registers, { read, maps }, limit);
  return { pcs: frames.map(({ pc }) => Number(pc)), by: frames.map(({ by }) => by), end };
}

test('frame pointers are followed where there is no call-frame information', () => {
  const words = { 0x8100: 0x8200, 0x8108: 0x1200, 0x8200: 0, 0x8208: 0 };
  assert.equal(traceOf(words, [0x1100, 0x8080, 0x8100]), {
    pcs: [0x1100, 0x1200],
    by: ['registers', 'frame pointer'],
    end: 'no call-frame information and no frame pointer',
  });
});

test('a call through a null pointer leaves its return address on the stack', () => {
  const { pcs, by } = traceOf({ 0x8080: 0x1200 }, [0, 0x8080, 0]);
  assert.equal(pcs, [0, 0x1200]);
  assert.equal(by, ['registers', 'return address']);
});

const ends: [string, Record<number, number>, [number, number, number], string][] = [
  ['a frame pointer below the stack', {}, [0x1100, 0x8100, 0x8000], 'no call-frame'],
  ['a frame pointer that is odd', {}, [0x1100, 0x8000, 0x8101], 'no call-frame'],
  ['a return address in data', { 0x8100: 0, 0x8108: 0x8200 }, [0x1100, 0x8000, 0x8100], 'no call'],
  ['a program counter that is nowhere', {}, [0x5000, 0x8000, 0], 'the program counter is nowhere'],
];
for (const [what, words, registers, end] of ends) {
  test(`${what} ends the trace`, () => {
    const trace = traceOf(words, registers);
    assert.is(trace.pcs.length, 1);
    assert.ok(trace.end.startsWith(end), trace.end);
  });
}

test('frame pointers that lead in a circle end the trace', () => {
  const words = { 0x8100: 0x8100, 0x8108: 0x1200 };
  const trace = traceOf(words, [0x1100, 0x8080, 0x8100]);
  assert.is(trace.pcs.length, 2);
});

test('a trace has at most as many frames as asked for', () => {
  const words: Record<number, number> = {};
  for (let i = 0; i < 100; i++)
    Object.assign(words, { [0x8000 + i * 16]: 0x8010 + i * 16, [0x8008 + i * 16]: 0x1200 });
  const trace = traceOf(words, [0x1100, 0x8000, 0x8000], 10);
  assert.is(trace.pcs.length, 10);
  assert.is(trace.end, 'more than 10 frames');
});

test('the example is unwound by its call-frame information alone', () => {
  const { frames, end } = new ExampleProcess().trace(0);
  assert.equal(
    frames.map(({ by }) => by),
    ['registers', ...Array<string>(7).fill('cfi')],
  );
  assert.equal(
    frames.map(({ exact }) => exact),
    [true, ...Array<boolean>(7).fill(false)],
  );
  assert.is(end, 'outermost frame');
});

test('random damage to call-frame information ends a trace, soon', () => {
  const process = new ExampleProcess();
  const lines = parseMaps(process.memory.maps);
  const registers = registersFromUser(process.core.threads[0]?.regs ?? new Uint8Array(216));
  const table = lines.find(({ path, offset }) => path.endsWith('thumbnail') && offset === 0x2000);
  const damage = fc.array(fc.tuple(fc.nat(0x340), fc.nat(255)), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(damage, (changes) => {
      const read = (addr: number, length: number): Uint8Array | null => {
        const bytes = process.memory.read(addr, length);
        for (const [at, value] of changes) {
          const place = (table?.start ?? 0) + at - addr;
          if (bytes !== null && place >= 0 && place < length) bytes[place] = value;
        }
        return bytes;
      };
      assert.ok(unwind(registers, { read, maps: lines }).frames.length >= 1);
    }),
    { numRuns: 500 },
  );
});

test('lines of maps are read with spaces in paths, and others are passed over', () => {
  const text = [
    '7f0000001000-7f0000002000 r--s 00003000 fd:00 12345                      /tmp/a file (deleted)',
    'nonsense',
    'ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]',
    '',
  ].join('\n');
  const expected: MapsLine[] = [
    {
      start: 0x7f0000001000,
      end: 0x7f0000002000,
      perms: 'r--s',
      offset: 0x3000,
      path: '/tmp/a file (deleted)',
    },
    {
      start: 0xffffffffff600000,
      end: 0xffffffffff601000,
      perms: '--xp',
      offset: 0,
      path: '[vsyscall]',
    },
  ];
  assert.equal(parseMaps(text), expected);
});

test('a line holds its start and not its end', () => {
  assert.is(findLine(maps, 0x1000)?.path, '/bin/x');
  assert.is(findLine(maps, 0x1fff)?.path, '/bin/x');
  assert.is(findLine(maps, 0x2000), null);
  assert.is(findLine(maps, 0xfff), null);
  assert.is(findLine(maps, 0x9000), null);
});

test('registers come in DWARF order from the order of the kernel', () => {
  const words = BigUint64Array.from({ length: 27 }, (_, i) => BigInt(i));
  const registers = registersFromUser(new Uint8Array(words.buffer));
  assert.is(registers[RSP], 19n);
  assert.is(registers[RIP], 16n);
  assert.is(registers[RBP], 4n);
  assert.is(registers[0], 10n);
  assert.throws(
    () => registersFromUser(new Uint8Array(159)),
    /regs: 159 bytes, not the 160 needed/,
  );
});

test.run();
