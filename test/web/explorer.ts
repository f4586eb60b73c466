// How the tests of the explorer say that something holds in each browser.
import { mkdirSync } from 'node:fs';
import type { suite } from 'uvu';
import * as assert from 'uvu/assert';

import {
  BROWSERS,
  type ExplorerPage,
  hasBrowser,
  screenshotDirectory,
  withPage,
} from './browsers.js';

/** Adds a test for every browser that is here; one that is not is skipped, and says so. */
export function inBrowsers(
  test: ReturnType<typeof suite>,
): (
  behaviour: string,
  act: (page: ExplorerPage, browser: string) => Promise<void>,
  missing?: string,
) => void {
  mkdirSync(screenshotDirectory(), { recursive: true });
  const here = BROWSERS.filter(hasBrowser);
  for (const { name } of BROWSERS.filter((browser) => !here.includes(browser))) {
    test.skip(`the explorer in ${name}`);
  }
  return (behaviour, act, missing) => {
    for (const browser of here) {
      test(`${browser.name}: ${behaviour}`, () =>
        withPage(
          browser,
          async (page) => {
            await act(page, browser.name);
            assert.equal(page.errors, []);
          },
          missing,
        ));
    }
  };
}
