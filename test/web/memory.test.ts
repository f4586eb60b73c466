// The hex view and the search of the explorer: reading, writing as a task, undo, jumps, pages that are not there.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import type { ExplorerPage } from './browsers.js';
import { inBrowsers } from './explorer.js';

/** The hex digits of the row that an address begins. */
function row(page: ExplorerPage, addr: string): Promise<string> {
  return page.evaluate(`(() => {
    const found = [...document.querySelectorAll('.hex-row')].find((each) => each.querySelector('.hex-address').textContent === '${addr}');
    return found === undefined ? '' : [...found.querySelectorAll('[role=gridcell]')].slice(0, -1).map((each) => each.textContent).join(' ');
  })()`);
}

async function waitForRow(page: ExplorerPage, addr: string, begins: string): Promise<void> {
  await page.until(`[...document.querySelectorAll('.hex-row')].some((each) =>
    each.querySelector('.hex-address').textContent === '${addr}' &&
    [...each.querySelectorAll('[role=gridcell]')].map((cell) => cell.textContent).join(' ').startsWith('${begins}'))`);
}

const focusGrid = (page: ExplorerPage): Promise<void> =>
  page.evaluate(`document.querySelector('.hex-grid').focus()`);

/** The address that the address bar has. */
const linked = (page: ExplorerPage): Promise<string> =>
  page.evaluate(`/addr=(0x[0-9a-f]+)/.exec(location.hash)?.[1] ?? ''`);

async function jump(page: ExplorerPage, text: string): Promise<void> {
  await page.fill('Go to', text);
  await page.click('Go');
}

const test = suite('web/memory');
const inBrowser = inBrowsers(test);
/** Where the first heap page of the family's server lies is found by its text. */
const HEAP = 'heap page 3';

/** Opens the family at its heap, by a search: the address of the find. */
async function openHeap(page: ExplorerPage): Promise<string> {
  await page.open('family', 'panel=search');
  await page.find('.search-form');
  await page.fill('Value', HEAP);
  await page.click('Search');
  await page.until(`document.querySelector('.found-rows .link') !== null`);
  const found = await page.texts('.found-rows .link');
  assert.is(found.length, 1);
  await page.click(found[0] as string);
  await waitForRow(page, found[0] as string, '68 65 61 70 20');
  return found[0] as string;
}

inBrowser('bytes are typed over through mem, undone and redone', async (page) => {
  const addr = await openHeap(page);
  await focusGrid(page);
  await page.press('e');
  await page.type('4142');
  await waitForRow(page, addr, '41 42 61 70 20');
  await page.find('.hex-row .written');
  await page.screenshot('editing');
  await page.click('Undo');
  await waitForRow(page, addr, '41 65 61 70 20');
  await page.click('Undo');
  await waitForRow(page, addr, '68 65 61 70 20');
  await page.click('Redo');
  await waitForRow(page, addr, '41 65 61 70 20');
  await page.click('Undo');
  await waitForRow(page, addr, '68 65 61 70 20');
});

inBrowser(
  'a value is written at the cursor, and a child that shared the page keeps the old one',
  async (page) => {
    const addr = await openHeap(page);
    await page.fill('As', 'u32', '.write-row');
    await page.fill('Value', '0x64636261', '.write-row');
    await page.click('Write at cursor');
    await waitForRow(page, addr, '61 62 63 64 20');
    await page.fill('Value', '4294967296', '.write-row');
    await page.click('Write at cursor');
    await page.until(
      `document.querySelector('.write-row .field-error')?.innerText === 'This is no u32.'`,
    );
    await page.evaluate(`location.hash = location.hash.replace('task=2', 'task=4')`);
    await waitForRow(page, addr, '68 65 61 70 20');
  },
);

inBrowser(
  'memory that only may be read is written nevertheless, and a stranger is refused',
  async (page) => {
    await page.open('family', 'panel=search');
    await page.find('.search-form');
    await page.fill('Value', 'password=');
    await page.click('Search');
    await page.until(`document.querySelector('.found-rows .link') !== null`);
    const [addr = ''] = await page.texts('.found-rows .link');
    await page.click(addr);
    await waitForRow(page, addr, '70 61 73 73');
    assert.match(await page.text('.panel-about'), 'r--p');
    await page.fill('As', 'text', '.write-row');
    await page.fill('Value', 'PASS', '.write-row');
    await page.click('Write at cursor');
    await waitForRow(page, addr, '50 41 53 53');
    await page.evaluate(`location.hash += '&as=6'`); // the stranger
    await page.find('.notice-error');
    assert.match(
      await page.text('.notice-error'),
      /EACCES: permission denied, open '\/proc\/2\/mem'/,
    );
    assert.equal(await page.violations(), []);
  },
);

inBrowser('pages that a core does not have are shown as EIO, not as zeros', async (page) => {
  await page.open('crash', 'panel=hex&task=5779&addr=0x7f700a52b000');
  await waitForRow(page, '7f700a52b000', '?? ?? ?? ??');
  await page.until(`document.querySelector('.hex-side').innerText.includes('EIO')`);
  assert.ok(!(await row(page, '7f700a52b000')).includes('00'));
});

