import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { IMAGE_LAYOUT } from '../../assembly/abi/layout.js';
import { Machine } from '../../src/machine.js';
import {
  FORMAT_VERSION,
  SECTION_FRAME_TABLE,
  SECTION_FRAMES,
  SECTION_STATE,
} from '../../src/snapshot/container.js';
import { SnapshotError, type SnapshotErrorCode } from '../../src/snapshot/error.js';
import { bordersOf, forge, sectionsOf } from './forge.js';
import { dice, live } from './life.js';

const test = suite('snapshot/hostile');

async function someSnapshot(): Promise<Uint8Array> {
  const machine = await Machine.create({ yama: 1 });
  machine.spawn({ comm: 'a', uid: 1000 });
  machine.spawn({ comm: 'b' });
  live(machine, dice(42), 150);
  return machine.snapshot();
}

const snapshot = await someSnapshot();

async function refusal(bytes: Uint8Array): Promise<SnapshotError> {
  let machine: Machine;
  try {
    machine = await Machine.restore(bytes);
  } catch (error) {
    if (error instanceof SnapshotError) return error;
    throw error;
  }
  throw new Error(`accepted, with ${machine.stats().tasks} tasks`);
}

test('one cut short anywhere is refused by where it ends', async () => {
  const borders = bordersOf(snapshot).flatMap((at) => [at - 1, at, at + 1]);
  for (const end of borders.filter((at) => at >= 0 && at < snapshot.length)) {
    const { code, offset } = await refusal(snapshot.subarray(0, end));
    const expected: SnapshotErrorCode = end === 0 ? 'NOT_A_SNAPSHOT' : 'CUT_SHORT';
    assert.is(code, expected, `at ${end}`);
    assert.is(offset, end);
  }
});

test('one with bytes behind it is refused', async () => {
  const longer = new Uint8Array(snapshot.length + 4096);
  longer.set(snapshot);
  assert.is((await refusal(longer)).code, 'CUT_SHORT');
});

test('a flipped bit in any section is refused by the section it is in', async () => {
  for (const { offset, length } of sectionsOf(snapshot)) {
    const places = [0, 1, length >> 1, length - 1];
    // Of what fills up the last page too.
    if (length % 4096 !== 0) places.push(length);
    for (const place of places) {
      const changed = snapshot.slice();
      changed[offset + place]! ^= 1 << (place & 7);
      const error = await refusal(changed);
      assert.is(error.code, 'CORRUPT');
      assert.is(error.offset, offset, error.message);
    }
  }
});

test('a flipped bit anywhere else is refused', async () => {
  const roll = dice(5);
  const [first] = sectionsOf(snapshot);
  const table = bordersOf(snapshot).at(-2)!;
  for (let i = 0; i < 150; i++) {
    const outside = i % 2 === 0 ? roll(first!.offset) : table + roll(snapshot.length - table);
    const changed = snapshot.slice();
    changed[i < 100 ? outside : roll(changed.length)]! ^= 1 << roll(8);
    await refusal(changed);
  }
});

test('one of another version is refused by what is of which version', async () => {
  for (const [at, what, version] of [
    [8, 'format', FORMAT_VERSION],
    [12, 'layout', IMAGE_LAYOUT],
  ] as const) {
    const other = snapshot.slice();
    other[at]! += 1;
    const error = await refusal(other);
    assert.is(error.code, 'VERSION');
    assert.is(error.offset, at);
    const told = `its ${what} is version ${version + 1}; this library reads ${version}`;
    assert.ok(error.message.includes(told), error.message);
  }
});

test('a forged one runs nothing, reaches no prototype, and ends', async () => {
  const roll = dice(99);
  let accepted = 0;
  const before = [Object.prototype, Array.prototype, Map.prototype].map((each) =>
    Object.getOwnPropertyNames(each).join(),
  );
  for (let i = 0; i < 400; i++) {
    const kind = [SECTION_STATE, SECTION_STATE, SECTION_FRAME_TABLE, SECTION_FRAMES][i % 4]!;
    const changed = forge(snapshot, kind, (bytes) => {
      for (let n = 0; n <= roll(4); n++) bytes[roll(bytes.length)] = roll(256);
    });
    try {
      const machine = await Machine.restore(changed);
      accepted += 1;
      // A byte of a page or of a name may be any other: those are machines.
      assert.equal(machine.check(), []);
    } catch (error) {
      if (!(error instanceof SnapshotError)) throw error;
      assert.is.not(error.code, 'VERSION');
    }
  }
  const after = [Object.prototype, Array.prototype, Map.prototype].map((each) =>
    Object.getOwnPropertyNames(each).join(),
  );
  assert.equal(after, before);
  assert.ok(accepted < 400);
});

test('fields and names that a forger would like are refused', async () => {
  const encoder = new TextEncoder();
  /** Puts a name of the same length in place of one in the state. */
  const renamed = (from: string, to: string): Uint8Array =>
    forge(snapshot, SECTION_STATE, (bytes) => {
      const old = encoder.encode(from);
      const at = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf(old);
      assert.ok(at > 0, from);
      bytes.set(encoder.encode(to), at);
    });
  const names: readonly [string, string][] = [
    ['TaskStruct', 'TaskStruck'],
    ['startBrk', '__proto_'],
    ['startCode', '__proto__'],
    ['envStart', 'toString'],
    ['defFlags', 'copyFrom'],
    ['tmpfs/file', 'tmpfs/fill'],
  ];
  for (const [from, to] of names) {
    // A field with an unknown name is a field too many, which hurts nobody.
    if (to === '__proto_') continue;
    assert.is((await refusal(renamed(from, to))).code, 'CORRUPT', `${from} as ${to}`);
  }
});

test.run();
