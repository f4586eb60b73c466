// examples/guest: made again they are the same programs; crash prints here what it prints under qemu.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { ROOT } from '../house/tree.js';
import { exampleProgram } from './example.js';
import { missingCross, missingTool, runGuest } from './programs.js';

const test = suite('guest/crash');
const dir = mkdtempSync(join(tmpdir(), 'procmem-crash-'));
const cross = missingCross();
const qemu = missingTool('qemu-riscv64');
const committed = join(dir, 'crash');
writeFileSync(committed, await exampleProgram('crash'), { mode: 0o755 });

function define(title: string, why: string | null, body: () => Promise<void> | void): void {
  if (why === null) return void test(title, body);
  console.log(`SKIPPED guest/crash, ${title}: ${why}`);
  test.skip(title);
}

/** What it prints under qemu, without qemu's own word on the signal. */
function underQemu(path: string): string {
  const { stderr } = spawnSync('qemu-riscv64', [path]);
  return stderr.toString().replace(/^qemu: uncaught target signal.*\n/m, '');
}

define('it prints what it prints under qemu, to the byte', qemu, async () => {
  const { output, status } = await runGuest(committed);
  assert.is(status, 128 + 11);
  assert.is(output, underQemu(committed));
  assert.match(output, /priceOf\n.*costOf\n.*printBill\n.*main\n/);
});

define('made from its source it prints the same', cross ?? qemu, async () => {
  const { status, stderr } = spawnSync('sh', [join(ROOT, 'examples/guest/make-crash.sh'), dir]);
  assert.is(status, 0, stderr.toString());
  const made = join(dir, 'made');
  const unpacked = spawnSync('gzip', ['-dc', join(dir, 'crash.gz')]).stdout;
  writeFileSync(made, unpacked, { mode: 0o755 });
  const { output } = await runGuest(made);
  assert.is(output, underQemu(made));
  const names = (text: string): string[] => text.match(/(?<=@ 0x\S+ {2}).*/g) ?? [];
  assert.equal(names(output), names(underQemu(committed)));
  // Another release of the compiler may choose other instructions.
  const same = readFileSync(committed).equals(unpacked);
  if (!same) console.log('NOTE this compiler makes other bytes than are committed');
});

define('so does the program to talk to, which is told nothing', cross, async () => {
  const { status, stderr } = spawnSync('sh', [join(ROOT, 'examples/guest/make-look.sh'), dir]);
  assert.is(status, 0, stderr.toString());
  const [made, look] = [join(dir, 'made-look'), join(dir, 'look')];
  writeFileSync(made, spawnSync('gzip', ['-dc', join(dir, 'look.gz')]).stdout, { mode: 0o755 });
  writeFileSync(look, await exampleProgram('look'), { mode: 0o755 });
  const [first, second] = [await runGuest(made), await runGuest(look)];
  assert.match(first.output, 'maps');
  assert.is(first.output, second.output);
  assert.is(first.status, second.status);
});

test.after(() => rmSync(dir, { recursive: true }));

test.run();
