// Runs one test file in a Worker of its own, as run.ts runs one in a Node of its own. The driver hands over the
// address of the bundled file; what the file wrote goes back, and the exit status that Node would have had.
import { output, process } from './host/process.js';

/** What a worker has to say. */
export interface WorkerOutcome {
  readonly output: string;
  readonly exit: number;
}

for (const level of ['log', 'warn', 'error'] as const) {
  console[level] = (...parts: unknown[]): void => {
    process.stdout.write(`${parts.map(String).join(' ')}\n`);
  };
}

function describe(error: unknown): string {
  return error instanceof Error ? `${String(error)}\n${error.stack ?? ''}` : String(error);
}

async function run(url: string): Promise<WorkerOutcome> {
  // uvu starts by itself a turn after the file was loaded, unless it is told to wait.
  Object.assign(globalThis, { UVU_DEFER: 1, UVU_QUEUE: [[null]] });
  const { exec } = await import('uvu');
  try {
    await import(url);
    await exec();
  } catch (error) {
    process.stdout.write(`${describe(error)}\n`);
    process.exitCode = 1;
  }
  return { output: output(), exit: process.exitCode ?? 0 };
}

self.addEventListener('message', ({ data }: MessageEvent<string>) => {
  void run(data).then((outcome) => self.postMessage(outcome));
});
