import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

import { PANELS } from './panels.js';
import { SHORTCUTS } from './shortcuts.js';
import { Button, Key } from './ui.js';

/** The dialog that lists the keyboard shortcuts. */
export function HelpDialog({ onClose }: { onClose(): void }): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} class="dialog" aria-labelledby="help-title" onClose={onClose}>
      <header class="card-head">
        <h2 id="help-title">Keyboard shortcuts</h2>
        <Button kind="quiet" label="Close" onClick={() => dialog.current?.close()}>
          ✕
        </Button>
      </header>
      <div class="help-columns">
        <section>
          <h3>Anywhere</h3>
          <dl class="keys">
            {SHORTCUTS.anywhere.map((row) => (
              <KeyRow key={row.keys} {...row} />
            ))}
          </dl>
          <h3>Map</h3>
          <dl class="keys">
            {SHORTCUTS.map.map((row) => (
              <KeyRow key={row.keys} {...row} />
            ))}
          </dl>
        </section>
        <section>
          <h3>Hex view</h3>
          <dl class="keys">
            {SHORTCUTS.hex.map((row) => (
              <KeyRow key={row.keys} {...row} />
            ))}
          </dl>
        </section>
        <section>
          <h3>Go to a panel</h3>
          <dl class="keys">
            {PANELS.map(({ id, key, title }) => (
              <KeyRow key={id} keys={`g ${key}`} what={title} />
            ))}
          </dl>
        </section>
      </div>
    </dialog>
  );
}

function KeyRow({ keys, what }: { readonly keys: string; readonly what: string }): JSX.Element {
  return (
    <div>
      <dt>
        {keys.split(' ').map((key) => (
          <Key key={key}>{key}</Key>
        ))}
      </dt>
      <dd>{what}</dd>
    </div>
  );
}
