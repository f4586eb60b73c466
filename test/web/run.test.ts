// Programs in the explorer: the examples, a terminal that is typed into, and files of the user's.
import { spawnSync } from 'node:child_process';
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import type { ExplorerPage } from './browsers.js';
import { inBrowsers } from './explorer.js';

const EXAMPLES = fileURLToPath(new URL('../../../examples/', import.meta.url));
const unpacked = (path: string): Uint8Array => gunzipSync(readFileSync(join(EXAMPLES, path)));
const look = unpacked('guest/look.gz');
/** Longer than the 100 bytes that a header of tar has for a name. */
const LONG = `long/${'directory/'.repeat(14)}program`;
/** What tar writes, by the name of its format. */
const archives = new Map<string, Uint8Array>();

const test = suite('web/run');
const inBrowser = inBrowsers(test);
let dir = '';

test.before(() => {
  dir = mkdtempSync(join(tmpdir(), 'procmem-run-'));
  const root = join(dir, 'root');
  mkdirSync(join(root, 'bin'), { recursive: true });
  mkdirSync(dirname(join(root, LONG)), { recursive: true });
  writeFileSync(join(root, 'bin', 'look'), look, { mode: 0o755 });
  symlinkSync('look', join(root, 'bin', 'peek'));
  linkSync(join(root, 'bin', 'look'), join(root, LONG));
  for (const format of ['gnu', 'pax', 'ustar']) {
    const { stdout, stderr, status } = spawnSync('tar', [
      '-C',
      root,
      `--format=${format}`,
      '-c',
      './bin',
      './long',
    ]);
    assert.is(status, 0, String(stderr));
    archives.set(format, stdout);
  }
});
test.after(() => rmSync(dir, { recursive: true }));

async function openRun(page: ExplorerPage): Promise<void> {
  await page.open(null, 'panel=run');
  await page.find('.xterm-screen');
}

/** Waits for text in the terminal. */
function shows(page: ExplorerPage, text: string): Promise<void> {
  const rows = `document.querySelector('.xterm-rows').innerText.replaceAll('\\u00a0', ' ')`;
  return page.until(`${rows}.includes(${JSON.stringify(text)})`);
}

/** Waits for how the run is. */
function isNow(page: ExplorerPage, text: string): Promise<void> {
  return page.until(
    `document.querySelector('.run-status').innerText.includes(${JSON.stringify(text)})`,
  );
}

async function start(page: ExplorerPage, command: string): Promise<void> {
  await page.fill('Command', command);
  await page.click('Run');
}

async function enter(page: ExplorerPage, line: string): Promise<void> {
  await page.evaluate(`document.querySelector('.xterm-helper-textarea').focus()`);
  await page.type(line);
  await page.press('Enter');
}

async function check(page: ExplorerPage, label: string): Promise<void> {
  await page.evaluate(
    `[...document.querySelectorAll('.check')].find((each) => each.innerText.trim() === ${JSON.stringify(label)}).click()`,
  );
}

inBrowser('a program crashes without names, and with /proc/self/mem with them', async (page) => {
  await openRun(page);
  await check(page, 'The machine has /proc/PID/mem');
  await page.click('Run');
  await isNow(page, 'Killed by SIGSEGV');
  await shows(page, '(unknown)');
  assert.not.match(await page.text('.xterm-rows'), 'priceOf');
  await check(page, 'The machine has /proc/PID/mem');
  await page.click('Run');
  await shows(page, 'priceOf');
  await isNow(page, 'Killed by SIGSEGV');
  const text = await page.text('.xterm-rows');
  for (const name of ['costOf', 'printBill', 'main']) assert.match(text, name);
  assert.not.match(text, '(unknown)');
  await page.click('System calls');
  await page.find('.run-calls');
  const calls = await page.text('.run-calls');
  assert.match(calls, /pread64\(\d, .*\) += \d/);
  assert.match(calls, '+++ killed by SIGSEGV +++');
  // Nothing is left to look into, and the page says so.
  await page.until(
    `document.querySelector('.task-bar select').selectedOptions[0].innerText === '2 crash, ended'`,
  );
  await page.evaluate(`location.hash = location.hash.replace('panel=run', 'panel=map')`);
  await page.find('.notice-error');
  assert.match(await page.text('.notice-error'), 'pause it while it lives');
  await page.evaluate(`location.hash = location.hash.replace('panel=map', 'panel=run')`);
});

inBrowser('what is typed is echoed and read, and ^C is SIGINT', async (page) => {
  await openRun(page);
  await page.fill('Program', 'look');
  await page.click('Run');
  await shows(page, 'look>');
  await enter(page, 'maps');
  await shows(page, '[stack]');
  await enter(page, '0x10000');
  await shows(page, '.ELF');
  await enter(page, '1');
  await shows(page, 'Nothing can be read there.');
  await page.evaluate(`document.querySelector('.xterm-helper-textarea').dispatchEvent(
    new KeyboardEvent('keydown', { key: 'c', code: 'KeyC', keyCode: 67, ctrlKey: true, bubbles: true, cancelable: true }))`);
  await isNow(page, 'Killed by SIGINT');
  await page.click('Run');
  await shows(page, 'look>');
  await enter(page, 'quit');
  await isNow(page, 'Exited with 0');
});

