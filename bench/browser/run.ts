// The benches in a browser: bundled, served to a page that may measure finely, and run there suite by suite.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';

import { BROWSERS, launchBrowser, whyNoBrowser } from '../../test/browser/browsers.js';
import { forBrowsers } from '../../test/browser/bundle-tests.js';
import { ISOLATED, serve } from '../../test/browser/server.js';
import { ROOT } from '../../test/house/tree.js';
import { compileCore } from '../bench-core.js';
import type { Row, Suite } from '../bench.js';

/** Files of bench/ that need a host, and have a stand-in in bench/browser/. */
const STAND_INS = /[\\/]bench[\\/](kernel|v86|bench-core)\.ts$/;

/** benchmark.js asks for lodash in a way that no bundler sees, and else looks for the global `_`. */
const forBenches: Plugin = {
  name: 'for-benches',
  setup({ onLoad, onResolve }) {
    const require = createRequire(import.meta.url);
    const lodash = JSON.stringify(require.resolve('lodash'));
    const itself = JSON.stringify(require.resolve('benchmark'));
    onLoad({ filter: STAND_INS }, ({ path }) => ({
      contents: `export * from './browser/${STAND_INS.exec(path)?.[1]}.js';`,
      loader: 'ts',
    }));
    onResolve({ filter: /^(benchmark|lodash-global)$/ }, ({ path }) => ({
      path,
      namespace: 'bench',
    }));
    onLoad({ filter: /^benchmark$/, namespace: 'bench' }, () => ({
      contents: `import 'lodash-global';\nimport Benchmark from ${itself};\nexport default Benchmark;`,
      resolveDir: ROOT,
    }));
    onLoad({ filter: /^lodash-global$/, namespace: 'bench' }, () => ({
      contents: `import lodash from ${lodash};\nglobalThis._ = lodash;`,
      resolveDir: ROOT,
    }));
  },
};

async function bundleBenches(): Promise<Uint8Array> {
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: ['bench/browser/worker.ts'],
    write: false,
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    define: { global: 'globalThis' },
    logLevel: 'silent',
    plugins: [forBenches, forBrowsers],
  });
  return outputFiles[0]?.contents ?? new Uint8Array(0);
}

/** Runs one suite there. */
type RunSuite = (suite: Suite) => Promise<Row[]>;

/**
 * Has `report` run suites in a browser.
 * @throws {RangeError} no such browser, or it is not here
 */
export async function benchInBrowser(
  name: string,
  quick: boolean,
  report: (run: RunSuite, engine: Readonly<Record<string, string>>) => Promise<void>,
): Promise<void> {
  const known = BROWSERS.find((each) => each === name);
  if (known === undefined) throw new RangeError(`--browser: ${BROWSERS.join(' or ')}`);
  const reason = whyNoBrowser(known);
  if (reason !== null) throw new RangeError(`--browser ${name}: ${reason}`);
  const files = new Map<string, string | Uint8Array>([
    ['/page.html', join(ROOT, 'bench', 'browser', 'page.html')],
    ['/worker.js', await bundleBenches()],
    ['/bench.wasm', await compileCore()],
    ['/dist/procmem.wasm', join(ROOT, 'dist', 'procmem.wasm')],
  ]);
  const server = await serve(files, { headers: ISOLATED });
  const browser = await launchBrowser(known);
  try {
    const page = await browser.newPage();
    await page.goto(`${server.origin}/page.html`);
    const version = await page.evaluate<string>(
      '/(?:Chrome|Firefox)\\/([\\d.]+)/.exec(navigator.userAgent)[1]',
    );
    const run: RunSuite = (suite) =>
      page.evaluate<Row[]>(`runSuite(${JSON.stringify(suite.name)}, ${quick})`);
    await report(run, { browser: `${known} ${version}` });
  } finally {
    await browser.close();
    server.close();
  }
}
