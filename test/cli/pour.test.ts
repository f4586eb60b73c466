import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { OutputFile, type PlacedBytes } from '../../src/cli/output-file.js';
import { BUFFERS, pour } from '../../src/cli/pour.js';
import { Progress } from '../../src/cli/progress.js';
import type { HostBatch } from '../../src/live/host-pages.js';

const test = suite('cli/pour');
const dir = mkdtempSync(join(tmpdir(), 'procmem-pour-'));
test.after(() => rmSync(dir, { recursive: true }));
const path = join(dir, 'out');
const SIZE = 2 ** 18;
const COUNT = 40;
const io = { out: () => {}, err: () => {}, color: false, columns: 80 };
const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

/** A file whose writes are counted, and begin when they are let. */
class SlowFile extends OutputFile {
  under = 0;
  most = 0;
  fails = -1;
  written = 0;

  override async putAsync(placed: PlacedBytes): Promise<void> {
    this.under += 1;
    this.most = Math.max(this.most, this.under);
    if (this.written === this.fails) throw new Error('the disk is full');
    await pause();
    this.put(placed);
    this.written += 1;
    this.under -= 1;
  }
}

/** Batches with their number in every byte, and how many were read when each was placed. */
async function poured(
  file: SlowFile,
  failsAt = Infinity,
): Promise<{ done: boolean; ahead: number }> {
  let [read, placed, ahead] = [0, 0, 0];
  async function* batches(
    take: () => Promise<Uint8Array>,
  ): AsyncGenerator<HostBatch<null>, void, void> {
    for (; read < COUNT;) {
      const bytes = await take();
      if (read === failsAt) throw new Error('the process has ended');
      bytes.fill(read + 1);
      read += 1;
      yield { bytes, pieces: [] };
    }
  }
  const done = await pour<null>({
    batches,
    buffers: Array.from({ length: BUFFERS }, () => new Uint8Array(SIZE)),
    place: ({ bytes }) => {
      assert.is(bytes[0], placed + 1);
      ahead = Math.max(ahead, read - placed);
      placed += 1;
      return [{ offset: (placed - 1) * SIZE, bytes }];
    },
    file,
    progress: new Progress(io, 'test', 1),
  });
  return { done, ahead };
}

test('every batch arrives whole, one write at a time, though buffers are used again', async () => {
  const file = new SlowFile(path, { replace: true });
  const { done, ahead } = await poured(file);
  file.complete(COUNT * SIZE);
  file.close();
  assert.is(done, true);
  assert.is(file.most, 1);
  assert.is(ahead, 2, 'the next is read before this one is placed');
  const bytes = readFileSync(path);
  for (let i = 0; i < COUNT; i++) {
    const part = bytes.subarray(i * SIZE, (i + 1) * SIZE);
    assert.ok(
      part.every((byte) => byte === i + 1),
      `batch ${i}`,
    );
  }
});

for (const at of [0, 1, COUNT - 1]) {
  test(`a read that fails at ${at} ends it, after what was read is written`, async () => {
    const file = new SlowFile(path, { replace: true });
    await poured(file, at).then(
      () => assert.unreachable(),
      ({ message }: Error) => {
        assert.is(message, 'the process has ended');
      },
    );
    assert.is(file.under, 0);
    assert.is(file.written, at);
    file.close();
  });

  test(`a write that fails at ${at} ends it, and no other follows`, async () => {
    const file = new SlowFile(path, { replace: true });
    file.fails = at;
    await poured(file).then(
      () => assert.unreachable(),
      ({ message }: Error) => {
        assert.is(message, 'the disk is full');
      },
    );
    assert.is(file.written, at);
    file.close();
  });
}

test('an interrupt ends it between two batches, and its handlers are gone after it', async () => {
  const file = new SlowFile(path, { replace: true });
  const handlers = process.listenerCount('SIGTERM');
  const running = poured(file);
  await pause();
  process.emit('SIGTERM', 'SIGTERM');
  assert.is((await running).done, false);
  file.close();
  assert.ok(file.written < COUNT);
  assert.is(process.listenerCount('SIGTERM'), handlers);
});

test.run();
