import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';

import { openDemo, openFiles, useOpening } from '../app/opening.js';
import type { PanelProps } from '../app/panels.js';
import { Button, FailureNotice, Notice, Panel } from '../app/ui.js';

const DEMOS = [
  {
    name: 'crash',
    title: 'A crash',
    about: 'A program that a damaged picture ended. Its stack, its registers, its memory.',
  },
  {
    name: 'family',
    title: 'A family of processes',
    about: 'A server, the child it forked, and users who may or may not look into them.',
  },
  {
    name: 'large',
    title: 'A giant and a crowd',
    about: '1 GiB of memory, a reservation of 64 TiB, and 100,000 mappings.',
  },
];

/** Opens a core, a snapshot or a demo. */
export function OpenPanel({ client }: PanelProps): JSX.Element {
  const { busy, failure } = useOpening();
  return (
    <Panel
      title="Look into a process"
      about="Open a core file or a snapshot of a machine. Files are read on this computer only: nothing is uploaded."
    >
      {failure !== null && (
        <FailureNotice title="That could not be opened" failure={failure}>
          <p>{adviceFor(failure.name, failure.code)}</p>
        </FailureNotice>
      )}
      <DropBox busy={busy} onFiles={(files) => void openFiles(client, files)} />
      <h2 class="section-title">Or start with a demo</h2>
      <ul class="demos">
        {DEMOS.map(({ name, title, about }) => (
          <li key={name}>
            <button
              type="button"
              class="demo"
              disabled={busy !== null}
              onClick={() => void openDemo(client, name)}
            >
              <strong>{title}</strong>
              <span>{about}</span>
            </button>
          </li>
        ))}
      </ul>
      <Missing />
    </Panel>
  );
}

function DropBox(props: {
  readonly busy: string | null;
  onFiles(files: readonly File[]): void;
}): JSX.Element {
  const input = useRef<HTMLInputElement>(null);
  return (
    <div class="drop-box" aria-busy={props.busy !== null}>
      <p class="drop-box-title">
        {props.busy === null ? 'Drop files here' : `Opening ${props.busy} …`}
      </p>
      <p>
        A core of any size (x86-64, aarch64, riscv64), also gzipped, or a snapshot. With a core,
        drop the program and the libraries it names: they give names to addresses.
      </p>
      <input
        ref={input}
        type="file"
        multiple
        class="unseen"
        id="files"
        tabIndex={-1}
        aria-label="Files to open"
        onChange={(event) => {
          const files = [...(event.currentTarget.files ?? [])];
          event.currentTarget.value = '';
          if (files.length > 0) props.onFiles(files);
        }}
      />
      <Button kind="main" disabled={props.busy !== null} onClick={() => input.current?.click()}>
        Choose files …
      </Button>
    </div>
  );
}

/** Names the files that a core named and nobody dropped. */
function Missing(): JSX.Element | null {
  const { info } = useOpening();
  if (info === null || info.missing.length === 0) return null;
  return (
    <Notice kind="info" title={`${info.label} names files that are not here`}>
      <p>Their contents are unknown. Drop them together with the core to have them:</p>
      <ul class="paths mono">
        {info.missing.slice(0, 20).map((path) => (
          <li key={path}>{path}</li>
        ))}
      </ul>
      {info.missing.length > 20 && <p>and {info.missing.length - 20} more.</p>}
    </Notice>
  );
}

const ADVICE: Readonly<Record<string, string>> = {
  CUT_SHORT: 'Copy the file again: its end is missing.',
  CORRUPT: 'The file changed after it was written. Copy it again.',
  VERSION: 'Another version of procmem wrote it: open it with that one.',
  MISSING: 'Drop the files that it needs together with it.',
  ENOMEM: 'The process has more than a machine of 4 GiB can hold.',
};

function adviceFor(name: string, code: string | null): string {
  const known = code === null ? undefined : ADVICE[code];
  if (known !== undefined) return known;
  if (name === 'ElfError') {
    return 'Copy the core again if it was cut short, or choose another one. What was open stays open.';
  }
  return 'Choose another file. What was open stays open.';
}
