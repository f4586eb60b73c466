// dist/browser/: the package as ES modules with the core beside them, for a plain <script type="module"> and
// for bundlers. Those that know `new URL(…, import.meta.url)` take the core along; for the others a chunk has
// its bytes inside, which is loaded only when the core is not where the script is.
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where src/wasm/module.ts has the core, seen from dist/src/wasm/. */
const CORE_URL = "new URL('../../procmem.wasm', import.meta.url)";

/** What stands in for Node's file system, which only a page opened from a file would ask for. */
const NO_FILES = `export function readFileSync() {
  throw new Error('the core cannot be read from a file: URL; serve it, or hand it over');
}`;

/** In the place of src/wasm/inlined.ts. */
const INLINED = `export const inlinedCore = async () => (await import('core-bytes')).bytes();`;

/** A module with a core in base64. */
function bytesModule(path) {
  const text = readFileSync(path).toString('base64');
  return `export const bytes = () => Uint8Array.from(atob('${text}'), (c) => c.charCodeAt(0));`;
}

/** Has the library look for the core beside its script, under this name, and not on a disk. */
export const coreBesideScript = (name) => ({
  name: 'core-beside-script',
  setup({ onLoad, onResolve }) {
    onLoad({ filter: /[\\/]src[\\/]wasm[\\/]module\.ts$/ }, ({ path }) => {
      const source = readFileSync(path, 'utf8');
      if (!source.includes(CORE_URL)) throw new Error(`${path} does not have ${CORE_URL}`);
      const beside = `new URL('./${name}', import.meta.url)`;
      return { contents: source.replace(CORE_URL, beside), loader: 'ts' };
    });
    onResolve({ filter: /^node:fs$/ }, ({ path }) => ({ path, namespace: 'none' }));
    onLoad({ filter: /.*/, namespace: 'none' }, () => ({ contents: NO_FILES }));
  },
});

/** Has it take the core from a chunk of the script where the file is not there. */
const coreInChunk = (wasm) => ({
  name: 'core-in-chunk',
  setup({ onLoad, onResolve }) {
    onLoad({ filter: /[\\/]src[\\/]wasm[\\/]inlined\.ts$/ }, () => ({ contents: INLINED }));
    onResolve({ filter: /^core-bytes$/ }, ({ path }) => ({ path, namespace: 'bytes' }));
    onLoad({ filter: /.*/, namespace: 'bytes' }, () => ({ contents: bytesModule(wasm) }));
  },
});

/** What differs in a browser; `core` is the wasm file that will lie beside the script. */
const forBrowsers = ({ name, path }) => [coreBesideScript(name), coreInChunk(path)];

/** Bundles an entry of src/; any other of Node's modules on the way is an error. */
function bundleEntry(root, [name, source], options) {
  return {
    absWorkingDir: root,
    entryPoints: [{ in: source, out: name }],
    outdir: 'dist/browser',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    minify: true,
    legalComments: 'none',
    logLevel: 'silent',
    ...options,
  };
}

/** The core without the exports that a script does not mention, and without what only they use. */
async function trimCore(wasm, script) {
  const { default: binaryen } = await import('assemblyscript/binaryen');
  const module = binaryen.readBinary(wasm);
  module.setFeatures(binaryen.Features.All);
  for (let i = module.getNumExports() - 1; i >= 0; i--) {
    const { name } = binaryen.getExportInfo(module.getExportByIndex(i));
    if (!new RegExp(`\\b${name}\\b`).test(script)) module.removeExport(name);
  }
  module.runPasses(['remove-unused-module-elements']);
  return module.emitBinary();
}

/** `procmem`: everything, with the whole core. */
async function bundleAll(esbuild, root, out) {
  const core = { name: 'procmem.wasm', path: join(root, 'dist', 'procmem.wasm') };
  const options = { sourcemap: true, plugins: forBrowsers(core) };
  await esbuild.build(bundleEntry(root, ['procmem', 'src/index.ts'], options));
  copyFileSync(core.path, join(out, core.name));
}

/** `procmem/core`: a second, smaller script, with as much of the core as it can call. */
async function bundleCore(esbuild, root, out) {
  const whole = join(root, 'dist', 'procmem.wasm');
  const core = { name: 'core.wasm', path: join(out, 'core.wasm') };
  const entry = (path, options) =>
    bundleEntry(root, ['core', 'src/core.ts'], {
      ...options,
      plugins: forBrowsers({ name: core.name, path }),
    });
  // Once to see which exports it mentions, in a chunk of its own the bytes of what is left.
  const { outputFiles } = await esbuild.build(entry(whole, { write: false }));
  const script = outputFiles.find(({ path }) => path.endsWith('core.js')).text;
  writeFileSync(core.path, await trimCore(readFileSync(whole), script));
  await esbuild.build(entry(core.path, { sourcemap: true }));
}

/** Writes both bundles. */
export async function bundle(root) {
  const esbuild = await import('esbuild');
  const out = join(root, 'dist', 'browser');
  mkdirSync(out, { recursive: true });
  // Chunks carry a hash of their contents in their names: those of other sources would stay.
  for (const name of readdirSync(out)) rmSync(join(out, name));
  await bundleAll(esbuild, root, out);
  await bundleCore(esbuild, root, out);
}
