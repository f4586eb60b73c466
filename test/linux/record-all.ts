import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { buildExecutor, whyNoRecording } from './build.js';
import { generatorNamed, record } from './recording.js';

const USAGE = `usage: record-all --out DIR [--seed N] [--scale X] [--steps N] [--only A,B,…]
Records a set of traces, every generator's: with --scale 1 those that the committed set is chosen from.
--only names the generators.
`;

/** How many traces of each generator are recorded; those that match in full are committed. */
const SET: readonly (readonly [generator: string, traces: number])[] = [
  ['memrw', 40],
  ['forkcow', 30],
  ['creds', 50],
  ['lifecycle', 12],
  ['threads', 24],
  ['offsets', 10],
  ['vma', 30],
  ['opens', 10],
  ['grow', 10],
  ['tracing', 6],
  ['residency', 24],
  ['special', 10],
  ['exotic', 6],
  ['watched', 6],
  ['fds', 10],
  ['files', 12],
  ['mmaps', 10],
  ['remaps', 10],
  ['advices', 10],
  ['locks', 10],
  ['merges', 10],
  ['limits', 10],
  ['memfds', 10],
  ['guards', 10],
  ['keys', 10],
  ['scans', 10],
  ['stacks', 10],
  ['crowd', 1],
  ['stops', 10],
  ['domains', 10],
  ['handles', 10],
  ['prctls', 10],
  ['procs', 10],
  ['idmaps', 10],
  ['uffds', 6],
  ['jumble', 10],
];

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      out: { type: 'string' },
      seed: { type: 'string', default: '1' },
      scale: { type: 'string', default: '1' },
      steps: { type: 'string', default: '1000' },
      only: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const [seed, scale, steps] = [Number(values.seed), Number(values.scale), Number(values.steps)];
  if (values.out === undefined || !Number.isSafeInteger(seed) || !(scale > 0) || !(steps > 0)) {
    process.stderr.write(USAGE);
    return 2;
  }
  const why = whyNoRecording();
  if (why !== null) {
    process.stderr.write(`cannot record: ${why}\n`);
    return 2;
  }
  mkdirSync(values.out, { recursive: true });
  await recordSet(chosen(values.only), values.out, seed, scale, steps);
  return 0;
}

/** What of the set is asked for. @throws {RangeError} `only` names a generator that is not in it */
function chosen(only: string | undefined): typeof SET {
  const names = only?.split(',') ?? SET.map(([name]) => name);
  const stranger = names.find((name) => !SET.some(([known]) => known === name));
  if (stranger !== undefined) throw new RangeError(`--only ${stranger}: not in the set`);
  return SET.filter(([name]) => names.includes(name));
}

async function recordSet(
  set: typeof SET,
  dir: string,
  seed: number,
  scale: number,
  steps: number,
): Promise<void> {
  const executor = buildExecutor();
  const start = Date.now();
  let total = 0;
  for (const [name, traces] of set) {
    let recorded = 0;
    for (let i = 0; i < Math.max(1, Math.round(traces * scale)); i++) {
      const recording = await record(executor, generatorNamed(name), seed + i, steps);
      for (const pair of recording.unstable)
        process.stderr.write(`left out: ${JSON.stringify(pair)}\n`);
      writeFileSync(
        join(dir, `${name}-${seed + i}.jsonl.gz`),
        gzipSync(recording.text, { level: 9 }),
      );
      recorded += recording.steps;
    }
    process.stdout.write(`${name}: ${recorded} steps\n`);
    total += recorded;
  }
  const seconds = (Date.now() - start) / 1000;
  process.stdout.write(`${total} steps in ${seconds.toFixed(1)} s (seed ${seed})\n`);
}

process.exitCode = await main();
