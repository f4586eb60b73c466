// The explorer's access explainer against explainAccess, its tour, and copy-on-write.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { ACCESS_ROWS, asked, explained } from './access-rows.js';
import type { ExplorerPage } from './browsers.js';
import { inBrowsers } from './explorer.js';

/** What one check of the page's list says. */
interface ShownCheck {
  readonly check: string;
  readonly source: string;
  readonly outcome: string;
  readonly decided: boolean;
}

interface ShownAnswer {
  readonly verdict: string;
  readonly checks: readonly ShownCheck[];
}

/** Reads the answer that stands in the page, once it is the one to the last question. */
async function shownAnswer(page: ExplorerPage): Promise<ShownAnswer> {
  await page.evaluate('new Promise((resolve) => setTimeout(resolve, 40))');
  await page.until(`document.querySelector('.explain-answer[aria-busy=false] .verdict') !== null`);
  return page.evaluate(`({
    verdict: document.querySelector('.verdict strong').innerText,
    checks: [...document.querySelectorAll('.check-line')].map((line) => ({
      check: line.querySelector('.check-text').firstChild.textContent,
      source: line.querySelector('.check-source').innerText,
      outcome: /check-(allowed|denied|continue)/.exec(line.className)[1],
      decided: line.classList.contains('check-decided'),
    })),
  })`);
}

const test = suite('web/explain');
const inBrowser = inBrowsers(test);

inBrowser(
  'the explainer says what explainAccess says, for every setting and question',
  async (page) => {
    await page.open(null, 'panel=access');
    await page.find('.checks');
    for (const row of ACCESS_ROWS) {
      await page.click(row.preset);
      for (const [label, value, within] of row.changes) await page.fill(label, value, within);
      for (const { mode, question } of asked()) {
        await page.fill('Mode', String(mode));
        await page.fill('Kernel function', question);
        const { allowed, errno, checks } = await explained(row, mode, question);
        const name = `${row.preset} ${JSON.stringify(row.changes)} ${mode} ${question}`;
        const shown = await shownAnswer(page);
        assert.is(shown.verdict, allowed ? 'Allowed' : `Denied: ${errno}`, name);
        const wanted = checks.map(({ check, source, outcome, decided }) => {
          return { check, source, outcome, decided };
        });
        assert.equal(shown.checks, wanted, name);
      }
    }
  },
);

inBrowser('the question is in the address bar, and a link leads to it', async (page) => {
  await page.open(null, 'panel=access');
  await page.find('.checks');
  await page.click('Yama 1, unrelated');
  await page.fill('Mode', String(0x09));
  const first = await shownAnswer(page);
  const hash = await page.evaluate<string>(`location.hash`);
  assert.match(hash, '&ask=9.mm_access.1.none.1;1000.');
  await page.open(null, hash.slice(1));
  assert.equal(await shownAnswer(page), first);
  // What makes no sense is as if it were not there.
  await page.open(null, 'panel=access&ask=9.mm_access.1.none.7;1000');
  await page.click('Same user');
  assert.is((await shownAnswer(page)).verdict, 'Allowed');
  assert.match(await page.evaluate<string>(`location.hash`), '&ask=a.mm_access.1.none.x;');
});

inBrowser('a number that is no id is said to be wrong, and the last answer stays', async (page) => {
  await page.open(null, 'panel=access');
  await page.click('Another user');
  await page.until(`document.querySelector('.verdict').innerText.includes('EACCES')`);
  for (const wrong of ['', 'root', '-1', '4294967295', '1e3']) {
    await page.fill('Real uid', wrong);
    await page.find('.explain-ids .field-error');
    assert.match(await page.text('.verdict'), 'Denied: EACCES', wrong);
  }
  await page.fill('Real uid', '1000');
  await page.fill('Fs uid', '1000');
  await page.fill('Real gid', '1000');
  await page.fill('Fs gid', '1000');
  await page.until(`document.querySelector('.verdict').innerText.trim() === 'Allowed'`);
});

