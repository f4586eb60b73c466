import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { Names } from '../../src/trace/names.js';
import { placeArgs, SCRATCH_SIZE, SCRATCH_START } from '../../src/trace/scratch.js';

const test = suite('trace/scratch');

const text = (...bytes: number[]): Uint8Array => Uint8Array.from(bytes);

test('places strings with a NUL, 8-byte aligned, one behind the other', () => {
  const { registers, image } = placeArgs(
    [
      { kind: 'str', text: 'abc' },
      { kind: 'in', bytes: text(1, 2) },
    ],
    new Names(),
  );
  assert.equal(registers, [BigInt(SCRATCH_START), BigInt(SCRATCH_START) + 8n]);
  assert.equal([...image.subarray(0, 10)], [97, 98, 99, 0, 0, 0, 0, 0, 1, 2]);
});

test('replaces ${NAME} by the value in decimal', () => {
  const names = new Names();
  names.bind('B.pid', 1234n);
  const { image } = placeArgs([{ kind: 'str', text: '/proc/${B.pid}/mem' }], names);
  assert.is(new TextDecoder().decode(image.subarray(0, 14)), '/proc/1234/mem');
});

test('a name bound to a failure is minus one', () => {
  const names = new Names();
  names.bind('fd', -1n);
  assert.is(names.substitute('${fd}'), '-1');
  assert.equal(placeArgs([{ kind: 'ref', name: 'fd' }], names).registers, [(1n << 64n) - 1n]);
});

test('lists out buffers in the order of the arguments, those inside an iov included', () => {
  const { registers, outs, image } = placeArgs(
    [
      { kind: 'out', length: 5 },
      {
        kind: 'iov',
        segments: [
          { base: { kind: 'out', length: 16 }, length: { kind: 'value', value: 16n } },
          { base: { kind: 'value', value: 0n }, length: { kind: 'value', value: 0n } },
        ],
      },
    ],
    new Names(),
  );
  assert.equal(outs, [
    { addr: SCRATCH_START, length: 5 },
    { addr: SCRATCH_START + 40, length: 16 },
  ]);
  assert.is(registers[1], BigInt(SCRATCH_START) + 8n);
  const view = new DataView(image.buffer);
  assert.is(view.getBigUint64(8, true), BigInt(SCRATCH_START) + 40n);
  assert.is(view.getBigUint64(16, true), 16n);
});

test('refuses arguments beyond the scratch mapping', () => {
  const out = { kind: 'out', length: SCRATCH_SIZE } as const;
  assert.is(placeArgs([out], new Names()).outs.length, 1);
  assert.throws(() => placeArgs([out, { kind: 'out', length: 1 }], new Names()), RangeError);
});

test.run();