inBrowser('an endless loop leaves the page alive, is paused, stepped and stopped', async (page) => {
  await openRun(page);
  await page.fill('Program', 'look');
  await page.click('Run');
  await shows(page, 'look>');
  await enter(page, 'spin');
  await shows(page, 'spin');
  // A frame is drawn while the program computes.
  const frame = `new Promise((resolve) => requestAnimationFrame((from) => requestAnimationFrame((to) => resolve(to - from))))`;
  assert.ok((await page.evaluate<number>(frame)) < 500);
  await page.click('Pause');
  await isNow(page, 'Paused');
  const at = await page.text('.run-status');
  await page.click('Step');
  await page.until(`document.querySelector('.run-status').innerText !== ${JSON.stringify(at)}`);
  await page.evaluate(`location.hash = location.hash.replace('panel=run', 'panel=stack')`);
  await page.find('.frame');
  assert.match(await page.text('main'), 'spin');
  await page.evaluate(`location.hash = location.hash.replace('panel=stack', 'panel=registers')`);
  await page.find('.register-main');
  await page.evaluate(`location.hash = location.hash.replace('panel=registers', 'panel=run')`);
  await page.find('.xterm-screen');
  await shows(page, 'look> spin');
  await page.click('Continue');
  await isNow(page, 'Running');
  await page.click('Stop');
  await isNow(page, 'Killed by SIGKILL');
});

inBrowser('a fault pauses where its handler begins, with the stack of the crash', async (page) => {
  await openRun(page);
  await check(page, 'Pause when a fault is handled');
  await page.click('Run');
  await isNow(page, 'where the handler of its fault begins');
  await page.evaluate(`location.hash = location.hash.replace('panel=run', 'panel=stack')`);
  await page.find('.frame');
  const text = await page.text('main');
  for (const name of ['onSegv', 'costOf', 'printBill', 'main']) assert.match(text, name);
  await page.evaluate(`location.hash = location.hash.replace('panel=stack', 'panel=run')`);
  await page.find('.xterm-screen');
  await page.click('Continue');
  await shows(page, 'priceOf');
});

inBrowser('opening something else ends the program', async (page) => {
  await openRun(page);
  await page.fill('Program', 'look');
  await page.click('Run');
  await shows(page, 'look>');
  await page.evaluate(`location.hash = '#panel=open'`);
  await page.click('A crash');
  await page.find('.map-rows [role=rowgroup] .vrow');
  await page.evaluate(`location.hash = '#panel=run'`);
  await isNow(page, 'Killed by SIGKILL');
});

inBrowser('a program that is dropped runs, and so do those of a tar', async (page) => {
  await openRun(page);
  await page.drop([{ name: 'mine', bytes: look }]);
  await page.click('Run');
  await shows(page, 'look>');
  await enter(page, 'maps');
  await shows(page, '/mine');
  await page.click('Stop');
  await isNow(page, 'Killed by SIGKILL');
  for (const [format, bytes] of archives) {
    const packed = format === 'gnu';
    const name = `${format}.tar${packed ? '.gz' : ''}`;
    await page.drop([{ name, bytes: packed ? gzipSync(bytes) : bytes }]);
    await page.until(
      `document.querySelector('main select').selectedOptions[0].label === '${name}'`,
    );
    for (const [command, file] of [
      ['peek', '/bin/look'],
      [`/${LONG}`, format],
    ] as const) {
      await start(page, command);
      await shows(page, 'look>');
      await enter(page, 'maps');
      // A hard link is the same file: its path is that of the link that was opened.
      await shows(page, file === format ? '/program' : file);
      await enter(page, 'quit');
      await isNow(page, 'Exited with 0');
    }
  }
});

/** An archive with some bytes of its first header changed, and the checksum made right again. */
function forged(change: (header: Uint8Array) => void): Uint8Array {
  const bytes = new Uint8Array(1536);
  const field = (at: number, text: string): void => bytes.set(new TextEncoder().encode(text), at);
  field(0, 'name');
  field(100, '0000755\0');
  field(124, '00000000000\0');
  field(156, '0');
  field(257, 'ustar\x0000');
  change(bytes);
  bytes.fill(0x20, 148, 156);
  const sum = bytes.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  field(148, `${sum.toString(8).padStart(6, '0')}\0`);
  return bytes;
}

/** Puts text into a header. */
const put = (at: number, text: string) => (header: Uint8Array) =>
  header.set(new TextEncoder().encode(`${text}\0`), at);

const x86 = unpacked('crash/thumbnail.gz');

