// How fast do programs run on the hart? C programs of a few kinds, from start to end, with permissions, translation
// and fuel, what is hot compiled to wasm; beside the interpreter alone, and qemu's user mode, which compiles to the
// host's own instructions.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Jit } from '../src/jit/jit.js';
import { Mm } from '../src/mm/mm.js';
import { Core } from '../src/wasm/core.js';
import { missingQemu, type Outcome, runProgram } from '../test/cpu/static-program.js';
import type { Case, Suite } from './bench.js';
import type { Clock } from './clock.js';
import { compileGuest, GUEST_PROGRAMS, missingCompiler } from './guest-programs.js';

/** Instructions from one look of the host at the hart to the next. */
const FUEL = 2 ** 20;

/** A clock over something that takes long enough to be timed once. */
function once(work: () => void): Clock {
  return () => {
    const started = performance.now();
    work();
    return (performance.now() - started) * 1e6;
  };
}

function runHere(core: Core, file: Uint8Array): Outcome {
  const mm = new Mm(core);
  try {
    return runProgram(mm, file, () => FUEL);
  } finally {
    mm.mmput();
  }
}

/** Runs it under qemu, whose exit code must be ours. */
function runQemu(path: string, exitCode: number): void {
  try {
    execFileSync('qemu-riscv64', [path]);
    if (exitCode === 0) return;
  } catch (error) {
    if ((error as { status?: number }).status === exitCode) return;
  }
  throw new Error(`${path} ends with another code under qemu`);
}

async function* cpuCases(): AsyncGenerator<Case> {
  const missing = missingCompiler();
  if (missing !== null) {
    console.log(`SKIPPED cpu: ${missing}`);
    return;
  }
  const [core, interpreter] = [await Core.create(), await Core.create()];
  core.compiler = new Jit(core);
  const dir = mkdtempSync(join(tmpdir(), 'procmem-bench-'));
  const hasQemu = missingQemu() === null;
  try {
    for (const name of GUEST_PROGRAMS) {
      const path = compileGuest(name, dir);
      const file = readFileSync(path);
      const { exitCode, instructions } = runHere(core, file);
      const clock = once(() => void runHere(core, file));
      const qemu = hasQemu ? once(() => runQemu(path, exitCode)) : null;
      const interpreted = once(() => void runHere(interpreter, file));
      yield { name: `cpu/${name}`, instructions, clock, baselines: { interpreted, qemu } };
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** Programs on the hart. */
export const cpuSuite: Suite = {
  name: 'cpu',
  title: 'one run of a static RISC-V program (qemu: qemu-riscv64 with the start of its process)',
  cases: cpuCases,
};
