// In the place of ../bench-core.ts in a browser: compiled in Node, and served beside the benches.

export async function compileCore(): Promise<ArrayBuffer> {
  return (await fetch(new URL('/bench.wasm', self.location.origin))).arrayBuffer();
}
