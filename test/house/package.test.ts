import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { readText, ROOT } from './tree.js';

/** A program of someone who has installed the package. */
const CONSUMER = `
import { LinuxError, Machine } from 'procmem';

const machine = await Machine.create();
const task = machine.spawn({ uid: 1000, gid: 1000 });
try {
  task.open('/proc/self/nothing');
} catch (error) {
  if (!(error instanceof LinuxError)) throw error;
  const code: string = error.code;
  console.log(code);
}
`;

const TSCONFIG = {
  compilerOptions: {
    target: 'es2022',
    module: 'nodenext',
    lib: ['es2022', 'dom'],
    types: [],
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
  },
  files: ['consumer.ts'],
};

function run(cwd: string, program: string, ...args: string[]): string {
  const shell = process.platform === 'win32';
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, shell, encoding: 'utf8' });
  assert.is(status, 0, `${program} ${args.join(' ')}:\n${stdout}${stderr}`);
  return stdout;
}

/** Every file that a field of package.json names. */
function namedFiles(field: unknown): string[] {
  if (typeof field === 'string') return [field];
  return typeof field === 'object' && field !== null
    ? Object.values(field).flatMap(namedFiles)
    : [];
}

const manifest = JSON.parse(readText('package.json')) as Record<string, unknown>;
const test = suite('house/package');
let dir = '';

test.before(() => {
  dir = mkdtempSync(join(tmpdir(), 'procmem-package-'));
});
test.after(() => rmSync(dir, { recursive: true }));

test('every entry of package.json leads to a file', () => {
  const entries = ['exports', 'bin', 'types'].flatMap((name) => namedFiles(manifest[name]));
  const missing = entries.filter((path) => !existsSync(join(ROOT, path)));
  assert.equal(missing, []);
});

test('every dependency has one exact version', () => {
  for (const name of ['dependencies', 'devDependencies']) {
    const versions = Object.values(manifest[name] as Record<string, string>);
    assert.equal(
      versions.filter((version) => !/^\d+\.\d+\.\d+$/.test(version)),
      [],
    );
  }
});

test('the packed package has what it needs and no more', () => {
  const [packed] = JSON.parse(
    run(ROOT, 'npm', 'pack', '--json', '--ignore-scripts', '--pack-destination', dir),
  ) as [{ filename: string; files: { path: string }[] }];
  run(dir, 'tar', '-xzf', packed.filename);
  const paths = packed.files.map(({ path }) => path);
  for (const path of ['LICENSE', 'README.md', 'dist/procmem.wasm', 'dist/browser/procmem.wasm']) {
    assert.ok(paths.includes(path), path);
  }
  const linked = [...readText('README.md').matchAll(/(?:\]\(|src=")(?!\.\/)([^)"#:]+)[)"#]/g)];
  assert.equal(
    linked.map((match) => match[1]!).filter((path) => !paths.includes(path)),
    [],
    'the README links to files that are not packed',
  );
  const unwanted = paths.filter(
    (path) =>
      /^(dist\/)?(test|bench|tools)\/|tsbuildinfo|^dist\/browser\/.*\.map$|\/kept\//.test(path) &&
      path !== 'test/linux/README.md',
  );
  assert.equal(unwanted, []);
});

test('a strict TypeScript program compiles against it and runs', () => {
  const modules = join(dir, 'consumer', 'node_modules');
  mkdirSync(join(modules, '@assemblyscript'), { recursive: true });
  symlinkSync(join(dir, 'package'), join(modules, 'procmem'), 'junction');
  const loader = join('node_modules', '@assemblyscript', 'loader');
  // Beside the package too: a link is followed before its dependencies are looked for.
  mkdirSync(join(dir, 'node_modules', '@assemblyscript'), { recursive: true });
  symlinkSync(join(ROOT, loader), join(dir, loader), 'junction');
  const consumer = join(dir, 'consumer');
  writeFileSync(join(consumer, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(consumer, 'tsconfig.json'), JSON.stringify(TSCONFIG));
  writeFileSync(join(consumer, 'consumer.ts'), CONSUMER);
  run(consumer, process.execPath, join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', '.');
  assert.is(run(consumer, process.execPath, 'consumer.js'), 'ENOENT\n');
});

test('the program it installs tells how it is used', () => {
  const { bin } = JSON.parse(readFileSync(join(dir, 'package', 'package.json'), 'utf8')) as {
    bin: { procmem: string };
  };
  const program = join(dir, 'package', bin.procmem);
  assert.match(run(dir, process.execPath, program, 'help'), 'procmem');
  const kept = join(dir, 'package', 'dist', 'cli', 'kept');
  assert.ok(existsSync(kept), 'and runs from the script that the build made');
});

test.run();
