// dist/cli: the command line as one script, procmem.cjs, which src/cli/script.ts loads, main.cjs, which is
// src/cli/main.ts with that, and copy-worker.cjs, the second thread of a copy. Scripts and no modules, because Node can keep the compiled code of scripts alone, and
// because it has read and compiled a script before it has loaded what it loads modules with.
import { createHash } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const OPTIONS = {
  write: false,
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20',
  charset: 'ascii',
  // Names stay: an error that nobody expected says its class.
  minifyWhitespace: true,
  legalComments: 'none',
  logLevel: 'silent',
  define: { 'import.meta.url': '__url' },
};

/** main.cjs finds everything as main.js does that the modules' compiler made of the same file. */
const MAIN_URL =
  "const __url=new URL('../src/cli/main.js',require('node:url').pathToFileURL(__filename)).href;";

/** A script has require() as it is; for createRequire() Node loads its loader of modules. */
const ownRequire = {
  name: 'own-require',
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /^node:module$/ }, ({ path }) => ({ path, namespace: 'require' }));
    onLoad({ filter: /.*/, namespace: 'require' }, () => ({
      contents: 'exports.createRequire = () => require;',
    }));
  },
};

/** The modules stay modules: they run where the script is older than they are. */
const modulesBeside = {
  name: 'modules-beside',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\/program\.js$/ }, () => ({
      path: '../src/cli/program.js',
      external: true,
    }));
  },
};

async function bundled(esbuild, root, name, options) {
  const { outputFiles } = await esbuild.build({
    ...OPTIONS,
    absWorkingDir: root,
    entryPoints: [`src/cli/${name}.ts`],
    outfile: `dist/cli/${name}.cjs`,
    ...options,
  });
  return outputFiles[0].text;
}

/** Writes the scripts; what was compiled of the one before goes. */
export async function bundleCli(root) {
  const esbuild = await import('esbuild');
  // A script that a program compiles has no import().
  const program = await bundled(esbuild, root, 'program', {
    supported: { 'dynamic-import': false },
    plugins: [ownRequire],
  });
  const main = await bundled(esbuild, root, 'main', {
    banner: { js: MAIN_URL },
    plugins: [ownRequire, modulesBeside],
  });
  const worker = await bundled(esbuild, root, 'copy-worker', { banner: { js: MAIN_URL } });
  const out = join(root, 'dist', 'cli');
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const script = `(function (module, require, __url) {${program}\n})`;
  const hash = createHash('sha256').update(script).digest('hex').slice(0, 16);
  writeFileSync(join(out, 'procmem.cjs'), `// ${hash}\n${script}`);
  writeFileSync(join(out, 'copy-worker.cjs'), worker);
  writeFileSync(join(out, 'main.cjs'), main, { mode: 0o755 });
}
