import { useEffect, useRef } from 'preact/hooks';

import { PANELS } from './panels.js';
import { select, selection } from './selection.js';

interface Shortcut {
  /** Keys with spaces between. */
  readonly keys: string;
  readonly what: string;
}

/** What the help dialog lists besides the panels. */
export const SHORTCUTS: Readonly<Record<'anywhere' | 'map' | 'hex', readonly Shortcut[]>> = {
  anywhere: [
    { keys: '?', what: 'this list' },
    { keys: '/', what: 'go to an address or symbol' },
    { keys: 'Alt ←', what: 'back' },
  ],
  map: [
    { keys: '← →', what: 'move' },
    { keys: '+ −', what: 'zoom' },
    { keys: '0', what: 'show everything' },
    { keys: '[ ]', what: 'mapping before, after' },
    { keys: 'Enter', what: 'show in the hex view' },
  ],
  hex: [
    { keys: '← ↑ ↓ →', what: 'move the cursor' },
    { keys: 'PgUp PgDn', what: 'a screen up, down' },
    { keys: 'Home End', what: 'start, end of the row' },
    { keys: 'Ctrl Home', what: 'start of the mapping' },
    { keys: 'Ctrl End', what: 'its end' },
    { keys: 'Enter', what: 'follow the pointer' },
    { keys: '0 … f', what: 'overwrite a byte, when editing is on' },
    { keys: 'e', what: 'editing on, off' },
    { keys: 'Ctrl Z', what: 'undo' },
    { keys: 'Ctrl Shift Z', what: 'redo' },
  ],
};

/** Milliseconds in which the letter must follow `g`. */
const FOLLOWS = 1500;

/** Whether keys are being typed into something. */
export function isTyping(event: Event): boolean {
  const target = event.target;
  return (
    target instanceof HTMLElement &&
    target.closest('input, textarea, select, dialog, [data-keys]') !== null
  );
}

/** The shortcuts that work anywhere on the page. */
export function useShortcuts(showHelp: () => void): void {
  // Kept outside of the effect: the page may be drawn between the two keys.
  const pressedG = useRef(-FOLLOWS);
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const typing = isTyping(event);
      const inGrid = typing && (event.target as HTMLElement).matches('[data-keys]');
      if (typing && !inGrid) return;
      if (event.key === '?') return void (event.preventDefault(), showHelp());
      if (event.key === '/') return goToAddress(event);
      if (event.timeStamp - pressedG.current < FOLLOWS) {
        pressedG.current = -FOLLOWS;
        const panel = PANELS.find(({ key }) => key === event.key);
        if (panel !== undefined) {
          event.preventDefault();
          event.stopPropagation();
          select({ panel: panel.id });
        }
      } else if (event.key === 'g') {
        pressedG.current = event.timeStamp;
      }
    };
    addEventListener('keydown', press, { capture: true });
    return () => removeEventListener('keydown', press, { capture: true });
  }, [showHelp]);
}

/** The field is in the hex view: it is shown first. */
function goToAddress(event: KeyboardEvent): void {
  if (selection.value.task === 0) return;
  event.preventDefault();
  if (selection.value.panel !== 'hex') select({ panel: 'hex' });
  requestAnimationFrame(() => document.getElementById('jump')?.focus());
}
