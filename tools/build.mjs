// The steps of the build, each run only when a source of it changed: the core (wasm), the TypeScript, the bundle
// for browsers, the explorer, and the script of the command line. dist/.built.json keeps a hash of the sources of each.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

import { bundle } from './bundle.mjs';
import { bundleCli } from './cli.mjs';
import { buildWeb } from './web.mjs';

/** A build that failed; the message is the compiler's own output. */
export class BuildError extends Error {}

const TYPESCRIPT_DIRS = ['src', 'test', 'bench', 'examples'];

/** In order: each step may read what the ones before it wrote. */
const STEPS = [
  {
    name: 'core',
    sources: ['assembly', 'asconfig.json'],
    outputs: ['dist/procmem.wasm'],
    run: (root) => {
      // The debug target is for people: `npm run build:wasm` has it.
      runBin(root, ['assemblyscript', 'asc'], ['assembly/index.ts', '--target', 'release']);
      runNode(root, 'core-exports', ['tools/core-exports.mjs']);
    },
  },
  {
    name: 'typescript',
    sources: [...TYPESCRIPT_DIRS, 'assembly/abi', 'asconfig.json', 'tsconfig.json'],
    outputs: ['dist/src/index.js', 'dist/src/cli/main.js', 'dist/test/run.js'],
    run: (root) => {
      runBin(root, ['typescript', 'tsc'], ['-p', '.']);
      for (const dir of TYPESCRIPT_DIRS) removeOrphans(root, dir);
    },
  },
  {
    name: 'browser',
    sources: ['src', 'assembly', 'tools/bundle.mjs', 'asconfig.json', 'tsconfig.json'],
    outputs: ['procmem.js', 'procmem.wasm', 'core.js', 'core.wasm'].map(
      (name) => `dist/browser/${name}`,
    ),
    run: bundle,
  },
  {
    name: 'web',
    sources: ['web', 'src', 'assembly', 'examples/crash', 'tools/web.mjs', 'tools/bundle.mjs'],
    outputs: ['dist/web/index.html', 'dist/web/worker.js', 'dist/web/procmem.html'],
    run: async (root) => {
      runBin(root, ['typescript', 'tsc'], ['-p', 'web']);
      await buildWeb(root);
    },
  },
  {
    // After every run of the TypeScript step: it is used only while it is no older than the modules.
    name: 'command line',
    sources: [
      ...TYPESCRIPT_DIRS,
      'assembly/abi',
      'tools/cli.mjs',
      'asconfig.json',
      'tsconfig.json',
    ],
    outputs: ['main', 'procmem', 'copy-worker'].map((name) => `dist/cli/${name}.cjs`),
    run: bundleCli,
  },
];

/**
 * Builds what is out of date.
 * @throws {BuildError} a compiler refused the sources
 */
export async function build(root, { rebuild, say }) {
  const stampFile = join(root, 'dist', '.built.json');
  const built =
    !rebuild && existsSync(stampFile) ? JSON.parse(readFileSync(stampFile, 'utf8')) : {};
  for (const step of STEPS) {
    const hash = hashSources(root, [...step.sources, 'package-lock.json', 'tools/build.mjs']);
    const whole = step.outputs.every((output) => existsSync(join(root, output)));
    if (whole && built[step.name] === hash) continue;
    say(`building: ${step.name}`);
    try {
      await step.run(root);
    } catch (error) {
      throw error instanceof BuildError ? error : new BuildError(`${step.name}: ${error.message}`);
    }
    built[step.name] = hash;
    mkdirSync(join(root, 'dist'), { recursive: true });
    writeFileSync(stampFile, JSON.stringify(built));
  }
}

/** A hash of names and contents: times say nothing after a checkout, and miss a deleted file. */
function hashSources(root, sources) {
  const hash = createHash('sha256');
  for (const file of sources.flatMap((source) => listSources(root, source))) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(root, file)))
      .update('\0');
  }
  return hash.digest('hex');
}

function listSources(root, path) {
  if (!existsSync(join(root, path))) return [];
  if (/\.\w+$/.test(path)) return [path];
  return readdirSync(join(root, path), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(tsx?|json|css|html|gz)$/.test(name))
    .map((name) => `${path}/${name.replaceAll('\\', '/')}`)
    .sort();
}

/** Removes outputs whose source is gone, so that a deleted test does not run on. */
function removeOrphans(root, dir) {
  const out = join(root, 'dist', dir);
  if (!existsSync(out)) return;
  for (const name of readdirSync(out, { recursive: true, encoding: 'utf8' })) {
    const source = name.replace(/\.(js|js\.map|d\.ts)$/, '.ts');
    if (source !== name && !existsSync(join(root, dir, source))) rmSync(join(out, name));
  }
}

/** Runs a package's program in a Node of its own, from the package's `bin` entry. */
function runBin(root, [packageName, binName], args) {
  const home = join(root, 'node_modules', packageName);
  const { bin } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'));
  runNode(root, binName, [join(home, bin[binName]), ...args]);
}

function runNode(root, name, args) {
  const result = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  if (result.status !== 0) {
    throw new BuildError(`${name} failed:\n${(result.stdout + result.stderr).trim()}`);
  }
}
