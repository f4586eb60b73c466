// The C programs of the bench, compiled here: interpreted and as regions of wasm they end with the same exit code as
// under qemu, after as many instructions.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { compileGuest, GUEST_PROGRAMS, missingCompiler } from '../../bench/guest-programs.js';
import { Jit } from '../../src/jit/jit.js';
import { Mm } from '../../src/mm/mm.js';
import { Core } from '../../src/wasm/core.js';
import { missingQemu, runProgram } from './static-program.js';

const test = suite('cpu/programs');
const core = await Core.create();
const jit = new Jit(core);
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
      const { status } = spawnSync('qemu-riscv64', [path]);
      const counts = [null, jit].map((compiler) => {
        core.compiler = compiler;
        const mm = new Mm(core);
        const { exitCode, stop, instructions } = runProgram(mm, readFileSync(path), () => 1e8);
        mm.mmput();
        assert.equal([exitCode, stop.reason], [status, 'ecall']);
        return instructions;
      });
      assert.is(counts[0], counts[1]);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
}

test('what is hot was compiled', () => {
  if (why === null) assert.ok(jit.modules >= GUEST_PROGRAMS.length, `${jit.modules} modules`);
});

test('every frame comes back', () => {
  assert.is(core.framesInUse, atRest);
});

test.run();
