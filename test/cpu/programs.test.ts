// The C programs of the bench, compiled here: they end with the same exit code as under qemu.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { compileGuest, GUEST_PROGRAMS, missingCompiler } from '../../bench/guest-programs.js';
import { Mm } from '../../src/mm/mm.js';
import { Core } from '../../src/wasm/core.js';
import { missingQemu, runProgram } from './static-program.js';

const test = suite('cpu/programs');
const core = await Core.create();
const atRest = core.framesInUse;
const why = missingCompiler() ?? missingQemu();
if (why !== null) console.log(`SKIPPED cpu/programs: ${why}`);

for (const name of GUEST_PROGRAMS) {
  const title = `${name} ends as it does under qemu`;
  if (why !== null) {
    test.skip(title);
    continue;
  }
  test(title, () => {
    const dir = mkdtempSync(join(tmpdir(), 'procmem-guest-'));
    try {
      const path = compileGuest(name, dir);
      const mm = new Mm(core);
      const { exitCode, stop } = runProgram(mm, readFileSync(path), () => 1e8);
      mm.mmput();
      assert.is(stop.reason, 'ecall');
      assert.is(exitCode, spawnSync('qemu-riscv64', [path]).status);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
}

test('every frame comes back', () => {
  assert.is(core.framesInUse, atRest);
});

test.run();
