// Every test that needs no host runs in Chromium and in Firefox too, the committed traces among them.
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { ROOT } from '../house/tree.js';
import { readReport, sumReports } from '../report.js';
import { BROWSERS, type BrowserName, launchBrowser, whyNoBrowser } from './browsers.js';
import { browserTests, bundleTests, listTests, testsWithoutHost } from './bundle-tests.js';
import { HOST_HALVES, HOST_ONLY, reasonForHost } from './host-only.js';
import { type Server, serve } from './server.js';

/** What suite.html says of one file. */
interface FileOutcome {
  readonly name: string;
  readonly seconds: number;
  readonly output: string;
  readonly exit: number;
}

/** The longest first: the last file is not to run alone. */
const LONG = ['linux/traces', 'snapshot/traces', 'linux/watched'];

const names = browserTests();

async function serveTests(): Promise<Server> {
  const files = new Map<string, string | Uint8Array>([
    ...(await bundleTests(names, '/tests/')),
    ['/suite.html', join(ROOT, 'test/browser/suite.html')],
    ['/dist/procmem.wasm', join(ROOT, 'dist/procmem.wasm')],
    ['/test/', join(ROOT, 'test')],
    ['/examples/', join(ROOT, 'examples')],
  ]);
  return serve(files);
}

async function runIn(name: BrowserName, server: Server): Promise<FileOutcome[]> {
  const browser = await launchBrowser(name);
  try {
    const page = await browser.newPage();
    await page.goto(`${server.origin}/suite.html`);
    const order = [...LONG, ...names.filter((each) => !LONG.includes(each))];
    return await page.evaluate<FileOutcome[]>(`runFiles(${JSON.stringify(order)})`);
  } finally {
    await browser.close();
  }
}

const test = suite('browser/suite');

function checkFile({ name, output, exit }: FileOutcome): void {
  const { failed, problem, skips } = readReport(output, exit);
  assert.is(failed, 0, `${problem ?? ''}\n${output}`);
  assert.is(skips.length, HOST_HALVES.includes(name) ? 1 : 0, skips.join('\n'));
}

const server = await serveTests();
for (const browser of BROWSERS) {
  const reason = whyNoBrowser(browser);
  if (reason !== null) {
    console.log(`SKIPPED browser/suite in ${browser}: ${reason}`);
    test.skip(`every file passes in ${browser}`);
    continue;
  }
  const started = performance.now();
  const outcomes = await runIn(browser, server);
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  const { line } = sumReports(outcomes.map(({ output, exit }) => readReport(output, exit)));
  console.log(`NOTE ${browser} ran ${outcomes.length} test files in ${seconds} s: ${line}`);
  const slow = [...outcomes].sort((a, b) => b.seconds - a.seconds).slice(0, 5);
  console.log(slow.map((each) => `${each.name} ${each.seconds.toFixed(1)} s`).join(', '));
  for (const outcome of outcomes) {
    test(`${outcome.name} passes in ${browser}`, () => checkFile(outcome));
  }
  test(`${browser} ran every file that does not stay in Node`, () => {
    assert.equal(outcomes.map(({ name }) => name).sort(), names);
  });
}
server.close();

const staying = listTests().filter((name) => reasonForHost(name) !== null);
console.log(`NOTE ${staying.length} test files stay in Node: ${[...HOST_ONLY.keys()].join(', ')}`);

test('what stays in Node, and why, is a list of files that exist', () => {
  const all = listTests();
  for (const path of HOST_ONLY.keys()) {
    assert.ok(
      all.some((name) => name === path || (path.endsWith('/') && name.startsWith(path))),
      path,
    );
  }
  for (const name of HOST_HALVES) assert.is(reasonForHost(name), null, name);
  assert.ok(names.length > HOST_ONLY.size * 3, `${names.length} files run in browsers`);
});

test('what stays in Node reaches for it', async () => {
  // One is about the reports of the runner, which is Node's.
  assert.equal(await testsWithoutHost(staying), ['house/report']);
  assert.equal(await testsWithoutHost(['mm/gup', 'cli/dump']), ['mm/gup']);
});

test.run();
