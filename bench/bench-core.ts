// The core with loops of loads in it.
import { main as runAsc } from 'assemblyscript/asc';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The core with the loops of assembly/bench.ts, compiled as its release is. */
export async function compileCore(): Promise<Uint8Array<ArrayBuffer>> {
  const outputs = new Map<string, unknown>();
  const { error, stderr } = await runAsc(
    ['assembly/bench.ts', '--target', 'release', '--outFile', 'bench.wasm', '--baseDir', ROOT],
    { writeFile: (name, contents) => void outputs.set(name, contents) },
  );
  if (error !== null) throw new Error(`assembly/bench.ts: ${stderr.toString()}`);
  return outputs.get('bench.wasm') as Uint8Array<ArrayBuffer>;
}