/** Files that are refused, and what is said of them. */
const REFUSED: readonly (readonly [name: string, bytes: Uint8Array, says: RegExp])[] = [
  ['empty', new Uint8Array(0), /empty: the file is empty/],
  ['text', new TextEncoder().encode('hello, world'), /text: neither a program \(ELF\) nor a tar/],
  ['x86', x86, /x86: a program for another processor/],
  ['cut', look.subarray(0, 40), /cut: neither a program/],
  ['cut-program', look.subarray(0, 100), /cut-program: is no program for 64-bit RISC-V/],
  ['cut.gz', gzipSync(look).subarray(0, 500), /cut\.gz: the gzip file is damaged or cut short/],
  [
    'up.tar',
    forged(put(0, 'a/../../b')),
    /up\.tar: offset 0x200: a\/\.\.\/\.\.\/b: a path that leads out/,
  ],
  ['root.tar', forged(put(0, '/etc/passwd')), /root\.tar: .*\/etc\/passwd: an absolute path/],
  [
    'lies.tar',
    forged(put(124, '77777777777')),
    /lies\.tar: offset 0x200: 8589934591 bytes are announced, and 1024 are left/,
  ],
  ['digits.tar', forged(put(124, '9x')), /digits\.tar: offset 0x0: the size is no number/],
  ['hard.tar', forged((h) => (put(156, '1')(h), put(157, '../x')(h))), /hard\.tar: .*leads out/],
  [
    'gone.tar',
    forged((h) => (put(156, '1')(h), put(157, 'gone')(h))),
    /gone\.tar: name: cannot be unpacked \(ENOENT\)/,
  ],
  [
    'pax.tar',
    forged((h) => (put(156, 'x')(h), put(124, '00000000012')(h), put(512, '99 path=a')(h))),
    /pax\.tar: .*a pax record is damaged/,
  ],
  ['odd.tar', forged(put(156, 'S')), /odd\.tar: .*entries of type S are not known/],
];

inBrowser('what is no program is refused with a reason, and the page goes on', async (page) => {
  await openRun(page);
  for (const [name, bytes, says] of REFUSED) {
    await page.drop([{ name, bytes }]);
    await page.until(
      `document.querySelector('main select').selectedOptions[0].label === '${name}'`,
    );
    await start(page, name.replace('.gz', ''));
    await page.until(
      `document.querySelector('.notice-error')?.innerText.includes(${JSON.stringify(`${name.replace('cut.gz', 'cut')}`)})`,
    );
    assert.match(await page.text('.notice-error'), says);
  }
  await page.drop([{ name: 'ustar.tar', bytes: (archives.get('ustar') ?? look).subarray(0, 700) }]);
  await start(page, 'look');
  await page.until(`document.querySelector('.notice-error')?.innerText.includes('ustar.tar')`);
  await page.fill('Command', '"look');
  await page.until(`document.querySelector('main').innerText.includes('a " that does not end')`);
  await page.fill('Program', 'crash');
  await page.click('Run');
  await shows(page, 'priceOf');
});

const LOOKS = [
  [1280, 'light'],
  [1280, 'dark'],
  [390, 'light'],
  [390, 'dark'],
] as const;

inBrowser('the panel is accessible in both colours and at both widths', async (page, browser) => {
  await openRun(page);
  await page.fill('Program', 'look');
  await page.click('Run');
  await shows(page, 'look>');
  for (const [width, theme] of LOOKS) {
    await page.resize(width, width === 390 ? 844 : 900);
    await page.theme(theme);
    await page.evaluate('new Promise((resolve) => setTimeout(resolve, 300))');
    assert.equal(await page.violations(), [], `${width} ${theme}`);
    await page.fits();
    await page.screenshot(`${browser}-run-${width}-${theme}`);
  }
});

inBrowser('the tour ends with a program that crashes in the page', async (page, browser) => {
  await page.open(null, 'panel=tour');
  await page.find('.tour-terminal');
  await page.click('4');
  await page.until(`document.querySelectorAll('.xterm-rows').length === 2`);
  await page.until(`document.querySelectorAll('.xterm-rows')[1].innerText.includes('priceOf')`);
  const [without = '', withMem = ''] = await page.texts('.xterm-rows');
  assert.is(without.match(/\(unknown\)/g)?.length, 6);
  assert.not.match(withMem, '(unknown)');
  assert.match(withMem, 'printBill');
  for (const [width, theme] of [
    [1280, 'light'],
    [390, 'dark'],
  ] as const) {
    await page.resize(width, 900);
    await page.theme(theme);
    await page.evaluate('new Promise((resolve) => setTimeout(resolve, 300))');
    assert.equal(await page.violations(), [], `${width} ${theme}`);
    await page.fits();
    await page.screenshot(`${browser}-real-${width}-${theme}`);
  }
});

inBrowser('on a narrow page the link of the panel is in sight', async (page) => {
  await page.resize(390, 844);
  const seen = `(() => {
    const { left, right } = document.querySelector('.sidebar [aria-current]').getBoundingClientRect();
    return left >= 0 && right <= document.querySelector('.sidebar-groups').getBoundingClientRect().right;
  })()`;
  for (const panel of ['speed', 'run', 'access']) {
    await page.open(null, `panel=${panel}`);
    await page.find('h1');
    await page.until(seen);
  }
  await page.resize(1280, 900);
  await page.open(null, 'panel=speed');
  await page.find('h1');
  await page.resize(390, 844);
  await page.until(seen);
});

test.run();
