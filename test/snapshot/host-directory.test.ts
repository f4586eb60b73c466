import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { Machine } from '../../src/machine.js';
import { hostDirectory } from '../../src/node.js';
import { SnapshotError } from '../../src/snapshot/error.js';

const test = suite('snapshot/host-directory');
const PAGE = 4096;

const bad = (value: unknown): never => value as never;

test('directories of the host are given again by their paths', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'procmem-snapshot-'));
  try {
    writeFileSync(join(dir, 'a'), 'x'.repeat(3 * PAGE));
    const machine = await Machine.create();
    machine.mountHost('/mnt/host', hostDirectory(dir));
    const task = machine.spawn();
    const file = task.open('/mnt/host/a');
    file.read(new Uint8Array(PAGE));
    const bytes = machine.snapshot();
    const error = await Machine.restore(bytes).catch((cause: unknown) => cause);
    assert.instance(error, SnapshotError);
    assert.is((error as SnapshotError).code, 'MISSING');
    const none = await Machine.restore(bytes, { hosts: () => null }).catch((why: unknown) => why);
    assert.is((none as SnapshotError).code, 'MISSING');
    const asked: string[] = [];
    const given = (path: string) => {
      asked.push(path);
      return hostDirectory(dir);
    };
    const other = await Machine.restore(bytes, { hosts: given });
    assert.equal(asked, ['/mnt/host']);
    assert.equal(other.task(task.pid)?.readdir('/mnt/host'), ['a']);
    assert.throws(() => hostDirectory(bad(5)), /^path: not a string/);
    const copy = await Machine.restore(bytes, { hosts: { '/mnt/host': hostDirectory(dir) } });
    const again = copy.task(task.pid)!;
    assert.is(again.file(file.fd).read(new Uint8Array(9 * PAGE)), 2 * PAGE, 'from where it was');
    assert.equal(again.readdir('/mnt/host'), ['a']);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test.run();
