// The explorer as a whole: keyboard only, deep links, widths and colours, accessibility, policy, from disk.
import { fileURLToPath, pathToFileURL } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { serveExplorer } from '../../src/cli/serve.js';
import type { ExplorerPage } from './browsers.js';
import { inBrowsers } from './explorer.js';

const SINGLE = pathToFileURL(
  fileURLToPath(new URL('../../web/procmem.html', import.meta.url)),
).href;

/** The panels, with what is there when they are. */
const PANELS = [
  { id: 'open', demo: null, hash: '', ready: '.drop-box' },
  { id: 'tasks', demo: 'family', hash: '', ready: '.facts' },
  { id: 'map', demo: 'crash', hash: '&task=5779&addr=0x7ffd750bd000', ready: '.chosen-path' },
  { id: 'hex', demo: 'crash', hash: '&task=5779&addr=0x7f700a533000', ready: '.hex-row .text' },
  { id: 'search', demo: 'crash', hash: '&task=5779', ready: '.search-form' },
] as const;

const WIDTHS = [
  [1280, 800],
  [390, 844],
] as const;

const focused = (page: ExplorerPage): Promise<string> =>
  page.evaluate(
    `document.activeElement.className || document.activeElement.id || document.activeElement.tagName`,
  );

const rows = (page: ExplorerPage): Promise<number> =>
  page.evaluate(`Number(document.querySelector('.map-rows').getAttribute('aria-rowcount'))`);

/** Where light lines cross the drawn mappings, in pixels. */
const pageLines = (page: ExplorerPage): Promise<number[]> =>
  page.evaluate(`(() => {
    const canvas = document.querySelector('.map-canvas');
    const { data } = canvas.getContext('2d').getImageData(0, Math.round(106 * devicePixelRatio), canvas.width, 1);
    const lines = [];
    for (let x = 1; x < canvas.width; x++) {
      const rises = data[x * 4] - data[x * 4 - 4];
      if (rises > 30) lines.push(Math.round(x / devicePixelRatio));
    }
    return lines;
  })()`);

const test = suite('web/shell');
const inBrowser = inBrowsers(test);

inBrowser(
  'every panel fits its width in both colours, and axe finds nothing wrong',
  async (page, browser) => {
    for (const { id, demo, hash, ready } of PANELS) {
      await page.open(demo, `panel=${id}${hash}`);
      for (const [width, height] of WIDTHS) {
        await page.resize(width, height);
        for (const theme of ['light', 'dark'] as const) {
          await page.theme(theme);
          await page.find(ready);
          const where = `${browser}-${id}-${width}-${theme}`;
          assert.not(await page.overflows(), `${where} is wider than the page`);
          assert.equal(await page.violations(), [], where);
          await page.screenshot(where);
        }
      }
    }
  },
);

inBrowser('the keyboard alone leads from the start to a byte and back', async (page) => {
  await page.open('crash', 'panel=map&task=5779');
  await page.find('.map-rows .vrow');
  await page.press('Tab');
  assert.is(await focused(page), 'skip');
  await page.press('Enter');
  assert.is(await focused(page), 'main');
  for (const expected of ['button', 'button', 'button']) {
    await page.press('Tab');
    assert.match(await focused(page), expected);
  }
  await page.press('Tab'); // “Selected” is disabled: nothing is selected yet
  assert.is(await focused(page), 'map-canvas');
  await page.press(']');
  await page.press(']');
  await page.until(`location.hash.includes('addr=0x7f700a52b000')`);
  await page.press('+');
  await page.press('ArrowRight');
  await page.press('0');
  await page.press('Enter');
  await page.until(`location.hash.includes('panel=hex')`);
  await page.find('.hex-row');
  await page.press('g');
  await page.press('t');
  await page.find('.facts');
  await page.press('?');
  await page.find('dialog[open]');
  assert.equal(await page.violations(), []);
  await page.press('Escape');
  await page.until(`document.querySelector('dialog') === null`);
  await page.press('/');
  await page.until(`document.activeElement?.id === 'jump'`);
  await page.type('[stack]');
  await page.press('Enter');
  await page.until(`location.hash.includes('addr=0x7ffd7509d000')`);
  await page.until(`document.activeElement?.className.startsWith('hex-grid')`);
  await page.press('ArrowDown');
  await page.press('ArrowRight');
  await page.until(`location.hash.includes('addr=0x7ffd7509d011')`);
  await page.until(`document.querySelector('#hex-cursor') !== null`);
});

