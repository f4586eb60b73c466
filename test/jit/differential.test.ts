// Random loops of RV64GC, all of them compiled, here and under qemu: registers, fcsr and memory must be the same in
// the end. Each program is run twice here: what the first run compiled the second one executes from the start.
// PROCMEM_SEED=N repeats a run; PROCMEM_FUZZ=N makes N programs in place of the usual number.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { Jit } from '../../src/jit/jit.js';
import { Mm } from '../../src/mm/mm.js';
import { copyToUser } from '../../src/mm/user.js';
import { Core } from '../../src/wasm/core.js';
import {
  describeDifference,
  firstDifference,
  type FuzzProgram,
  makeFuzzProgram,
  makeLoop,
} from '../cpu/fuzz.js';
import { Random } from '../cpu/random.js';
import { ENTRY, makeElf, missingQemu, runLoaded, runProgram } from '../cpu/static-program.js';

const test = suite('jit/differential');
const seed = Number(process.env['PROCMEM_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const programs = Number(process.env['PROCMEM_FUZZ'] ?? 12);

/** Loops of a program and the length of each of their parts. */
const SHAPES: readonly [loops: number, length: number][] = [
  [400, 3],
  [150, 10],
  [60, 30],
];

/** Everything is compiled at once: without samples of arrivals registers are kept in locals. */
const PERIODS = [1, 2 ** 31];
let modules = 0;

/** What the program writes, in a first run and in one that is compiled already. */
async function here(program: FuzzProgram, random: Random): Promise<Uint8Array[]> {
  const core = await Core.create();
  const period = random.pick(PERIODS);
  const jit = new Jit(core, { threshold: 1, period, slice: 3000, share: 1e9 });
  core.compiler = jit;
  const atRest = core.framesInUse;
  const mm = new Mm(core);
  const pieces = random.below(2) === 0;
  const fuel = (): number => (pieces ? 1 + random.below(99) : 1e6);
  const first = runProgram(mm, makeElf(program.image), fuel);
  copyToUser(mm, ENTRY + program.dataAt, program.image.subarray(program.dataAt));
  const second = runLoaded(mm, ENTRY, fuel);
  mm.mmput();
  assert.is(core.framesInUse, atRest);
  assert.is(jit.refused, null);
  modules += jit.modules;
  assert.equal([first.exitCode, second.exitCode], [0, 0]);
  assert.is(first.instructions, second.instructions);
  return [first.output, second.output];
}

const why = missingQemu();
if (why !== null) {
  console.log(`SKIPPED jit/differential: ${why}`);
  test.skip('random loops, compiled, end as they do under qemu');
} else {
  console.log(`seed ${seed}`);
  test('random loops, compiled, end as they do under qemu', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'procmem-jit-'));
    const path = join(dir, 'fuzz');
    try {
      for (let i = 0; i < programs; i++) {
        const random = new Random(seed + i);
        const [count, length] = random.pick(SHAPES);
        const program = makeFuzzProgram(random, count, length, makeLoop);
        writeFileSync(path, makeElf(program.image), { mode: 0o755 });
        const { stdout: theirs, status } = spawnSync('qemu-riscv64', [path], {
          maxBuffer: 2 ** 26,
        });
        assert.is(status, 0);
        for (const ours of await here(program, random)) {
          const differs = firstDifference(program, ours, theirs);
          const text = differs < 0 ? '' : describeDifference(program, differs, ours, theirs);
          assert.is(text, '', `PROCMEM_SEED=${seed + i} PROCMEM_FUZZ=1`);
          assert.ok(Buffer.from(ours).equals(theirs), `seed ${seed + i}: memory differs`);
        }
      }
    } finally {
      rmSync(dir, { recursive: true });
    }
    assert.ok(modules > programs);
    console.log(`${programs} programs, ${modules} modules`);
  });
}

test.run();
