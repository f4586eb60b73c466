// dist/browser/: the whole package as one ES module with the core beside it, for a plain
// <script type="module"> and for bundlers, which know `new URL(…, import.meta.url)`.
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where src/wasm/module.ts has the core, seen from dist/src/wasm/, and where the bundle has it. */
const CORE_URL = "new URL('../../procmem.wasm', import.meta.url)";
const BUNDLED_CORE_URL = "new URL('./procmem.wasm', import.meta.url)";

/** What stands in for Node's file system, which only a page opened from a file would ask for. */
const NO_FILES = `export function readFile() {
  throw new Error('procmem.wasm cannot be read from a file: URL; serve it, or hand it over');
}`;

/** Has the library look for the core beside its script, and not on a disk. */
export const coreBesideScript = {
  name: 'core-beside-script',
  setup(build) {
    build.onLoad({ filter: /[\\/]src[\\/]wasm[\\/]module\.ts$/ }, ({ path }) => {
      const source = readFileSync(path, 'utf8');
      if (!source.includes(CORE_URL)) throw new Error(`${path} does not have ${CORE_URL}`);
      return { contents: source.replace(CORE_URL, BUNDLED_CORE_URL), loader: 'ts' };
    });
    build.onResolve({ filter: /^node:fs\/promises$/ }, ({ path }) => ({ path, namespace: 'none' }));
    build.onLoad({ filter: /.*/, namespace: 'none' }, () => ({ contents: NO_FILES }));
  },
};

/** Writes the bundle; any other of Node's modules on the way from src/index.ts is an error. */
export async function bundle(root) {
  const esbuild = await import('esbuild');
  const out = join(root, 'dist', 'browser');
  mkdirSync(out, { recursive: true });
  await esbuild.build({
    absWorkingDir: root,
    entryPoints: ['src/index.ts'],
    outfile: 'dist/browser/procmem.js',
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    minify: true,
    sourcemap: true,
    legalComments: 'none',
    logLevel: 'silent',
    plugins: [coreBesideScript],
  });
  copyFileSync(join(root, 'dist', 'procmem.wasm'), join(out, 'procmem.wasm'));
}
