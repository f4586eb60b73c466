// The explorer's stack, registers, disassembly and page walk.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { inBrowsers } from './explorer.js';
import { FOREIGN, foreignCore } from './foreign-core.js';

const CRASHED = 'postcard::Palette::colourOf(unsigned char) const';

const test = suite('web/threads');
const inBrowser = inBrowsers(test);

inBrowser(
  'stack, disassembly, registers and page walk agree on where the thread stopped',
  async (page) => {
    await page.open('crash', 'panel=stack');
    await page.find('.frame');
    const names = await page.texts('.card:first-child .frame-name');
    assert.is(names[0], CRASHED);
    assert.is(names.at(-1), '_start');
    assert.ok((await page.texts('.traces .card')).length > 1, 'the other threads too');
    const pc = await page.text('.frame .address');
    await page.evaluate(`document.querySelector('.frame .address').click()`);
    await page.find('.code-pc');
    assert.match(await page.text('.code-pc'), pc);
    assert.match(
      await page.text('.code-pc .code-text'),
      /^mov\s+eax, dword ptr \[rdi \+ rsi\*4\]$/,
    );
    assert.is(await page.text('.code-label'), CRASHED);
    await page.press('g');
    await page.press('r');
    await page.find('.register-main');
    const [rip = ''] = await page.texts('.register-main');
    assert.match(rip, pc.slice(2));
    assert.match(rip, CRASHED);
    await page.press('g');
    await page.press('w');
    await page.find('.walk-page');
    assert.equal(await page.texts('.walk-button .walk-name'), ['pgd', 'pud', 'pmd', 'pte']);
    assert.match(await page.text('.walk-page'), 'r-xp');
  },
);

inBrowser('code of other processors is disassembled as objdump does', async (page) => {
  for (const foreign of FOREIGN) {
    const { core, start } = await foreignCore(foreign);
    await page.open(null, 'panel=open');
    await page.find('input[type=file]');
    await page.drop([{ name: `${foreign.arch}.core`, bytes: core }]);
    await page.until(`location.hash.includes('panel=map')`);
    await page.press('g');
    await page.press('d');
    await page.find('.code-pc');
    const shown = await page.texts('.code-mnemonic');
    assert.equal(shown.slice(0, foreign.mnemonics.length), foreign.mnemonics, foreign.arch);
    const hex = (addr: number): string => `0x${addr.toString(16)}`;
    assert.match(await page.text('.code-pc th'), hex(start + foreign.stopped), foreign.arch);
    assert.is(await page.text('.code-pc .code-target'), hex(start + foreign.target), foreign.arch);
    await page.press('g');
    await page.press('r');
    await page.find('.register-main');
    assert.match(await page.text('.register-main'), hex(start + foreign.stopped).slice(2));
  }
});

inBrowser(
  'the page walk shows what the tables say, and that parent and child share one',
  async (page) => {
    await page.open('family', 'panel=walk');
    await page.find('.walk-page');
    assert.equal(await page.texts('.walk-button .walk-name'), ['pgd', 'pud', 'pmd', 'pte']);
    assert.match(await page.text('.walk-page'), 'mapped');
    const addr = '0x123456789abc';
    await page.fill('Address', addr);
    await page.click('Go');
    await page.until(`location.hash.includes('addr=${addr}')`);
    await page.until(
      `document.querySelector('.walk-page').innerText.includes('nothing is mapped')`,
    );
    assert.equal(await page.texts('.walk-value'), ['36', '209', '179', '393', '2748']);
    assert.match(await page.text('.facts'), 'SIGSEGV: nothing is mapped here');
    await page.fill('Address', 'nonsense');
    await page.click('Go');
    await page.find('.field-error');
  },
);

inBrowser(
  'a thread that no CPU ran has neither stack nor registers, and the page says why',
  async (page) => {
    for (const [panel, said] of [
      ['stack', 'No CPU ever ran this thread'],
      ['registers', 'No CPU ever ran this thread'],
      ['disassembly', 'no CPU ran this thread'],
    ] as const) {
      await page.open('family', `panel=${panel}`);
      await page.until(`document.querySelector('main').innerText.includes('${said}')`);
    }
  },
);

inBrowser('copies are measured, and stop when told', async (page) => {
  await page.open(null, 'panel=speed');
  await page.click('Start');
  await page.until(
    `/Medians of \\d+ rounds/.test(document.querySelector('main [role=status]').innerText)`,
  );
  await page.click('Stop');
  await page.until(`document.querySelector('.panel-actions').innerText.includes('Start again')`);
  const cells = await page.texts('.table tbody td:nth-child(2)');
  assert.is(cells.length, 10);
  assert.ok(cells.every((cell) => /^\d+(\.\d+)? [GM]B\/s$/.test(cell) && parseFloat(cell) > 0));
});

test.run();
