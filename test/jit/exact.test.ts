// Random loops interpreted and compiled: whenever a run has spent its fuel, be it little or much, all registers, the
// count of instructions, where it stands and the memory are the same.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { Jit, type JitOptions } from '../../src/jit/jit.js';
import { Hart } from '../../src/mm/hart.js';
import { Mm } from '../../src/mm/mm.js';
import { copyFromUser, copyToUser } from '../../src/mm/user.js';
import { Core } from '../../src/wasm/core.js';
import { FCSR, FLOATS, makeLoop, record, STATE } from '../cpu/fuzz.js';
import { assemble, CODE, DATA, EBREAK, RWX } from '../cpu/hart-fixture.js';
import { Random } from '../cpu/random.js';
import { makeSnippet, REACH } from '../cpu/snippet.js';
import { mapAnon } from '../mm/fixture.js';

const test = suite('jit/exact');
const SEED = 20;
const PROGRAMS = 40;
const RUNS = 4;
const MEMORY = 30;
const RECORD_AT = DATA + 2 * REACH;

const AT_ONCE: JitOptions = { threshold: 1, period: 1, slice: 300, share: 1e9 };
/** Without samples of arrivals registers are kept in locals. */
const WAYS: [name: string, options: JitOptions][] = [
  ['registers written through', AT_ONCE],
  ['registers in locals', { ...AT_ONCE, period: 2 ** 31 }],
];

interface Scene {
  readonly core: Core;
  readonly mm: Mm;
  readonly hart: Hart;
  readonly atRest: number;
}

async function makeScene(code: Uint8Array, options: JitOptions | null): Promise<Scene> {
  const core = await Core.create({ memory: 2 ** 24 });
  if (options !== null) core.compiler = new Jit(core, options);
  const atRest = core.framesInUse;
  const mm = new Mm(core);
  mapAnon(mm, 0, 4, RWX);
  mapAnon(mm, 16, 2, 3);
  copyToUser(mm, CODE, code);
  copyToUser(mm, CODE + code.length, assemble([EBREAK]));
  return { core, mm, hart: new Hart(), atRest };
}

/** Registers and memory as a program begins with them. */
function begin({ mm, hart }: Scene, state: Uint8Array, memory: Uint8Array): void {
  const view = new DataView(state.buffer);
  for (let i = 1; i < 30; i++) hart.setX(i, view.getBigUint64(8 * (i - 1), true));
  for (let i = 0; i < 32; i++) hart.setF(i, view.getBigUint64(FLOATS + 8 * i, true));
  hart.fcsr = view.getUint32(FCSR, true);
  hart.setX(MEMORY, BigInt(DATA + REACH));
  hart.setX(STATE, BigInt(RECORD_AT));
  hart.pc = BigInt(CODE);
  copyToUser(mm, DATA, memory);
}

/** What a run came to. */
function toldBy({ mm, hart }: Scene): string {
  return `${hart.state.join()};${copyFromUser(mm, DATA, 2 * REACH).join()}`;
}

for (const [name, options] of WAYS) {
  test(`random loops with ${name} are as they are interpreted, at any instruction`, async () => {
    let [modules, instructions] = [0, 0n];
    for (let seed = SEED; seed < SEED + PROGRAMS; seed++) {
      const r = new Random(seed);
      const length = r.pick([2, 5, 12]);
      const parts = [makeSnippet(r, 2 * length), makeLoop(r, length), makeSnippet(r, 2 * length)];
      const code = Uint8Array.from(parts.flatMap((part) => [...part]));
      const [interpreted, compiled] = [await makeScene(code, null), await makeScene(code, options)];
      const jit = compiled.core.compiler as Jit;
      for (let run = 0; run < RUNS; run++) {
        const state = record(r);
        const memory = Uint8Array.from({ length: 2 * REACH }, () => r.below(256));
        for (const scene of [interpreted, compiled]) begin(scene, state, memory);
        const most = r.pick([1, 3, 40, 5000]);
        for (let ended = false; !ended;) {
          const fuel = 1 + r.below(most);
          const [a, b] = [interpreted, compiled].map(({ hart, mm }) => hart.run(mm, fuel));
          assert.equal(a, b, `seed ${seed}, run ${run}`);
          if (most > 1)
            assert.is(toldBy(interpreted), toldBy(compiled), `seed ${seed}, run ${run}`);
          ended = a?.reason !== 'fuel' || interpreted.hart.instret > instructions + 20_000n;
        }
        assert.is(toldBy(interpreted), toldBy(compiled), `seed ${seed}, run ${run}`);
        instructions = interpreted.hart.instret;
      }
      instructions = 0n;
      assert.is(jit.refused, null);
      modules += jit.modules;
      for (const { mm, core, atRest } of [interpreted, compiled]) {
        mm.mmput();
        assert.is(core.framesInUse, atRest);
      }
    }
    assert.ok(modules >= PROGRAMS, `${modules} modules`);
  });
}

test.run();
