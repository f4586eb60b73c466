// docs/embedding.md's examples as a user has them: the packed package in node_modules, a page, a worker, Vite and
// esbuild without configuration, in both browsers.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { build as esbuild } from 'esbuild';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { build, createServer, preview } from 'vite';

import { ROOT } from '../house/tree.js';
import { type Browser, BROWSERS, launchBrowser, type Page, whyNoBrowser } from './browsers.js';
import { serve, type ServeOptions } from './server.js';

const SAID = '21 bytes: hello from the target; a stranger gets EACCES';
const HTML = '<link rel="icon" href="data:,"><output></output>';

const test = suite('browser/embedding');
const user = mkdtempSync(join(tmpdir(), 'procmem-embedding-'));

/** A directory with the examples, and with the package as npm installs it. */
function install(): void {
  const modules = join(user, 'node_modules');
  mkdirSync(join(modules, '@assemblyscript'), { recursive: true });
  const packed = ['pack', '--silent', '--ignore-scripts', '--pack-destination', user];
  const { stdout } = spawnSync('npm', packed, { cwd: ROOT, encoding: 'utf8' });
  execFileSync('tar', ['-xzf', join(user, stdout.trim()), '-C', modules]);
  renameSync(join(modules, 'package'), join(modules, 'procmem'));
  const loader = '@assemblyscript/loader';
  cpSync(join(ROOT, 'node_modules', loader), join(modules, loader), { recursive: true });
  cpSync(join(ROOT, 'examples', 'embedding'), user, { recursive: true });
}

/** What a page of `origin` shows in its <output>, and what went wrong on it. */
async function shown(browser: Browser, url: string): Promise<{ text: string; page: Page }> {
  const page = await browser.newPage();
  await page.goto(url);
  const text = await page.evaluate<string>(`new Promise((resolve) => {
    const look = () => {
      const { textContent } = document.querySelector('output');
      if (textContent !== '' || performance.now() > 90000) resolve(textContent);
      else setTimeout(look, 10);
    };
    look();
  })`);
  await page.close();
  return { text, page };
}

/** Files of the user's directory on a server of ours. */
async function shownFrom(
  browser: Browser,
  dir: string,
  path: string,
  options?: ServeOptions,
): Promise<{ text: string; page: Page }> {
  const server = await serve(new Map([['/', dir]]), options);
  try {
    return await shown(browser, server.origin + path);
  } finally {
    server.close();
  }
}

async function checkPlain(browser: Browser, options?: ServeOptions): Promise<void> {
  const { text, page } = await shownFrom(browser, user, '/page.html', options);
  assert.is(text, SAID);
  assert.equal(page.errors, []);
}

async function checkSmall(browser: Browser): Promise<void> {
  const { text, page } = await shownFrom(browser, user, '/small.html');
  assert.is(text, "2 bytes by force; SMall; SEGV_ACCERR; EPERM; 7 is the child's alone: true");
  assert.equal(page.errors, []);
}

async function checkVite(browser: Browser): Promise<void> {
  const quiet = { root: user, configFile: false, logLevel: 'error' } as const;
  await build(quiet);
  const built = await preview({ ...quiet, preview: { port: 0, host: '127.0.0.1' } });
  try {
    const { text, page } = await shown(browser, built.resolvedUrls?.local[0] ?? '');
    assert.is(text, SAID);
    assert.equal(page.errors, []);
  } finally {
    await built.close();
  }
}

async function checkViteDev(browser: Browser): Promise<void> {
  const server = await createServer({
    root: user,
    configFile: false,
    logLevel: 'error',
    server: { port: 0, host: '127.0.0.1' },
  });
  await server.listen();
  try {
    const { text, page } = await shown(browser, server.resolvedUrls?.local[0] ?? '');
    assert.is(text, SAID);
    assert.equal(page.errors, []);
  } finally {
    await server.close();
  }
}

