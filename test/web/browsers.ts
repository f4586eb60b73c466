// The page in real browsers: Chromium by playwright-core, Firefox by puppeteer-core over WebDriver BiDi,
// behind one face, so that each test runs in both.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { type ElementHandle, launch } from 'puppeteer-core';

import { serve } from '../browser/server.js';

const SITE = fileURLToPath(new URL('../../web', import.meta.url));
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
/** Milliseconds until something that was waited for counts as missing. */
const PATIENCE = 60_000;

/** The part of a browser's page that both libraries have alike. */
interface Driver {
  goto(url: string): Promise<unknown>;
  evaluate(script: string): Promise<unknown>;
  screenshot(options: { path: string }): Promise<unknown>;
  readonly keyboard: { press(key: string): Promise<void>; type(text: string): Promise<void> };
  resize(width: number, height: number): Promise<void>;
  /** Gives files of this computer to a file field. */
  choose(selector: string, paths: readonly string[]): Promise<void>;
}

/** The browsers and where Debian has them. */
export const BROWSERS = [
  { name: 'chromium', path: '/usr/bin/chromium', debian: 'chromium' },
  { name: 'firefox', path: '/usr/bin/firefox-esr', debian: 'firefox-esr' },
] as const;

/** Whether a browser is here; says so when it is not. */
export function hasBrowser({ name, path, debian }: (typeof BROWSERS)[number]): boolean {
  if (existsSync(path)) return true;
  console.log(`SKIPPED web in ${name}: there is no ${path} (Debian: apt-get install ${debian})`);
  return false;
}

/** A file that is dropped on the page. */
export interface DroppedFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** An open page of the explorer. */
export class ExplorerPage {
  /** Errors that the page threw or logged so far. */
  readonly errors: string[];
  readonly #driver: Driver;
  readonly #origin: string;

  constructor(driver: Driver, origin: string, errors: string[]) {
    this.#driver = driver;
    this.#origin = origin;
    this.errors = errors;
  }

  /** Loads the page anew. @param demo which machine to open; null for none */
  async open(demo: string | null, hash: string): Promise<void> {
    await this.#driver.goto('about:blank');
    await this.#driver.goto(`${this.#origin}/${demo === null ? '' : `?demo=${demo}`}#${hash}`);
  }