inBrowser('one goes to symbols, registers and mappings, and follows pointers', async (page) => {
  await page.open('crash', 'panel=hex&task=5779');
  await page.find('.hex-row');
  await jump(page, 'main+1');
  await page.until(`/addr=0x7f700a534[0-9a-f]{3}$/.test(location.hash)`);
  assert.match(await page.text('.panel-about'), 'r-xp');
  await jump(page, '$rsp');
  await page.until(`/addr=0x7ffd750/.test(location.hash)`);
  await jump(page, '[heap]');
  await page.until(`/addr=0x55556a112000/.test(location.hash)`);
  await jump(page, 'nowhere');
  await page.until(
    `document.querySelector('.jump .field-error')?.innerText.includes("'nowhere' is neither")`,
  );
  await jump(page, '0x1000');
  await page.until(
    `document.querySelector('.notice-info')?.innerText.includes('Nothing is mapped at 0x000000001000')`,
  );
  // A pointer of the stack into the program.
  await page.evaluate(`location.hash = '#panel=search&task=5779'`);
  await page.find('.search-form');
  await page.fill('Search for', 'hex');
  await page.fill('Value', '?? ?? 53 0a 70 7f 00 00');
  await page.fill('Addresses', '8');
  await page.click('Search');
  await page.until(`document.querySelector('.found-rows .link') !== null`);
  const [at = ''] = await page.texts('.found-rows .link');
  await page.click(at);
  await page.until(`document.querySelector('.pointed')?.innerText.includes('/thumbnail')`);
  const pointer = await page.text('.values > :last-child dd');
  await focusGrid(page);
  await page.press('Enter');
  await page.until(`location.hash.includes('addr=${pointer}')`);
  assert.is(await linked(page), pointer);
});

/** Each kind of search, and how many finds the crash has. */
const SEARCHES: readonly (readonly [kind: string, value: string])[] = [
  ['hex', '7f 45 4c 46'],
  ['text', '\x7fELF'],
  ['regex', '\\x7fE.F'],
  ['u32', '0x464c457f'],
];

inBrowser('each kind of search finds the header of the program', async (page) => {
  await page.open('crash', 'panel=search');
  await page.find('.search-form');
  for (const [kind, value] of SEARCHES) {
    await page.fill('Search for', kind);
    await page.fill('Value', value);
    await page.click('Search');
    await page.until(
      `/^[1-9]\\d* finds?,/.test(document.querySelector('.search-progress p').innerText)`,
    );
    const found = await page.texts('.found-rows .link');
    assert.ok(found.includes('7f700a533000'), `${kind}: ${found.join(' ')}`);
  }
  await page.fill('Search for', 'regex');
  await page.fill('Value', '(');
  await page.click('Search');
  await page.find('.notice-error');
});

inBrowser(
  'a search through gigabytes tells how far it is, and ends when it is cancelled',
  async (page) => {
    await page.open('large', 'panel=search');
    await page.find('.search-form');
    await page.fill('Search for', 'regex');
    await page.fill('Value', '[^\\s\\S]never');
    await page.click('Search');
    await page.until(
      `/[1-9]\\d* % of/.test(document.querySelector('.search-progress p').innerText)`,
    );
    await page.click('Cancel');
    await page.until(
      `document.querySelector('.search-progress p').innerText.startsWith('cancelled')`,
    );
  },
);

inBrowser('an expression that backtracks without end is cancelled as well', async (page) => {
  await page.open('family', 'panel=search');
  await page.find('.search-form');
  await page.fill('Search for', 'regex');
  // Of the zeros of a page, as often twice as there are.
  await page.fill('Value', '(\\0|\\0\\0)*never');
  await page.click('Search');
  await page.until(`document.querySelector('.search-progress p').innerText.includes('0 finds')`);
  await page.evaluate('new Promise((resolve) => setTimeout(resolve, 500))');
  await page.click('Cancel');
  await page.until(
    `document.querySelector('.search-progress p').innerText.startsWith('cancelled')`,
  );
  // The machine answers: the same panel finds something else.
  await page.fill('Search for', 'text');
  await page.fill('Value', 'never there');
  await page.click('Search');
  await page.until(`/finds?, /.test(document.querySelector('.search-progress p').innerText)`);
});

/** Milliseconds between two frames at which scrolling still counts as smooth: 60 a second are 16.7. */
const FRAME = 20;

inBrowser('the hex view of 1 GiB scrolls at 60 frames a second', async (page, browser) => {
  await page.open('large', 'panel=hex&task=2&addr=0x7fffb7e00000');
  await waitForRow(page, '7fffb7e00000', '00 00');
  const frames = await page.evaluate<number[]>(`new Promise((resolve) => {
    const grid = document.querySelector('.hex-grid');
    const times = [];
    let last = performance.now();
    const step = (now) => {
      times.push(now - last);
      last = now;
      grid.scrollTop += 150;
      if (times.length < 180) requestAnimationFrame(step);
      else resolve(times.slice(1).sort((a, b) => a - b));
    };
    requestAnimationFrame(step);
  })`);
  const median = frames[frames.length >> 1] ?? 0;
  console.log(
    `web/memory: ${browser}: ${(1000 / median).toFixed(0)} frames a second, 95 % within ${(frames[Math.floor(frames.length * 0.95)] ?? 0).toFixed(1)} ms`,
  );
  assert.ok(median <= FRAME, `${median} ms`);
  // The scrollbar reaches every part: its middle is the middle of the mapping.
  await page.evaluate(
    `(() => { const grid = document.querySelector('.hex-grid'); grid.scrollTop = (grid.scrollHeight - grid.clientHeight) / 2; })()`,
  );
  await page.until(`document.querySelector('.hex-address').textContent.startsWith('7fffd7')`);
  await focusGrid(page);
  await page.evaluate(
    `document.querySelector('.hex-grid').dispatchEvent(new KeyboardEvent('keydown', { key: 'End', ctrlKey: true, bubbles: true }))`,
  );
  await page.until(
    `[...document.querySelectorAll('.hex-address')].at(-1).textContent === '7ffff7dffff0'`,
  );
});

test.run();