/** The core stays behind: its bytes come out of the script. */
async function checkEsbuild(browser: Browser): Promise<void> {
  const options = { absWorkingDir: user, bundle: true, format: 'esm', write: false } as const;
  const { outputFiles } = await esbuild({ ...options, entryPoints: ['show.js'] });
  const server = await serve(
    new Map([
      ['/page.html', Buffer.from(`${HTML}<script type="module" src="/bundle.js"></script>`)],
      ['/bundle.js', outputFiles[0]?.contents ?? ''],
    ]),
  );
  try {
    const { text, page } = await shown(browser, `${server.origin}/page.html`);
    assert.is(text, SAID);
    assert.ok(
      page.errors.every((error) => /404|procmem\.wasm/.test(error)),
      String(page.errors),
    );
  } finally {
    server.close();
  }
}

async function checkWorker(browser: Browser): Promise<void> {
  const server = spawn(process.execPath, [join(user, 'worker', 'serve.mjs')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const url = await new Promise<string>((resolve, reject) => {
      server.stdout.setEncoding('utf8').once('data', resolve);
      server.once('exit', (status) => reject(new Error(`serve.mjs left with ${status}`)));
    });
    const { text, page } = await shown(browser, url.trim());
    assert.is(text, 'told by the worker; EIO; by the worker; 1000 reads of s');
    assert.equal(page.errors, []);
  } finally {
    server.kill();
  }
}

/** Each way, and how it is checked. */
const WAYS: readonly [way: string, check: (browser: Browser) => Promise<void>][] = [
  ['from a plain page', (browser) => checkPlain(browser)],
  [
    'from a server that does not know wasm',
    (browser) => checkPlain(browser, { types: { '.wasm': 'application/octet-stream' } }),
  ],
  ['as procmem/core with a smaller wasm', checkSmall],
  ['built by Vite', checkVite],
  ["from Vite's development server", checkViteDev],
  ['bundled by esbuild without the core', checkEsbuild],
  ['in a worker behind a mailbox', checkWorker],
];

install();
test.after(() => rmSync(user, { recursive: true }));

test('the example runs in Node', () => {
  const printed = execFileSync(process.execPath, [join(user, 'node.mjs')], { encoding: 'utf8' });
  assert.is(printed, `${SAID}\n`);
});

/** What examples/embedding/toy-cpu/run.mjs prints. */
const TOY_CPU = [
  'halt 42n 42n',
  'halt 42n 43n',
  'halt 401n',
  'halt 100n',
  'SIGSEGV SEGV_ACCERR at …0, instruction 2 42n',
  'SIGSEGV SEGV_MAPERR at …2000, instruction 0',
  'SIGSEGV SEGV_MAPERR at …2000, instruction 0',
  'halt cpu',
  'fuel 7n',
];

test('a CPU of another WebAssembly module runs on the memory of tasks', () => {
  const program = join(ROOT, 'examples', 'embedding', 'toy-cpu', 'run.mjs');
  const printed = execFileSync(process.execPath, [program], { encoding: 'utf8' });
  assert.equal(printed.trimEnd().split('\n'), TOY_CPU);
});

for (const name of BROWSERS) {
  const reason = whyNoBrowser(name);
  if (reason !== null) {
    console.log(`SKIPPED browser/embedding in ${name}: ${reason}`);
    test.skip(`the package works in ${name}`);
    continue;
  }
  let browser: Browser | null = null;
  for (const [way, check] of WAYS) {
    test(`${way} the package works in ${name}`, async () => {
      browser ??= await launchBrowser(name);
      await check(browser);
    });
  }
  test(`${name} is closed again`, async () => browser?.close());
}

test('the guide names every example', () => {
  const guide = readFileSync(join(ROOT, 'docs/embedding.md'), 'utf8');
  for (const name of ['node.mjs', 'page.html', 'small.html', 'worker/', 'index.html', 'toy-cpu/']) {
    assert.ok(guide.includes(`examples/embedding/${name}`), name);
  }
});

test.run();
