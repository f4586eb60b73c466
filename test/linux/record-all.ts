import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { buildExecutor, whyNoRecording } from './build.js';
import { generatorNamed, record } from './recording.js';

const USAGE = `usage: record-all --out DIR [--seed N] [--scale X] [--steps N]
Records a set of traces, every generator's: with --scale 1 as many as are committed.
`;

/** How many traces of each generator make the committed set. */
const SET: readonly (readonly [generator: string, traces: number])[] = [
  ['memrw', 24],
  ['forkcow', 20],
  ['creds', 30],
  ['lifecycle', 12],
  ['threads', 12],
  ['offsets', 6],
  ['vma', 10],
  ['opens', 6],
  ['grow', 5],
  ['tracing', 6],
  ['residency', 8],
  ['special', 4],
  ['exotic', 3],
  ['fds', 5],
  ['files', 6],
];

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      out: { type: 'string' },
      seed: { type: 'string', default: '1' },
      scale: { type: 'string', default: '1' },
      steps: { type: 'string', default: '1000' },
    },
  });
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
  await recordSet(values.out, seed, scale, steps);
  return 0;
}

async function recordSet(dir: string, seed: number, scale: number, steps: number): Promise<void> {
  const executor = buildExecutor();
  const start = Date.now();
  let total = 0;
  for (const [name, traces] of SET) {
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
