// Random snippets of RV64GC here and under qemu: registers, fcsr and memory must be the same in the end.
// PROCMEM_SEED=N repeats a run; PROCMEM_FUZZ=N makes N programs in place of the usual number.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { Mm } from '../../src/mm/mm.js';
import { Core } from '../../src/wasm/core.js';
import { describeDifference, firstDifference, type FuzzProgram, makeFuzzProgram } from './fuzz.js';
import { Random } from './random.js';
import { makeElf, missingQemu, type Outcome, runProgram } from './static-program.js';

const test = suite('cpu/differential');
const core = await Core.create();
const atRest = core.framesInUse;
const seed = Number(process.env['PROCMEM_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const programs = Number(process.env['PROCMEM_FUZZ'] ?? 40);

/** Snippets of a program and their lengths: many short ones, where flags are not yet raised, or long ones. */
const SHAPES: readonly [snippets: number, length: number][] = [
  [4000, 4],
  [2500, 20],
  [1500, 60],
];

function here(program: FuzzProgram, random: Random): Outcome {
  const mm = new Mm(core);
  // Every other program in pieces of any size: a run can be resumed at any instruction.
  const whole = random.below(2) === 0;
  const outcome = runProgram(mm, makeElf(program.image), () =>
    whole ? 1e6 : 1 + random.below(99),
  );
  mm.mmput();
  return outcome;
}

function underQemu(program: FuzzProgram, dir: string): Uint8Array {
  const path = join(dir, 'fuzz');
  writeFileSync(path, makeElf(program.image), { mode: 0o755 });
  const { stdout, status, signal } = spawnSync('qemu-riscv64', [path], { maxBuffer: 2 ** 26 });
  assert.is(status, 0, `qemu ended with ${signal ?? status}`);
  return stdout;
}

const why = missingQemu();
if (why !== null) {
  console.log(`SKIPPED cpu/differential: ${why}`);
  test.skip('random programs end as they do under qemu');
} else {
  console.log(`seed ${seed}`);
  test('random programs end as they do under qemu', () => {
    const dir = mkdtempSync(join(tmpdir(), 'procmem-fuzz-'));
    let instructions = 0;
    try {
      for (let i = 0; i < programs; i++) {
        const random = new Random(seed + i);
        const [count, length] = random.pick(SHAPES);
        const program = makeFuzzProgram(random, count, length);
        const theirs = underQemu(program, dir);
        const { output, exitCode, instructions: executed } = here(program, random);
        instructions += executed;
        assert.is(exitCode, 0);
        const differs = firstDifference(program, output, theirs);
        const text = differs < 0 ? '' : describeDifference(program, differs, output, theirs);
        assert.is(text, '', `PROCMEM_SEED=${seed + i} PROCMEM_FUZZ=1`);
        assert.ok(
          Buffer.from(output).equals(Buffer.from(theirs)),
          `seed ${seed + i}: memory differs`,
        );
      }
    } finally {
      rmSync(dir, { recursive: true });
    }
    console.log(`${instructions} instructions of ${programs} programs`);
  });
}

test('every frame comes back', () => {
  assert.is(core.framesInUse, atRest);
});

test.run();
