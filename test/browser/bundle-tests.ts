// The test files as modules for a browser: each an entry, what they share in chunks. Node's modules become those of
// host/, or the bundle fails: a test that needs more is listed in host-only.ts.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { build, type Plugin } from 'esbuild';

import { ROOT } from '../house/tree.js';
import { reasonForHost } from './host-only.js';

/** Node's modules that have a stand-in, and its file in host/. */
const STAND_INS: Readonly<Record<string, string>> = {
  'node:child_process': 'child-process',
  'node:fs': 'fs',
  // The core's loader asks for it only when it was itself loaded from a disk.
  'node:fs/promises': 'no-host',
  'node:os': 'os',
  'node:path': 'path',
  'node:url': 'url',
};

/** Packages that run anywhere. */
const SHARED = /^(uvu|uvu\/.*|fast-check|@assemblyscript\/loader)$/;

const HOST = join(ROOT, 'test', 'browser', 'host');

/** Every test file, by its path below test/ without `.test.ts`. */
export function listTests(): string[] {
  return readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.test.ts'))
    .map((path) => path.replaceAll('\\', '/').replace(/\.test\.ts$/, ''))
    .sort();
}

/** Those that run in a browser. */
export function browserTests(): string[] {
  return listTests().filter((name) => reasonForHost(name) === null);
}

/** Stand-ins for Node's modules, and files found on the server that serves them. */
export const forBrowsers: Plugin = {
  name: 'for-browsers',
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /^node:/ }, ({ path, importer }) => {
      const name = STAND_INS[path];
      if (name !== undefined) return { path: join(HOST, `${name}.ts`) };
      return {
        errors: [{ text: `${path} has no stand-in for browsers; ${importer} asks for it` }],
      };
    });
    // Files are found from where the compiled one lies in Node, and the server serves them from there.
    onLoad({ filter: /[\\/](src|test|bench)[\\/].*\.ts$/ }, ({ path }) => {
      const place = `/dist/${relative(ROOT, path).replaceAll('\\', '/')}`.replace(/\.ts$/, '.js');
      const url = `new URL('${place}', self.location.origin).href`;
      return {
        contents: readFileSync(path, 'utf8').replaceAll('import.meta.url', url),
        loader: 'ts',
      };
    });
  },
};

/** A module by its path below `prefix`: `kernel/cred.test.js`, and `browser/test-worker.js` that runs them. */
export async function bundleTests(
  names: readonly string[],
  prefix: string,
): Promise<Map<string, Uint8Array>> {
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: ['test/browser/test-worker.ts', ...names.map((name) => `test/${name}.test.ts`)],
    outbase: 'test',
    outdir: 'out',
    write: false,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    inject: [join(HOST, 'buffer.ts'), join(HOST, 'process.ts')],
    logLevel: 'silent',
    plugins: [forBrowsers],
  });
  const out = join(ROOT, 'out');
  return new Map(
    outputFiles.map(({ path, contents }) => [
      prefix + relative(out, path).replaceAll('\\', '/'),
      contents,
    ]),
  );
}

/** Test files that reach no module of Node's, by whatever they import: they need no host. */
export async function testsWithoutHost(names: readonly string[]): Promise<string[]> {
  const entries = names.map((name) => `test/${name}.test.ts`);
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: entries,
    outdir: 'out',
    write: false,
    metafile: true,
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    logLevel: 'silent',
  });
  const reachesHost = (path: string, seen: Set<string>): boolean => {
    if (path === 'src/wasm/module.ts' || seen.has(path)) return false;
    seen.add(path);
    const imports = metafile.inputs[path]?.imports ?? [];
    return imports.some((each) =>
      each.external === true ? !SHARED.test(each.path) : reachesHost(each.path, seen),
    );
  };
  return names.filter((_, i) => !reachesHost(entries[i] ?? '', new Set()));
}
