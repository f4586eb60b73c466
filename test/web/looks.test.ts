// The panels about threads, the kernel and the story: by keyboard alone, and as axe-core sees them in both
// colours and at both widths.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import type { ExplorerPage } from './browsers.js';
import { inBrowsers } from './explorer.js';

/** The panels with what is there when they are. */
const PANELS = [
  { id: 'access', demo: null, ready: '.checks' },
  { id: 'cow', demo: null, ready: '.cow-grid' },
  { id: 'tour', demo: null, ready: '.tour-terminal' },
  { id: 'speed', demo: null, ready: '.plot canvas' },
  { id: 'walk', demo: 'crash', ready: '.walk-page' },
  { id: 'stack', demo: 'crash', ready: '.frame' },
  { id: 'registers', demo: 'crash', ready: '.register-main' },
  { id: 'disassembly', demo: 'crash', ready: '.code-pc' },
] as const;

const LOOKS = [
  [1280, 'light'],
  [1280, 'dark'],
  [390, 'light'],
  [390, 'dark'],
] as const;

const test = suite('web/looks');
const inBrowser = inBrowsers(test);

for (const { id, demo, ready } of PANELS) {
  inBrowser(`${id} is accessible in both colours and at both widths`, async (page, browser) => {
    await page.open(demo, `panel=${id}`);
    await page.find(ready);
    for (const [width, theme] of LOOKS) {
      await page.resize(width, width === 390 ? 844 : 900);
      await page.theme(theme);
      await page.evaluate('new Promise((resolve) => setTimeout(resolve, 300))');
      const where = `${width} ${theme}`;
      // Firefox sees the same elements and colours: two of the four are enough there.
      const seen = browser === 'chromium' || theme === (width === 390 ? 'dark' : 'light');
      if (seen) assert.equal(await page.violations(), [], where);
      assert.is(await page.overflows(), false, where);
      await page.screenshot(`${browser}-${id}-${width}-${theme}`);
    }
  });
}

/** Presses Tab until a button of that label has the focus; not at all where it has it already. */
async function tabTo(page: ExplorerPage, label: string): Promise<void> {
  for (let i = 0; i < 80; i++) {
    // Behind the last element the focus may be the browser's own, though the document still names that one.
    const focused = await page.evaluate<string>(
      `document.hasFocus() && (document.activeElement.getAttribute('aria-label') ?? document.activeElement.innerText) || ''`,
    );
    if (focused.trim().startsWith(label)) return;
    await page.press('Tab');
  }
  throw new Error(`Tab does not lead to '${label}'`);
}

inBrowser('the explainer, the tour and the story are told by keyboard alone', async (page) => {
  await page.open(null, 'panel=open');
  await page.find('h1');
  await page.press('g');
  await page.press('a');
  await page.find('.checks');
  await tabTo(page, 'Not dumpable');
  await page.press('Enter');
  await page.until(`document.querySelector('.verdict').innerText.includes('Denied: EACCES')`);
  await page.press('g');
  await page.press('u');
  await page.find('.tour-terminal');
  for (const seen of ['.tour-calls', '.tour-known']) {
    await tabTo(page, 'Next');
    await page.press('Enter');
    await page.find(seen);
  }
  await page.press('g');
  await page.press('c');
  await tabTo(page, 'Next');
  for (let done = 1; done <= 8; done++) {
    await page.press('Enter');
    await page.until(`document.querySelectorAll('.cow-steps .done').length === ${done}`);
    assert.is(
      await page.evaluate(`document.activeElement.matches(".panel-actions .button-main")`),
      true,
    );
  }
  await tabTo(page, 'Page 0 of the parent');
  await page.press('ArrowRight');
  await page.press('Enter');
  await page.until(
    `document.querySelector('[aria-pressed=true]').ariaLabel.startsWith('Page 1 of the parent')`,
  );
});

test.run();
