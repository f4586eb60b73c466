// The command line as one script, in a tree of its own, so that what is kept there is nobody else's.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { ROOT } from '../house/tree.js';

const SCRIPTS = join(ROOT, 'dist', 'cli');
/** In the place of the modules: says that it was run. */
const MODULES = "export async function runProgram() { console.log('the modules'); return 0; }";

const test = suite('cli/script');
let dir = '';
let kept = '';

/** The two forms of the program: the one that is installed, and the module. */
const MAINS = ['dist/cli/main.cjs', 'dist/src/cli/main.js'] as const;

function run(...args: string[]): string {
  return runMain(MAINS[0], ...args);
}

function runMain(name: (typeof MAINS)[number], ...args: string[]): string {
  const main = join(dir, name);
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], {
    encoding: 'utf8',
  });
  return `${stdout}${stderr}${status}`;
}

test.before.each(() => {
  dir = fs.mkdtempSync(join(tmpdir(), 'procmem-script-'));
  kept = join(dir, 'dist', 'cli', 'kept');
  const modules = join(dir, 'dist', 'src', 'cli');
  fs.mkdirSync(modules, { recursive: true });
  fs.mkdirSync(join(dir, 'dist', 'cli'));
  for (const name of ['main.js', 'script.js']) {
    fs.copyFileSync(join(ROOT, 'dist', 'src', 'cli', name), join(modules, name));
  }
  fs.writeFileSync(join(modules, 'program.js'), MODULES);
  fs.copyFileSync(join(ROOT, 'package.json'), join(dir, 'package.json'));
  for (const name of ['main.cjs', 'procmem.cjs']) {
    fs.copyFileSync(join(SCRIPTS, name), join(dir, 'dist', 'cli', name));
  }
});
test.after.each(() => fs.rmSync(dir, { recursive: true }));

test('a command runs from the script, and what was compiled of it is kept for the next run', () => {
  const first = run('version');
  assert.match(first, /^procmem \d+\.\d+\.\d+\n0$/);
  const [name = '', ...others] = fs.readdirSync(kept);
  assert.equal(others, []);
  assert.match(name, /^version-[0-9a-f]{16}-/);
  const written = (): number => fs.statSync(join(kept, name)).mtimeMs;
  // One run in eight looks whether there is more to keep, and may write: not each of four.
  const again = [1, 2, 3, 4].map(() => {
    const before = written();
    assert.is(run('version'), first);
    assert.equal(fs.readdirSync(kept), [name]);
    return written() !== before;
  });
  assert.ok(again.includes(false), 'it fits, and is not written again');
});

test('what a later run of the same command compiled is added, and nothing is lost again', () => {
  run('help');
  const [name = ''] = fs.readdirSync(kept);
  const size = (): number => fs.statSync(join(kept, name)).size;
  const first = size();
  // One run in eight looks; that none of 200 does happens once in 10^11.
  for (let i = 0; i < 200 && size() === first; i++) run('help', 'maps');
  const second = size();
  assert.ok(second > first, `${second} bytes`);
  for (let i = 0; i < 16; i++) run('help');
  assert.is(size(), second);
});

test('each command keeps its own', () => {
  run('version');
  run('help', 'maps');
  const commands = fs.readdirSync(kept).map((name) => name.split('-')[0]);
  assert.equal(commands.sort(), ['help', 'version']);
});

test('what does not fit is compiled again and replaced', () => {
  const first = run('version');
  const [name = ''] = fs.readdirSync(kept);
  const path = join(kept, name);
  const { size } = fs.statSync(path);
  for (const bytes of [
    Buffer.alloc(0),
    Buffer.alloc(64, 0xff),
    fs.readFileSync(path).fill(0, 0, 4),
  ]) {
    fs.writeFileSync(path, bytes);
    assert.is(run('version'), first);
    assert.ok(fs.statSync(path).size > size / 2);
  }
});

test('where nothing can be kept the command runs all the same', () => {
  fs.writeFileSync(kept, 'a file where the directory would be');
  assert.match(run('version'), /^procmem .*\n0$/);
  assert.ok(fs.statSync(kept).isFile());
});

for (const argv of [[], ['nonsense'], ['../../x'], ['--what']]) {
  test(`nothing is kept of ${JSON.stringify(argv)}`, () => {
    assert.match(run(...argv), /^procmem: .*\n2$/);
    assert.is(fs.existsSync(kept), false);
  });
}

for (const main of MAINS) {
  test(`${main}: the script is run, and modules that are newer instead, as where there is none`, () => {
    const script = join(dir, 'dist', 'cli', 'procmem.cjs');
    assert.match(runMain(main, 'version'), /^procmem .*\n0$/);
    fs.utimesSync(script, new Date(0), new Date(0));
    assert.is(runMain(main, 'version'), 'the modules\n0');
    fs.rmSync(script);
    assert.is(runMain(main, 'version'), 'the modules\n0');
  });
}

test('a status is passed on, through a link to the program too', () => {
  const link = join(dir, 'procmem');
  fs.symlinkSync(join(dir, MAINS[0]), link);
  for (const [args, status] of [
    [['version'], 0],
    [['nonsense'], 2],
  ] as const) {
    assert.is(spawnSync(process.execPath, [link, ...args]).status, status);
  }
});

/** Prints at the end which of Node's modules the program had loaded. */
const TELL = `
const before = new Set(process.moduleLoadList);
process.on('exit', () => {
  const loaded = process.moduleLoadList.filter((name) => !before.has(name));
  require('node:fs').writeSync(1, loaded.filter((name) => name.startsWith('NativeModule')).join());
});`;
/** What takes milliseconds to load, and what a program needs none of. */
const HEAVY = /NativeModule (perf_hooks|crypto|stream|net|tty|http|zlib|child_process)/;

test('to run a program loads few modules of Node', () => {
  fs.writeFileSync(join(dir, 'tell.cjs'), TELL);
  fs.copyFileSync(join(ROOT, 'dist', 'procmem.wasm'), join(dir, 'dist', 'procmem.wasm'));
  const crash = join(dir, 'crash');
  fs.writeFileSync(crash, gunzipSync(fs.readFileSync(join(ROOT, 'examples/guest/crash.gz'))));
  const runTold = () => {
    const args = ['-r', join(dir, 'tell.cjs'), join(dir, MAINS[0]), 'run', crash];
    return spawnSync(process.execPath, args, { encoding: 'utf8' });
  };
  runTold();
  let again = runTold();
  // One run in eight looks whether to keep more: it loads node:v8, and the streams with it.
  while (again.pid % 8 === 0) again = runTold();
  const { stdout, stderr } = again;
  assert.match(`${stdout}${stderr}`, 'main');
  const loaded = stdout.slice(stdout.indexOf('NativeModule'));
  assert.match(loaded, 'NativeModule vm');
  assert.not.match(loaded, HEAVY);
});

test.run();
