import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';

import type { Client } from './client.js';
import { openFiles } from './opening.js';
import { offerProgram } from './run-form.js';
import { useSelection } from './selection.js';

/** Takes files that are dropped anywhere on the page. */
export function DropTarget(props: {
  readonly client: Client;
  readonly children: ComponentChildren;
}): JSX.Element {
  const [over, setOver] = useState(false);
  const [{ panel }] = useSelection();
  const running = panel === 'run';
  const hasFiles = (event: DragEvent): boolean =>
    event.dataTransfer?.types.includes('Files') === true;
  return (
    <div
      class="drop-target"
      onDragOver={(event) => {
        if (!hasFiles(event)) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={(event) => {
        if (event.relatedTarget === null) setOver(false);
      }}
      onDrop={(event) => {
        if (!hasFiles(event)) return;
        event.preventDefault();
        setOver(false);
        const files = [...(event.dataTransfer?.files ?? [])];
        const [first] = files;
        if (first === undefined) return;
        if (running) offerProgram(first);
        else void openFiles(props.client, files);
      }}
    >
      {props.children}
      {over && (
        <div class="drop-here" aria-hidden="true">
          <p>
            {running
              ? 'Drop the program here, or a tar of a root directory.'
              : 'Drop the core here, with the program and libraries it names if you have them.'}
          </p>
        </div>
      )}
    </div>
  );
}
