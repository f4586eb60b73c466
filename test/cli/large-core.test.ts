import { closeSync, mkdtempSync, openSync, readSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { suite } from 'uvu';

import { runCommand } from '../../src/cli/run.js';
import { encodePrstatus } from '../../src/elf/core-writer-notes.js';
import { CoreFile } from '../../src/elf/core-writer.js';

const test = suite('cli/large-core');
const directory = mkdtempSync(join(tmpdir(), 'procmem-large-'));
test.after(() => rmSync(directory, { recursive: true, force: true }));

const path = join(directory, 'sparse');
const SIZE = 2 ** 26;
const LAST = `0x${(2 ** 32 + 63 * (SIZE + 4096) + SIZE - 6).toString(16)}`;

/** A core of 4 GiB that is holes but for its last bytes. */
function makeCore(): number {
  const regs = new Uint8Array(216);
  const numbers = { ppid: 1, pgrp: 1, sid: 1, tid: 7, signal: 11, pending: 0n, blocked: 0n };
  const segments = Array.from({ length: 64 }, (_, i) => ({
    vaddr: BigInt(2 ** 32 + i * (SIZE + 4096)),
    ...{ memsz: SIZE, filesz: SIZE, flags: 6 },
    contents: () => [],
  }));
  const file = new CoreFile({
    notes: [encodePrstatus({ ...numbers, regs, hasFpregs: false })],
    segments,
  });
  const fd = openSync(path, 'w');
  for (const { offset, bytes } of file.chunks()) writeSync(fd, bytes, 0, bytes.length, offset);
  writeSync(fd, 'needle', file.size - 6);
  closeSync(fd);
  return file.size;
}

/** Runs a command and gives what it printed, and the time of the processor in microseconds: others may keep it busy. */
async function run(
  argv: string[],
): Promise<{ status: number; out: string; err: string; us: number }> {
  const before = process.cpuUsage();
  let [out, err] = ['', ''];
  const status = await runCommand([...argv, '-c', path], {
    out: (text) => void (out += typeof text === 'string' ? text : Buffer.from(text).toString()),
    err: (text) => void (err += text),
    ...{ color: false, columns: 80 },
  });
  const { user, system } = process.cpuUsage(before);
  return { status, out, err, us: user + system };
}

test('a core of 4 GB costs a command under a second, and only the pages it looks at', async () => {
  assert.ok(makeCore() > 2 ** 32);
  const lines = ['info', 'maps', 'maps --proc', 'explain --uid 0', `read ${LAST} 6 --raw`];
  for (const line of lines) {
    const { status, out, err, us } = await run(line.split(' '));
    assert.is(status, 0, err);
    if (line.startsWith('read')) assert.is(out, 'needle');
    assert.ok(us < 1e6, `${line}: ${us} µs`);
  }
});

test('write keeps the holes, and takes no longer for them than to read zeros', async () => {
  const size = makeCore();
  const patched = join(directory, 'patched');
  const { status, err, us } = await run(['write', LAST, '--text', 'tweedl', '-o', patched]);
  assert.is(status, 0, err);
  const { size: found, blocks } = statSync(patched);
  assert.is(found, size);
  assert.ok(blocks <= 2 * (65536 / 512) + statSync(path).blocks, `${blocks} sectors`);
  assert.ok(us < 8e6, `${us} µs`);
  const fd = openSync(patched, 'r');
  const end = new Uint8Array(6);
  readSync(fd, end, 0, 6, size - 6);
  const [head, expected] = [new Uint8Array(8192), new Uint8Array(8192)];
  readSync(fd, head, 0, 8192, 0);
  closeSync(fd);
  const original = openSync(path, 'r');
  readSync(original, expected, 0, 8192, 0);
  closeSync(original);
  assert.is(Buffer.from(end).toString(), 'tweedl');
  assert.equal(head, expected);
});

test.run();
