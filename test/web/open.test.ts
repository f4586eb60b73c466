// Opening cores and snapshots in the explorer: by drag and drop, by the file field, and what is no core.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { Machine, parseMaps, readCore } from '../../src/index.js';
import { exampleCore, exampleExecutable } from '../elf/example.js';
import type { ExplorerPage } from './browsers.js';
import { inBrowsers } from './explorer.js';
import { LARGE_MARK, LARGE_SIZE, LARGE_START, writeLargeCore } from './large-core.js';

const CRASH = fileURLToPath(new URL('../../../examples/crash/', import.meta.url));
const packed = (name: string): Uint8Array => readFileSync(join(CRASH, name));
const core = gunzipSync(packed('core.gz'));
/** Milliseconds in which a core of 2 GiB is open. */
const LARGE_LIMIT = 2000;

/** The start of each row of the list of mappings. */
const starts = (page: ExplorerPage): Promise<string[]> =>
  page.texts('.map-rows [role=rowgroup] .vrow > :first-child');

async function waitForMap(page: ExplorerPage): Promise<void> {
  await page.find('.map-rows [role=rowgroup] .vrow');
}

const test = suite('web/open');
const inBrowser = inBrowsers(test);
let dir = '';

test.before(() => {
  dir = mkdtempSync(join(tmpdir(), 'procmem-web-'));
  writeLargeCore(join(dir, 'large.core'));
});
test.after(() => rmSync(dir, { recursive: true }));

inBrowser('a core that is dropped shows the mappings that it has in Node', async (page) => {
  await page.open(null, 'panel=open');
  await page.find('.drop-box');
  await page.drop([
    { name: 'core.gz', bytes: packed('core.gz') },
    { name: 'thumbnail.gz', bytes: packed('thumbnail.gz') },
  ]);
  await waitForMap(page);
  const machine = await Machine.create();
  const open = (path: string) => (path.endsWith('/thumbnail') ? exampleExecutable() : null);
  const [task] = machine.loadCore(readCore(exampleCore()), { open }).threads;
  const maps = parseMaps(task?.readText('/proc/self/maps') ?? '');
  const wanted = maps.map(({ start }) => start.toString(16).padStart(12, '0'));
  assert.equal(
    await starts(page),
    wanted.filter((start) => !start.startsWith('ffff')),
  );
  await page.evaluate(`location.hash = location.hash.replace('panel=map', 'panel=stack')`);
  await page.find('.frame');
  assert.match(await page.text('main'), 'thumbnail');
});

inBrowser('a core without the files it names opens, and says which they are', async (page) => {
  await page.open(null, 'panel=open');
  await page.find('.drop-box');
  await page.drop([{ name: 'core', bytes: core }]);
  await waitForMap(page);
  await page.evaluate(`location.hash = '#panel=open'`);
  await page.until(`document.querySelector('main').innerText.includes('/thumbnail')`);
});

inBrowser('a snapshot that is dropped shows its tasks', async (page) => {
  const machine = await Machine.create();
  const task = machine.spawn({ comm: 'kept', uid: 1234, argv: ['kept'] });
  task.store(task.mmap({ length: 4096 }), new TextEncoder().encode('hello'));
  await page.open(null, 'panel=open');
  await page.find('.drop-box');
  await page.drop([{ name: 'machine.snap', bytes: machine.snapshot() }]);
  await waitForMap(page);
  await page.evaluate(`location.hash = location.hash.replace('panel=map', 'panel=tasks')`);
  await page.until(`document.querySelector('main').innerText.includes('kept')`);
  assert.match(await page.text('main'), '1234');
});

