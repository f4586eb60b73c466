import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { Random } from '../../src/kernel/random.js';
import { Machine } from '../../src/machine.js';

const test = suite('kernel/random');

function bytesOf(random: Random, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  random.fill(bytes);
  return bytes;
}

test('a seed gives the same bytes every time, another one others', () => {
  for (const seed of [0, 1, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
    const [a, b] = [new Random(seed), new Random(seed)];
    assert.equal(bytesOf(a, 1001), bytesOf(b, 1001));
    assert.not.equal(bytesOf(a, 16), bytesOf(new Random(seed + 3), 16));
  }
});

test('bytes of a seed are spread evenly', () => {
  const counts = new Array<number>(256).fill(0);
  for (const byte of bytesOf(new Random(1), 256 * 400)) counts[byte] = (counts[byte] ?? 0) + 1;
  // Five and a half standard deviations.
  for (const count of counts) assert.ok(Math.abs(count - 400) < 110, String(count));
});

test('without a seed they are the host’s, of any length', () => {
  const random = new Random(null);
  assert.not.equal(bytesOf(random, 32), bytesOf(random, 32));
  const long = bytesOf(random, 200_000);
  assert.ok(long.subarray(-64).some((byte) => byte !== 0));
});

test('all that programs find random comes from the seed', async () => {
  const seen = async (seed?: number): Promise<string[]> => {
    const machine = await Machine.create(seed === undefined ? {} : { seed });
    const task = machine.spawn({ argv: ['x'] });
    const place = Number(task.mmap({ length: 4096, prot: 3 }));
    assert.is(machine.syscall(task, 'getrandom', [place, 32, 0]), 32);
    const file = task.open('/dev/urandom');
    const read = new Uint8Array(32);
    assert.is(file.read(read), 32);
    file.close();
    const texts = ['boot_id', 'uuid', 'boot_id'].map((name) =>
      task.readText(`/proc/sys/kernel/random/${name}`),
    );
    assert.is(texts[0], texts[2]);
    const random = Array.from(task.load(place, 32)).join();
    task.exit();
    return [...texts, random, read.join()];
  };
  const [first = ''] = await seen();
  assert.match(first, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\n$/);
  assert.equal(await seen(5), await seen(5));
  assert.not.equal(await seen(5), await seen(6));
  assert.not.equal(await seen(), await seen());
});

test.run();
