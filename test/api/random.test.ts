import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { Machine, type Task } from '../../src/index.js';

const test = suite('api/random');
const SEVENS = (bytes: Uint8Array): void => void bytes.fill(7);

function getrandom(task: Task, length: number): Uint8Array {
  const addr = task.mmap({ length: Math.max(length, 1) });
  assert.is(task.syscall('getrandom', addr, length, 0), length);
  return length === 0 ? new Uint8Array(0) : task.load(addr, length);
}

function urandom(task: Task, length: number): Uint8Array {
  const into = new Uint8Array(length);
  const file = task.open('/dev/urandom');
  assert.is(file.read(into), length);
  file.close();
  return into;
}

for (const length of [0, 1, 16, 4096, 65536, 65537, 200_000]) {
  test(`${length} bytes come from the source that a machine is given, 65,536 at a time`, async () => {
    const asked: number[] = [];
    const random = (bytes: Uint8Array): void => {
      asked.push(bytes.length);
      SEVENS(bytes);
    };
    const machine = await Machine.create({ random });
    const { core } = machine.kernel;
    const before = core.framesInUse;
    const task = machine.spawn();
    const wanted = new Uint8Array(length).fill(7);
    assert.equal(getrandom(task, length), wanted);
    assert.equal(urandom(task, length), wanted);
    assert.is(
      asked.reduce((sum, bytes) => sum + bytes, 0),
      2 * length,
    );
    assert.ok(Math.max(0, ...asked) <= 65536);
    task.exit(0);
    assert.is(core.framesInUse, before);
  });
}

test('without one they are random', async () => {
  const machine = await Machine.create();
  const task = machine.spawn();
  const all = [getrandom(task, 32), getrandom(task, 32), urandom(task, 32)].map(String);
  assert.is(new Set(all).size, 3);
});

test('a machine out of a snapshot has the source that it is given then', async () => {
  const machine = await Machine.create({ random: SEVENS });
  machine.spawn({ comm: 'kept' });
  const bytes = machine.snapshot();
  const same = await Machine.restore(bytes, { random: SEVENS });
  assert.equal(getrandom(same.spawn(), 8), new Uint8Array(8).fill(7));
  const other = (await Machine.restore(bytes)).spawn();
  assert.is.not(String(getrandom(other, 32)), String(getrandom(other, 32)));
});

test('a checkpoint keeps the source', async () => {
  const machine = await Machine.create({ random: SEVENS });
  const checkpoint = machine.checkpoint();
  machine.spawn();
  checkpoint.restore();
  assert.equal(getrandom(machine.spawn(), 8), new Uint8Array(8).fill(7));
});

test('what is no function is refused', async () => {
  for (const random of [7, null, 'x', new Uint8Array(4)]) {
    let said = '';
    await Machine.create({ random: random as never }).catch((error: Error) => {
      said = `${error.name}: ${error.message}`;
    });
    assert.match(said, /^TypeError: random: /);
  }
});

test.run();