inBrowser(
  'a core of 2 GiB is open in two seconds, and its last page is read',
  async (page, browser) => {
    await page.open(null, 'panel=open');
    await page.find('.drop-box');
    await page.evaluate(`globalThis.chosen = 0;
    document.querySelector('#files').addEventListener('change', () => (chosen = performance.now()), { capture: true })`);
    await page.choose('#files', [join(dir, 'large.core')]);
    await page.until(`document.querySelector('.map-rows [role=rowgroup] .vrow') !== null`);
    const took = await page.evaluate<number>('performance.now() - chosen');
    console.log(`web/open: ${browser}: 2 GiB in ${Math.round(took)} ms`);
    assert.ok(took < LARGE_LIMIT, `${took} ms`);
    const last = (LARGE_START + LARGE_SIZE - 4096).toString(16);
    await page.evaluate(`location.hash = '#panel=hex&task=1234&addr=0x${last}'`);
    await page.until(
      `[...document.querySelectorAll('.hex-text')].some((each) => each.textContent === ${JSON.stringify(LARGE_MARK.slice(0, 16))})`,
    );
  },
);

/** Files that cannot be opened, and what the page says of them. */
const REFUSED: readonly (readonly [what: string, bytes: Uint8Array, says: RegExp])[] = [
  ['empty', new Uint8Array(0), /empty: the file is empty/],
  [
    'text',
    new TextEncoder().encode('hello, world'),
    /text: neither a core nor a snapshot; it begins with 68 65 6c/,
  ],
  [
    'program',
    gunzipSync(packed('thumbnail.gz')),
    /program: this is an executable or a library, not a core/,
  ],
  ['cut', core.subarray(0, 3000), /cut: offset 0x[0-9a-f]+: /],
  ['header', core.subarray(0, 20), /header: offset 0x0: /],
  [
    'damaged.gz',
    packed('core.gz').subarray(0, 700),
    /damaged\.gz: the gzip file is damaged or cut short/,
  ],
  ['wild', wild(core), /wild: offset 0x20: /],
];

/** A core whose program headers lie beyond every file. */
function wild(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(bytes); // a slice() of a Buffer shares its memory
  new DataView(copy.buffer).setBigUint64(32, 0xffff_ffff_ffff_0000n, true);
  return copy;
}

inBrowser('what is no core is refused with a reason, and the page goes on', async (page) => {
  await page.open(null, 'panel=open');
  await page.find('.drop-box');
  for (const [name, bytes, says] of REFUSED) {
    await page.drop([{ name, bytes }]);
    await page.until(
      `document.querySelector('.notice-error')?.innerText.includes(${JSON.stringify(name)})`,
    );
    assert.match(await page.text('.notice-error'), says);
  }
  assert.equal(await page.violations(), []);
  await page.screenshot('refused');
  await page.drop([
    { name: 'one', bytes: core },
    { name: 'two', bytes: core },
  ]);
  await page.until(
    `document.querySelector('.notice-error')?.innerText.includes('one at a time') || document.querySelector('.notice-error')?.innerText.includes('one core or snapshot at a time')`,
  );
  await page.click('A crash');
  await waitForMap(page);
});

inBrowser(
  'a snapshot that was cut short or changed is refused, and what was open stays',
  async (page) => {
    const machine = await Machine.create();
    machine.spawn({ comm: 'kept' });
    const snapshot = machine.snapshot();
    const changed = snapshot.slice();
    changed[changed.length >> 1]! ^= 1;
    await page.open('crash', 'panel=map');
    await waitForMap(page);
    const before = await starts(page);
    await page.drop([{ name: 'cut.snap', bytes: snapshot.subarray(0, snapshot.length - 5000) }]);
    await page.find('.notice-error');
    await page.drop([{ name: 'changed.snap', bytes: changed }]);
    await page.until(
      `/checksum|not as it was written|CORRUPT|is not/.test(document.querySelector('.notice-error')?.innerText ?? '')`,
    );
    await page.evaluate('history.back()');
    await page.evaluate(`location.hash = '#panel=map&task=5779'`);
    await waitForMap(page);
    assert.equal(await starts(page), before);
  },
);

test.run();
