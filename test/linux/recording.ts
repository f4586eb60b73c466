import { GENERATORS } from './generators/table.js';
import type { Generator } from './generators/generator.js';
import { Rng } from './rng.js';
import { Scenario } from './scenario.js';
import { Session, UnspeakableAnswer } from './session.js';
import type { Step } from './step.js';
import { readFileSync } from 'node:fs';

/** A trace and what of its scenario was left out of it. */
export interface Recording {
  /** The trace, as JSON Lines. */
  readonly text: string;
  readonly steps: number;
  /** Steps that the kernel answered differently the second time, with both answers. */
  readonly unstable: readonly (readonly [Step, Step])[];
}

/** As often as a scenario is tried again without the steps that differed. */
const MAX_ATTEMPTS = 5;

/** The soft limits that the executor's tasks have; `set_limits` of executor.c. */
const RLIMITS = { AS: -1, DATA: -1, STACK: 8 << 20, MEMLOCK: 8 << 20, NOFILE: 1024 };
const SYSCTLS = [
  'fs.suid_dumpable',
  'vm.overcommit_memory',
  'vm.max_map_count',
  'vm.mmap_min_addr',
];

/** The generator of a name. @throws {RangeError} there is none */
export function generatorNamed(name: string): Generator {
  const found = GENERATORS.find((generator) => generator.name === name);
  if (found !== undefined) return found;
  throw new RangeError(
    `--generator ${name}: not one of ${GENERATORS.map((g) => g.name).join(', ')}`,
  );
}

/**
 * Records one trace: has the generator act, then performs the same steps again, from the start, until
 * every step is answered as it was before; steps that were not are left out.
 */
export async function record(
  executor: string,
  generator: Generator,
  seed: number,
  steps: number,
): Promise<Recording> {
  const unstable: [Step, Step][] = [];
  let { answered, header } = await generate(executor, generator, seed, steps);
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const again = await perform(executor, generator.tasks, answered);
    const differs = answered.map((step, i) => JSON.stringify(step) !== JSON.stringify(again[i]));
    if (!differs.includes(true)) {
      const lines = [header, ...answered].map((line) => JSON.stringify(line));
      return { text: lines.join('\n') + '\n', steps: answered.length, unstable };
    }
    differs.forEach((differs, i) => differs && unstable.push([answered[i]!, again[i]!]));
    const kept = withoutDangling(
      answered.filter((_, i) => !differs[i]),
      unstable,
    );
    answered = await perform(executor, generator.tasks, kept);
  }
  throw new Error(`${generator.name}-${seed} is answered differently each time: ${show(unstable)}`);
}

async function generate(
  executor: string,
  generator: Generator,
  seed: number,
  steps: number,
): Promise<{ answered: Step[]; header: object }> {
  const session = new Session(executor, generator.tasks);
  try {
    const scenario = new Scenario(session, new Rng(seed));
    act(generator, scenario, steps);
    const { kernel, caps } = session.hello;
    const { name, tasks } = generator;
    const sysctl = Object.fromEntries(SYSCTLS.map((key) => [key, readSysctl(key)]));
    const title = `${name}-${seed}`;
    const header = {
      trace: 1,
      arch: 'x86_64',
      kernel: version(kernel),
      page: 4096,
      tasks,
      title,
      caps,
    };
    return { answered: scenario.steps, header: { ...header, rlimits: RLIMITS, sysctl } };
  } finally {
    await session.end();
  }
}

/** The trace ends early, before a step whose answer it could not write down. */
function act(generator: Generator, scenario: Scenario, steps: number): void {
  try {
    generator.run(scenario, steps);
  } catch (error) {
    if (!(error instanceof UnspeakableAnswer)) throw error;
  }
}

async function perform(
  executor: string,
  tasks: readonly string[],
  steps: readonly Step[],
): Promise<Step[]> {
  const session = new Session(executor, tasks);
  try {
    return steps.map((step) => session.perform(step));
  } finally {
    await session.end();
  }
}

/** The steps that refer to no name that a step left out would have bound. */
function withoutDangling(
  steps: readonly Step[],
  unstable: readonly (readonly [Step, Step])[],
): Step[] {
  const lost = unstable.flatMap(([step]) =>
    'as' in step && step.as !== undefined ? [step.as] : [],
  );
  return steps.filter((step) => {
    const text = JSON.stringify(step);
    return !lost.some((name) => text.includes(`"ref":"${name}"`) || text.includes(`\${${name}}`));
  });
}

function readSysctl(key: string): number {
  return Number(readFileSync(`/proc/sys/${key.replace('.', '/')}`, 'latin1'));
}

/** `6.18.44-fc-v769` as `6.18.44`. */
function version(release: string): string {
  return /^[\d.]+/.exec(release)?.[0] ?? release;
}

function show(pairs: readonly (readonly [Step, Step])[]): string {
  return pairs
    .slice(0, 3)
    .map((pair) => JSON.stringify(pair))
    .join(' ');
}
