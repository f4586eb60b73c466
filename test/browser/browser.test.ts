import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { type BrowserName, BROWSERS, launchBrowser, whyNoBrowser } from './browsers.js';
import { serve } from './server.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const TRACES = join(ROOT, 'test/linux/traces');

interface Replay {
  readonly matched: number;
  readonly total: number;
  readonly mismatches: readonly string[];
}

/** What page.html leaves in `outcome`. */
interface Outcome {
  readonly mem: Readonly<Record<string, unknown>>;
  readonly travelled: Readonly<Record<string, unknown>>;
  readonly handwritten: Replay;
  readonly recorded: Replay;
}

/** One of the committed traces that a real kernel answered. */
function recordedTrace(): Buffer {
  const name = readdirSync(TRACES).find((file) => /^forkcow.*\.gz$/.test(file));
  assert.ok(name, `no trace in ${TRACES}`);
  return gunzipSync(readFileSync(join(TRACES, name)));
}

function pageFiles(): Map<string, string | Buffer> {
  const here = join(ROOT, 'test', 'browser');
  return new Map<string, string | Buffer>([
    ['/page.html', join(here, 'page.html')],
    ['/handwritten.jsonl', join(here, 'handwritten.jsonl')],
    ['/recorded.jsonl', recordedTrace()],
    ['/', join(ROOT, 'dist', 'browser')],
  ]);
}

/** Loads the page; gives its outcome and everything that went wrong on the way. */
async function openPage(
  name: BrowserName,
): Promise<{ outcome: Outcome; errors: readonly string[] }> {
  const server = await serve(pageFiles());
  const browser = await launchBrowser(name);
  try {
    const page = await browser.newPage();
    await page.goto(`${server.origin}/page.html`);
    const outcome = await page.evaluate<Outcome>('globalThis.outcome');
    return { outcome, errors: page.errors };
  } finally {
    await browser.close();
    server.close();
  }
}

const test = suite('browser');

for (const name of BROWSERS) {
  const reason = whyNoBrowser(name);
  if (reason !== null) {
    console.log(`SKIPPED browser in ${name}: ${reason}`);
    test.skip(`the package loads in ${name}`);
    continue;
  }
  test(`the package loads in ${name} from a module script and does there what it does in Node`, async () => {
    const { outcome, errors } = await openPage(name);
    assert.equal(errors, []);
    assert.equal(outcome.mem, {
      read: 5,
      bytes: 'hello',
      written: 5, // forced: the page is read-only to its owner
      seen: 'HELLO from wasm',
      short: 4096, // the second page, then a hole
      hole: 'EIO',
      denied: 'EACCES',
      perms: [' r--p ', ' rw-p ', ' --xp '], // the last is [vsyscall]
      tasks: 4,
    });
    assert.equal(outcome.travelled, {
      back: 1,
      copied: 2,
      same: true,
      problems: [],
      cut: 'SnapshotError CUT_SHORT 5000',
    });
    assert.equal(outcome.handwritten, { matched: 10, total: 10, mismatches: [] });
    assert.equal(outcome.recorded.mismatches, []);
    assert.is(outcome.recorded.matched, outcome.recorded.total);
    assert.ok(outcome.recorded.total >= 100, 'the recorded trace is short');
  });
}

test.run();
