// xterm.js under a content security policy that forbids styles in elements and attributes.
import type { ITheme, Terminal } from '@xterm/xterm';

/** Colours of the terminal, from the tokens of the page. */
function themeOf(element: HTMLElement): ITheme {
  const style = getComputedStyle(element);
  const probe = document.createElement('span');
  element.append(probe);
  const colour = (token: string): string => {
    probe.style.color = `var(${token})`;
    return getComputedStyle(probe).color;
  };
  const [red, green, yellow, blue] = ['--bad', '--good', '--warn', '--focus'].map(colour);
  const [cyan, magenta] = ['--accent', '--perm-other'].map(colour);
  const [foreground, soft, faint] = ['--text', '--text-soft', '--text-faint'].map(colour);
  const colours = { red, green, yellow, blue, cyan, magenta };
  const bright = Object.fromEntries(
    Object.entries(colours).map(([name, value]) => [
      `bright${name[0]?.toUpperCase()}${name.slice(1)}`,
      value,
    ]),
  );
  const theme = {
    ...colours,
    ...bright,
    background: style.backgroundColor,
    foreground,
    cursor: foreground,
    cursorAccent: style.backgroundColor,
    selectionBackground: colour('--accent-soft'),
    selectionForeground: foreground,
    black: foreground,
    white: soft,
    brightBlack: faint,
    brightWhite: foreground,
  };
  probe.remove();
  return theme as ITheme;
}

/** Makes elements for xterm.js whose styles a policy allows. */
function createStyleSafe(make: (tag: string) => HTMLElement, tag: string): HTMLElement {
  if (tag === 'style') return sheetElement(make);
  const element = make(tag);
  const setAttribute = element.setAttribute.bind(element);
  element.setAttribute = (name, value) => {
    if (name === 'style') element.style.cssText = value;
    else setAttribute(name, value);
  };
  return element;
}

/** The document as xterm.js is to see it. */
function styleSafeDocument(): Document {
  const make = document.createElement.bind(document);
  return new Proxy(document, {
    get(target, name) {
      if (name === 'createElement') return (tag: string) => createStyleSafe(make, tag);
      const value = Reflect.get(target, name, target) as unknown;
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

/** Its viewport asks the page's own document for a style element, whatever document it was given. */
function openStyleSafe(terminal: Terminal, place: HTMLElement): void {
  const make = document.createElement.bind(document);
  document.createElement = (tag: string) => createStyleSafe(make, tag);
  try {
    terminal.open(place);
  } finally {
    Reflect.deleteProperty(document, 'createElement');
  }
}

/** Stands where a style element would: its text is a sheet of the page until it is removed. */
function sheetElement(make: (tag: string) => HTMLElement): HTMLElement {
  const element = make('span');
  const sheet = new CSSStyleSheet();
  element.hidden = true;
  document.adoptedStyleSheets.push(sheet);
  Object.defineProperty(element, 'textContent', {
    set: (text: string) => sheet.replaceSync(text),
  });
  element.remove = () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((each) => each !== sheet);
    Element.prototype.remove.call(element);
  };
  return element;
}

/** A terminal in the page. */
export interface OpenTerminal {
  readonly terminal: Terminal;
  close(): void;
}

/** How a terminal is opened. */
export interface TerminalOptions {
  /** Its accessible name. */
  readonly label: string;
  readonly rows: number;
  /** Absent: nothing is typed here. */
  onInput?(bytes: Uint8Array): void;
  onResize?(columns: number, rows: number): void;
}

/** Opens a terminal that is as wide as its place, in the page's colours. */
export async function openTerminal(
  place: HTMLElement,
  options: TerminalOptions,
): Promise<OpenTerminal> {
  const { Terminal } = await import('@xterm/xterm');
  const { label, rows, onInput, onResize } = options;
  const terminal = new Terminal({
    rows,
    fontFamily: getComputedStyle(place).fontFamily,
    fontSize: 13,
    lineHeight: 1.25,
    screenReaderMode: true,
    minimumContrastRatio: 4.5,
    scrollback: 5000,
    disableStdin: onInput === undefined,
    cursorBlink: false,
    theme: themeOf(place),
    documentOverride: styleSafeDocument(),
  });
  openStyleSafe(terminal, place);
  terminal.textarea?.setAttribute('aria-label', label);
  const encoder = new TextEncoder();
  terminal.onData((text) => onInput?.(encoder.encode(text)));
  terminal.onBinary((text) => onInput?.(Uint8Array.from(text, (each) => each.charCodeAt(0))));
  terminal.onResize(({ cols, rows: lines }) => onResize?.(cols, lines));
  const fit = (): void => {
    const wide = columnsIn(place, terminal);
    if (wide !== terminal.cols) terminal.resize(wide, rows);
  };
  fit();
  const resized = new ResizeObserver(fit);
  resized.observe(place);
  const paint = (): void => void (terminal.options.theme = themeOf(place));
  const themed = new MutationObserver(paint);
  themed.observe(document.documentElement, { attributeFilter: ['data-theme'] });
  const preference = matchMedia('(prefers-color-scheme: dark)');
  preference.addEventListener('change', paint);
  const close = (): void => {
    resized.disconnect();
    themed.disconnect();
    preference.removeEventListener('change', paint);
    terminal.dispose();
  };
  return { terminal, close };
}

/** How many letters fit beside each other, the scroll bar aside. */
function columnsIn(place: HTMLElement, terminal: Terminal): number {
  const screen = place.querySelector<HTMLElement>('.xterm-screen');
  const { paddingLeft, paddingRight } = getComputedStyle(place);
  const cell = (screen?.offsetWidth ?? 0) / terminal.cols;
  if (!(cell > 0)) return terminal.cols;
  const free = place.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight) - 14;
  return Math.max(20, Math.min(300, Math.floor(free / cell)));
}

/** Says so where a terminal should be: its script is loaded when it is first needed. */
export function terminalFailed(place: HTMLElement): void {
  place.textContent = 'The terminal could not be loaded. Load the page again.';
}
