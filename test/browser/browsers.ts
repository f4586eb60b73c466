// The browsers that the package is tested in: Debian's chromium over its own protocol, Firefox ESR over WebDriver
// BiDi. One face for both.
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { launch } from 'puppeteer-core';

/** A page, and what went wrong on it. */
export interface Page {
  /** Messages of errors and warnings, uncaught errors, and answers that were none. */
  readonly errors: readonly string[];
  goto(url: string): Promise<void>;
  /** The value of an expression, awaited; it must be plain data. */
  evaluate<T>(expression: string): Promise<T>;
  close(): Promise<void>;
}

/** A running browser. */
export interface Browser {
  newPage(): Promise<Page>;
  close(): Promise<void>;
}

export type BrowserName = 'chromium' | 'firefox';

/** Where Debian puts it, and the package that it is in. */
const PROGRAMS: Readonly<Record<BrowserName, readonly [path: string, package_: string]>> = {
  chromium: ['/usr/bin/chromium', 'chromium'],
  firefox: ['/usr/bin/firefox-esr', 'firefox-esr'],
};

export const BROWSERS = Object.keys(PROGRAMS) as BrowserName[];

/** Why a browser cannot be had here; null when it can. */
export function whyNoBrowser(name: BrowserName): string | null {
  const [path, package_] = PROGRAMS[name];
  return existsSync(path) ? null : `there is no ${path} (Debian: apt-get install ${package_})`;
}

/** Milliseconds that a call may take: a whole suite of tests is one. */
const TIME_LIMIT = 10 * 60 * 1000;

/** Starts a browser without a window. */
export function launchBrowser(name: BrowserName): Promise<Browser> {
  return name === 'chromium' ? launchChromium() : launchFirefox();
}

/** As root it runs only without its sandbox. */
async function launchChromium(): Promise<Browser> {
  const [executablePath] = PROGRAMS.chromium;
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  return {
    newPage: async () => {
      const page = await browser.newPage();
      const errors: string[] = [];
      page.on('pageerror', (error) => errors.push(String(error)));
      page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type())) errors.push(message.text());
      });
      page.on('response', (response) => {
        if (response.status() >= 400) errors.push(`${response.status()} ${response.url()}`);
      });
      return {
        errors,
        goto: async (url) => void (await page.goto(url)),
        evaluate: (expression) => page.evaluate(expression),
        close: () => page.close(),
      };
    },
    close: () => browser.close(),
  };
}

async function launchFirefox(): Promise<Browser> {
  const [executablePath] = PROGRAMS.firefox;
  const browser = await launch({
    browser: 'firefox',
    executablePath,
    protocolTimeout: TIME_LIMIT,
  });
  return {
    newPage: async () => {
      const page = await browser.newPage();
      const errors: string[] = [];
      page.on('pageerror', (error) => errors.push(String(error)));
      page.on('console', (message) => {
        if (['error', 'warn'].includes(message.type())) errors.push(message.text());
      });
      page.on('response', (response) => {
        if (response.status() >= 400) errors.push(`${response.status()} ${response.url()}`);
      });
      return {
        errors,
        goto: async (url) => void (await page.goto(url)),
        evaluate: async <T>(expression: string) => (await page.evaluate(expression)) as T,
        close: () => page.close(),
      };
    },
    close: () => browser.close(),
  };
}