inBrowser('tasks of the open machine are asked about as they are', async (page) => {
  await page.open('family', 'panel=access');
  await page.click('Tasks of this machine');
  const form = '.explain-form .card';
  await page.until(`document.querySelectorAll('${form} option').length > 10`);
  const tids = await page.evaluate<Record<string, string>>(
    `Object.fromEntries([...document.querySelectorAll('${form} .field:last-child option')]
      .map(({ value, text }) => [/ (.*), user/.exec(text)[1] + ' ' + value, value]))`,
  );
  const tidOf = (comm: string): string =>
    Object.entries(tids).find(([name]) => name.startsWith(`${comm} `))?.[1] ?? '';
  // Under Yama 1 only relatives may attach, the child is not dumpable, and root may do all.
  const rows = [
    ['0', 'server', 'Allowed', 'ptrace_access_check'],
    [tidOf('server'), 'server', 'Allowed', 'may_access_mm'],
    [tidOf('colleague'), 'server', 'Denied: EACCES', 'yama'],
    [tidOf('stranger'), 'server', 'Denied: EACCES', 'ptrace_has_cap'],
    [tidOf('tracer'), 'server', 'Allowed', 'ptrace_access_check'],
  ] as const;
  for (const [caller, target, verdict, source] of rows) {
    await page.fill('Caller', caller, form);
    await page.fill('Target', tidOf(target), form);
    const shown = await shownAnswer(page);
    assert.is(shown.verdict, verdict, `${caller} ${target}`);
    assert.match(shown.checks.at(-1)?.source ?? '', source);
  }
});

inBrowser('the tour goes from no names to all names', async (page) => {
  await page.open(null, 'panel=tour');
  await page.find('.tour-terminal');
  const unknown = await page.texts('.tour-terminal li');
  assert.ok(unknown.length >= 8);
  assert.ok(unknown.every((line) => line.includes('(unknown)')));
  await page.click('Next');
  await page.find('.tour-calls');
  const failed = await page.texts('.tour-body .card:first-child .tour-failed');
  assert.ok(failed.length > 0);
  assert.ok(failed.every((line) => line === 'open("/proc/self/mem") = -1 ENOENT'));
  assert.equal(await page.texts('.tour-asks summary strong'), ['Yes', 'Yes', 'No: EACCES']);
  await page.click('Next');
  await page.find('.tour-known');
  const known = await page.texts('.tour-terminal li');
  assert.is(known.length, unknown.length);
  assert.ok(known.every((line) => !line.includes('(unknown)')));
  assert.match(known[0] ?? '', 'postcard::Palette::colourOf(unsigned char) const');
  await page.click('Next');
  await page.click('Look around in the first crash');
  await page.until(`location.hash.includes('panel=map')`);
});

/** Makes the next step of the story, and gives what is said then. */
async function step(page: ExplorerPage): Promise<string> {
  const count = `document.querySelectorAll('.cow-steps .done').length`;
  const before = await page.evaluate<number>(count);
  await page.click('Next');
  await page.until(`${count} === ${before + 1}`);
  return page.text('.cow-said');
}

inBrowser('a fork shares frames until one writes', async (page) => {
  await page.open(null, 'panel=cow');
  /** Pages that the processes have, and frames that hold them. */
  const counts = async (): Promise<number[]> =>
    (await page.texts('.cow-counts dd')).slice(0, 2).map(Number);
  await step(page);
  assert.equal(await counts(), [0, 0]);
  await step(page);
  assert.equal(await counts(), [3, 3]);
  await step(page);
  assert.equal(await counts(), [6, 3], 'forked');
  assert.is((await page.texts('.cow-shared .cow-frame')).length, 6);
  assert.match(await step(page), /copied to frame \d+/);
  assert.equal(await counts(), [6, 4]);
  assert.match(await step(page), 'no page is copied');
  assert.match(await step(page), 'FOLL_FORCE');
  assert.equal(await counts(), [6, 5]);
  await step(page);
  assert.equal(await counts(), [3, 3], 'the child is gone');
  assert.match(await step(page), 'nothing is copied');
});

inBrowser('a store to a page made read only is a fault that the page tells of', async (page) => {
  await page.open(null, 'panel=cow');
  await step(page);
  await step(page);
  await page.click('Page 0 of the parent');
  await page.click('Make read only');
  await page.find('.cow-said');
  await page.click('Write');
  await page.until(`document.querySelector('.cow-said').innerText.startsWith('SIGSEGV')`);
  assert.match((await page.texts('.cow-page .cow-facts'))[0] ?? '', '×1 ro');
});

test.run();