inBrowser('a link has panel, task and address; back and forward follow', async (page) => {
  await page.open('crash', 'panel=hex&task=5779&addr=0x7f700a533001');
  await page.until(`document.querySelector('#hex-cursor')?.textContent === '45'`);
  await page.evaluate(`document.querySelector('.sidebar a[title^="Processes"]').click()`);
  await page.find('.facts');
  await page.evaluate('history.back()');
  await page.until(`document.querySelector('#hex-cursor')?.textContent === '45'`);
  await page.evaluate('history.forward()');
  await page.find('.facts');
  await page.open('crash', 'panel=hex&task=99&addr=nonsense&as=-1');
  await page.find('.notice-error');
  assert.match(await page.text('.notice-error'), 'there is no task 99');
  await page.open('nothing', 'panel=open');
  await page.find('.notice-error');
  assert.match(await page.text('.notice-error'), `there is no demo 'nothing'`);
});

inBrowser('100,000 mappings are listed, filtered and drawn', async (page) => {
  await page.open('large', 'panel=map&task=3');
  await page.find('.map-rows .vrow');
  assert.is(await rows(page), 100_001);
  assert.ok((await page.texts('.map-rows [role=rowgroup] .vrow')).length < 80);
  await page.evaluate(`document.querySelector('.map-rows').scrollTop = 28 * 50000`);
  await page.until(`document.querySelector('[aria-rowindex="50010"]') !== null`);
  await page.fill('Filter', 'r-xp');
  await page.until(
    `Number(document.querySelector('.map-rows').getAttribute('aria-rowcount')) === 33334`,
  );
  await page.screenshot('crowd');
});

inBrowser('the map zooms from everything to single pages', async (page) => {
  await page.open('large', 'panel=map&task=2&addr=0x7fffb7e00000');
  await page.find('.chosen-path');
  await page.until(
    `document.querySelector('.chosen-pages').innerText.startsWith('16,384 of 262,144 pages in memory')`,
  );
  assert.ok((await pageLines(page)).length < 60);
  await page.evaluate(`document.querySelector('.map-canvas').focus()`);
  for (let i = 0; i < 30; i++) await page.press('+');
  await page.evaluate('new Promise((resolve) => setTimeout(resolve, 200))');
  // Every 56 pixels a page begins.
  const lines = await pageLines(page);
  const steps = lines.slice(1).map((at, i) => at - (lines[i] as number));
  assert.ok(steps.filter((step) => Math.abs(step - 56) <= 1).length >= 6, steps.join(' '));
  await page.screenshot('map-pages');
  await page.press('0');
  await page.click('Selected');
  await page.screenshot('map-selected');
});

inBrowser(
  'nothing on the page is inline script, and nothing is asked of another server',
  async (page) => {
    await page.open('crash', 'panel=map');
    await page.find('.map-rows .vrow');
    const inline = await page.evaluate<number>(
      `[...document.scripts].filter((each) => each.src === '').length`,
    );
    assert.is(inline, 0);
    const others = await page.evaluate<string[]>(
      `performance.getEntriesByType('resource').map(({ name }) => name).filter((name) => !name.startsWith(location.origin) && !name.startsWith('data:'))`,
    );
    assert.equal(others, []);
  },
);

inBrowser('procmem serve gives a page that works under its own policy', async (page) => {
  const server = await serveExplorer(0);
  try {
    await page.goto(`${server.url}?demo=crash#panel=disassembly&task=5779`);
    await page.find('.code-pc');
    assert.is(await page.evaluate<boolean>('crossOriginIsolated'), true);
  } finally {
    await server.close();
  }
});

inBrowser('the single page works from disk', async (page) => {
  await page.goto(`${SINGLE}?demo=crash#panel=hex&task=5779&addr=0x7f700a533001`);
  await page.until(`document.querySelector('#hex-cursor')?.textContent === '45'`);
  await page.evaluate(`location.hash = '#panel=disassembly&task=5779'`);
  await page.find('.code-pc');
});

inBrowser(
  'a worker that cannot be loaded is an error in the page, on every panel',
  async (page) => {
    for (const { id } of [{ id: 'run' }, ...PANELS]) {
      await page.open(null, `panel=${id}`);
      await page.find('main .notice-error');
      assert.match(
        await page.text('main .notice-error'),
        /The machine has stopped[^]*Load the page again/,
      );
    }
    // The browser itself says what it could not load; nothing else may be said.
    const own = page.errors.splice(0).filter((text) => !/404|worker\.js/i.test(text));
    assert.equal(own, []);
  },
  '/worker.js',
);

test.run();
