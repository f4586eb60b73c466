// What is looked at, kept in the address bar: #panel=hex&task=1234&addr=0x7ffd1000&as=1300
import { Store, useStore } from './store.js';

/** What the page looks at. */
export interface Selection {
  /** The panel shown: an id of PANELS. */
  readonly panel: string;
  /** Number of the thread; 0 before anything is open. */
  readonly task: number;
  /** A guest address below 2^47; null for none. */
  readonly addr: number | null;
  /** Number of the task to act as in reads and writes; 0 is the explorer itself, root. */
  readonly as: number;
  /** What the panel Access is asked, as its own text; '' for what it begins with. */
  readonly ask: string;
}

const NOTHING: Selection = { panel: 'open', task: 0, addr: null, as: 0, ask: '' };

/** The selection of this page. */
export const selection = new Store<Selection>(NOTHING);

/** The selection, and how to change some of it. Changes of panel and task can be gone back from. */
export function useSelection(): readonly [Selection, typeof select] {
  return [useStore(selection), select];
}

/**
 * Selects something; what is not named stays.
 *
 * @param how `push` (default) makes an entry in the history, `replace` changes the one there is
 */
export function select(change: Partial<Selection>, how: 'push' | 'replace' = 'push'): void {
  const next = { ...selection.value, ...change };
  const hash = formatHash(next);
  if (hash !== location.hash) {
    if (how === 'push') history.pushState(null, '', hash);
    else history.replaceState(null, '', hash);
  }
  selection.set(next);
}

/** Follows the address bar: links, back and forward. */
export function followHash(): void {
  const follow = (): void => selection.set(parseHash(location.hash));
  addEventListener('hashchange', follow);
  addEventListener('popstate', follow);
  follow();
}

/** The link that leads to a selection. */
export function linkTo(change: Partial<Selection>): string {
  return formatHash({ ...selection.value, ...change });
}

/** The selection as a fragment of a URL. */
export function formatHash({ panel, task, addr, as, ask }: Selection): string {
  const parts = [`panel=${panel}`];
  if (task !== 0) parts.push(`task=${task}`);
  if (addr !== null) parts.push(`addr=0x${addr.toString(16)}`);
  if (as !== 0) parts.push(`as=${as}`);
  if (ask !== '' && panel === 'access') parts.push(`ask=${ask}`);
  return `#${parts.join('&')}`;
}

/** Reads a fragment; what makes no sense is as if it were not there. */
export function parseHash(hash: string): Selection {
  const parts = new URLSearchParams(hash.replace(/^#/, ''));
  const number = (name: string): number => {
    const text = parts.get(name) ?? '';
    return /^\d{1,9}$/.test(text) ? Number(text) : 0;
  };
  const addr = parts.get('addr') ?? '';
  const panel = parts.get('panel') ?? '';
  const ask = parts.get('ask') ?? '';
  return {
    panel: /^[a-z-]+$/.test(panel) ? panel : number('task') === 0 ? 'open' : 'map',
    task: number('task'),
    addr: /^0x[0-9a-f]{1,12}$/i.test(addr) ? Number(addr) : null,
    as: number('as'),
    ask: /^[a-z0-9_.;]{1,400}$/.test(ask) ? ask : '',
  };
}
