import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
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

test('a core of 4 GB costs a command under a second, and only the pages it looks at', async () => {
  const regs = new Uint8Array(216);
  const numbers = { ppid: 1, pgrp: 1, sid: 1, tid: 7, signal: 11, pending: 0n, blocked: 0n };
  const size = 2 ** 26;
  const segments = Array.from({ length: 64 }, (_, i) => ({
    vaddr: BigInt(2 ** 32 + i * (size + 4096)),
    ...{ memsz: size, filesz: size, flags: 6 },
    contents: () => [],
  }));
  const file = new CoreFile({
    notes: [encodePrstatus({ ...numbers, regs, hasFpregs: false })],
    segments,
  });
  const path = join(directory, 'sparse');
  const fd = openSync(path, 'w');
  for (const { offset, bytes } of file.chunks()) writeSync(fd, bytes, 0, bytes.length, offset);
  writeSync(fd, 'needle', file.size - 6);
  closeSync(fd);
  assert.ok(file.size > 2 ** 32);
  const last = `0x${(2 ** 32 + 63 * (size + 4096) + size - 6).toString(16)}`;
  const lines = ['info', 'maps', 'maps --proc', 'explain --uid 0', `read ${last} 6 --raw`];
  for (const line of lines) {
    const before = process.cpuUsage();
    let [out, err] = ['', ''];
    const status = await runCommand([...line.split(' '), '-c', path], {
      out: (text) => void (out += typeof text === 'string' ? text : Buffer.from(text).toString()),
      err: (text) => void (err += text),
      ...{ color: false, columns: 80 },
    });
    const { user, system } = process.cpuUsage(before);
    assert.is(status, 0, err);
    if (line.startsWith('read')) assert.is(out, 'needle');
    // Time of the processor, in microseconds: others may keep the computer busy.
    assert.ok(user + system < 1e6, `${line}: ${user + system} µs`);
  }
});

test.run();