  /** The value of a script, which may be a promise's. */
  async evaluate<T>(script: string): Promise<T> {
    return (await this.#driver.evaluate(script)) as T;
  }

  /**
   * Waits until an expression is true in the page.
   *
   * @throws {Error} it does not become so
   */
  async until(expression: string): Promise<void> {
    const script = `(async () => {
      const end = performance.now() + ${PATIENCE};
      while (performance.now() < end) {
        try { if (${expression}) return true; } catch {}
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      return false;
    })()`;
    if (await this.evaluate<boolean>(script)) return;
    const seen = await this.text('main').catch(() => '');
    throw new Error(`not in ${PATIENCE} ms: ${expression}\nthe page says: ${seen.slice(0, 800)}`);
  }

  /** Waits for an element. */
  async find(selector: string): Promise<void> {
    await this.until(`document.querySelector(${JSON.stringify(selector)}) !== null`);
  }

  /** The text of the first element, as it is laid out. */
  text(selector: string): Promise<string> {
    return this.evaluate(`document.querySelector(${JSON.stringify(selector)}).innerText`);
  }

  /** The texts of all elements. */
  texts(selector: string): Promise<string[]> {
    return this.evaluate(
      `[...document.querySelectorAll(${JSON.stringify(selector)})].map((each) => each.innerText)`,
    );
  }

  /** Clicks the button whose label begins so, once it can be clicked. */
  async click(label: string): Promise<void> {
    const button = `[...document.querySelectorAll('button')].find((each) =>
      !each.disabled && (each.getAttribute('aria-label') ?? each.innerText).trim().startsWith(${JSON.stringify(label)}))`;
    await this.until(`${button} !== undefined`);
    await this.evaluate(`${button}.click()`);
  }

  /** Types into the field of a label, in place of what it holds. */
  async fill(label: string, value: string, within = 'main'): Promise<void> {
    await this.evaluate(`(() => {
      const place = document.querySelector(${JSON.stringify(within)});
      const own = [...place.querySelectorAll('label')].find((each) => each.innerText.trim() === ${JSON.stringify(label)});
      const field = document.getElementById(own.htmlFor);
      field.value = ${JSON.stringify(value)};
      field.dispatchEvent(new Event(field.tagName === 'SELECT' ? 'change' : 'input', { bubbles: true }));
    })()`);
  }

  /** Presses a key, by the name that KeyboardEvent.key has. */
  press(key: string): Promise<void> {
    return this.#driver.keyboard.press(key);
  }

  /** Types letters into what has the focus. */
  type(text: string): Promise<void> {
    return this.#driver.keyboard.type(text);
  }

  /** What axe-core finds wrong, a line each. */
  async violations(): Promise<string[]> {
    // What fades in has little contrast until it is there.
    await this.until(`document.getAnimations().every(({ playState }) => playState === 'finished')`);
    if (!(await this.evaluate<boolean>(`'axe' in globalThis`))) {
      await this.evaluate(`${readFileSync(AXE, 'utf8')}; true`);
    }
    return this
      .evaluate(`axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
      violations.flatMap(({ id, nodes }) =>
        nodes.map(({ html, failureSummary }) => id + ': ' + html.slice(0, 200) + ' ' + failureSummary)))`);
  }

  /** Whether something is wider than the page. */
  overflows(): Promise<boolean> {
    return this.evaluate(`[document.scrollingElement, document.querySelector('main')]
      .some((each) => each.scrollWidth > each.clientWidth)`);
  }

  /** Waits until nothing is: a terminal is laid out anew when the page has another width. */
  async fits(): Promise<void> {
    await this.until(`[document.scrollingElement, document.querySelector('main')]
      .every((each) => each.scrollWidth <= each.clientWidth)`);
  }

  /** Chooses the colours, whatever the computer prefers. */
  async theme(name: 'light' | 'dark'): Promise<void> {
    await this.evaluate(`void (document.documentElement.dataset.theme = '${name}')`);
  }

  resize(width: number, height: number): Promise<void> {
    return this.#driver.resize(width, height);
  }

  /** Chooses files of this computer in the page's file field. */
  choose(selector: string, paths: readonly string[]): Promise<void> {
    return this.#driver.choose(selector, paths);
  }

  /** Loads a page by its whole URL. */
  async goto(url: string): Promise<void> {
    await this.#driver.goto(url);
  }

  /** Drops files on the page, as a file manager does. */
  async drop(files: readonly DroppedFile[]): Promise<void> {
    const given = files.map(({ name, bytes }) => [name, Buffer.from(bytes).toString('base64')]);
    await this.evaluate(`(() => {
      const data = new DataTransfer();
      for (const [name, text] of ${JSON.stringify(given)}) {
        data.items.add(new File([Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))], name));
      }
      const options = { bubbles: true, cancelable: true, dataTransfer: data };
      const target = document.querySelector('main');
      for (const type of ['dragenter', 'dragover', 'drop']) target.dispatchEvent(new DragEvent(type, options));
    })()`);
  }

  /** Keeps a picture, for people. */
  async screenshot(name: string): Promise<void> {
    await this.#driver.screenshot({ path: screenshotPath(name) });
  }
}

/** Where pictures go: PROCMEM_SCREENSHOTS, or a directory beside the tests. CI keeps it. */
export function screenshotDirectory(): string {
  return (
    process.env['PROCMEM_SCREENSHOTS'] ?? fileURLToPath(new URL('screenshots', import.meta.url))
  );
}

function screenshotPath(name: string): string {
  return join(screenshotDirectory(), `${name}.png`);
}

let site: Map<string, Buffer> | null = null;

/** Every file of the built site by its path on the web, read once: a build meanwhile changes nothing. */
function siteFiles(): Map<string, Buffer> {
  if (site !== null) return site;
  if (!existsSync(join(SITE, 'index.html'))) throw new Error(`${SITE}: not built (npm run build)`);
  const names = readdirSync(SITE).filter((name) => !name.endsWith('.map'));
  site = new Map(names.map((name) => [`/${name}`, readFileSync(join(SITE, name))]));
  return site.set('/', readFileSync(join(SITE, 'index.html')));
}

/** Runs `act` with a page in a browser of its own, which is gone afterwards. @param missing a file that the server lacks */
export async function withPage(
  browser: (typeof BROWSERS)[number],
  act: (page: ExplorerPage) => Promise<void>,
  missing?: string,
): Promise<void> {
  const server = await serve(new Map([...siteFiles()].filter(([path]) => path !== missing)));
  const open = browser.name === 'chromium' ? openChromium : openFirefox;
  const errors: string[] = [];
  const { driver, close } = await open(browser.path, errors);
  try {
    await act(new ExplorerPage(driver, server.origin, errors));
  } finally {
    await close();
    server.close();
  }
}

interface Opened {
  readonly driver: Driver;
  close(): Promise<void>;
}

async function openChromium(executablePath: string, errors: string[]): Promise<Opened> {
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  const resize = (width: number, height: number) => page.setViewportSize({ width, height });
  const { keyboard } = page;
  const driver: Driver = {
    goto: (url) => page.goto(url),
    evaluate: (script) => page.evaluate(script),
    screenshot: (options) => page.screenshot(options),
    keyboard,
    resize,
    choose: (selector, paths) => page.setInputFiles(selector, [...paths]),
  };
  return { driver, close: () => browser.close() };
}

async function openFirefox(executablePath: string, errors: string[]): Promise<Opened> {
  const browser = await launch({ browser: 'firefox', executablePath, headless: true });
  const page = await browser.newPage();
  const resize = (width: number, height: number) => page.setViewport({ width, height });
  await resize(1280, 900);
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  const driver: Driver = {
    goto: (url) => page.goto(url),
    evaluate: (script) => page.evaluate(script),
    screenshot: ({ path }) => page.screenshot({ path: path as `${string}.png` }),
    keyboard: {
      press: (key) => page.keyboard.press(key as Parameters<typeof page.keyboard.press>[0]),
      type: (text) => page.keyboard.type(text),
    },
    resize,
    choose: async (selector, paths) => {
      const field = await page.$(selector);
      await (field as ElementHandle<HTMLInputElement> | null)?.uploadFile(...paths);
    },
  };
  return { driver, close: () => browser.close() };
}
