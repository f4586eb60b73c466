import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { buildExecutor, whyNoRecording } from './build.js';
import { GENERATORS } from './generators/table.js';
import { generatorNamed, record } from './recording.js';

const USAGE = `usage: record --out FILE [--generator NAME] [--seed N] [--steps N]
Records one trace of the kernel underneath; FILE.gz is compressed.
generators: ${GENERATORS.map(({ name }) => name).join(' ')}
`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      out: { type: 'string' },
      generator: { type: 'string', default: GENERATORS[0]!.name },
      seed: { type: 'string', default: '1' },
      steps: { type: 'string', default: '500' },
    },
  });
  const [seed, steps] = [Number(values.seed), Number(values.steps)];
  if (values.out === undefined || !Number.isSafeInteger(seed) || !Number.isSafeInteger(steps)) {
    process.stderr.write(USAGE);
    return 2;
  }
  const why = whyNoRecording();
  if (why !== null) {
    process.stderr.write(`cannot record: ${why}\n`);
    return 2;
  }
  const recording = await record(buildExecutor(), generatorNamed(values.generator), seed, steps);
  for (const pair of recording.unstable)
    process.stderr.write(`left out: ${JSON.stringify(pair)}\n`);
  const text = Buffer.from(recording.text);
  writeFileSync(values.out, values.out.endsWith('.gz') ? gzipSync(text, { level: 9 }) : text);
  process.stdout.write(`${values.out}: ${recording.steps} steps\n`);
  return 0;
}

process.exitCode = await main();
