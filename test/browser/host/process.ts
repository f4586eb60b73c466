// What uvu and the tests use of Node's process, for a worker: what is written is kept for the report.

const written: string[] = [];

/** The global that esbuild puts in the place of Node's. */
export const process = {
  argv: [] as string[],
  env: { NO_COLOR: '1' } as Record<string, string | undefined>,
  exitCode: undefined as number | undefined,
  platform: 'browser',
  arch: 'wasm32',
  stdout: { write: (text: string): number => written.push(text) },
  /** uvu only ever listens for the end of the process. */
  on: (): void => {},
  hrtime(since: readonly [number, number] = [0, 0]): [seconds: number, nanoseconds: number] {
    const ns = performance.now() * 1e6 - (since[0] * 1e9 + since[1]);
    return [Math.floor(ns / 1e9), Math.round(ns % 1e9)];
  },
};

/** Everything written so far. */
export function output(): string {
  return written.join('');
}
