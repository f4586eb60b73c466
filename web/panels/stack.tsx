import type { JSX } from 'preact';

import { formatCount } from '../app/format.js';
import type { PanelProps } from '../app/panels.js';
import { useRemote } from '../app/remote.js';
import { select, useSelection } from '../app/selection.js';
import { AddressLink, Badge, Button, Card, FailureNotice, Panel } from '../app/ui.js';
import type { FrameRow, ThreadTrace } from '../worker/stack.js';

/** Threads shown at once: the chosen one and these others. */
const MAX_OTHERS = 15;

/** A stack trace of each thread, with names. */
export function StackPanel({ client }: PanelProps): JSX.Element {
  const [{ task }] = useSelection();
  const { value, failure } = useRemote(client, 'stack.process', { tid: task });
  const traces = value ?? [];
  const left = traces.length - 1 - MAX_OTHERS;
  return (
    <Panel
      title="Stack"
      about="How each thread got where it is. The chosen thread comes first; names are read from the files and memory of the process."
    >
      {failure !== null && (
        <FailureNotice title="The stack cannot be walked" failure={failure}>
          <p>Choose another task in the bar above.</p>
        </FailureNotice>
      )}
      <div class="traces">
        {traces.slice(0, 1 + MAX_OTHERS).map((trace) => (
          <Trace key={trace.tid} trace={trace} chosen={trace.tid === task} />
        ))}
      </div>
      {left > 0 && <p class="hint">And {formatCount(left)} more threads.</p>}
    </Panel>
  );
}

function Trace(props: { readonly trace: ThreadTrace; readonly chosen: boolean }): JSX.Element {
  const { tid, comm, arch, frames, end } = props.trace;
  const title = `Thread ${tid} ${comm}`;
  if (arch === null) return <NeverRan title={title} />;
  return (
    <Card
      title={title}
      actions={
        props.chosen ? (
          <Badge>{arch}</Badge>
        ) : (
          <Button kind="quiet" label={`Choose thread ${tid}`} onClick={() => select({ task: tid })}>
            Choose
          </Button>
        )
      }
    >
      <ol class="frames" aria-label={`Frames of thread ${tid}`}>
        {frames.map((frame, i) => (
          <Frame key={i} number={i} frame={frame} tid={tid} />
        ))}
      </ol>
      {end !== null && <p class="hint">The trace ends here: {end}.</p>}
    </Card>
  );
}

function NeverRan({ title }: { readonly title: string }): JSX.Element {
  return (
    <Card title={title}>
      <p class="hint">
        No CPU ever ran this thread, so it has no registers to begin from. Threads of a core have
        some.
      </p>
    </Card>
  );
}

/** How a frame was found, in words. */
const FOUND_BY: Readonly<Record<string, string>> = {
  registers: 'where it stopped',
  cfi: 'found by unwind tables',
  'frame pointer': 'found by the frame pointer',
  'return address': 'found by the return address',
};

function Frame(props: {
  readonly number: number;
  readonly frame: FrameRow;
  readonly tid: number;
}): JSX.Element {
  const { pc, sp, by, name, path } = props.frame;
  const file = path.slice(path.lastIndexOf('/') + 1);
  return (
    <li class="frame">
      <span class="frame-number">{props.number}</span>
      <span class={`frame-name mono ${name === null ? 'frame-unknown' : ''}`}>
        {name ?? '(unknown)'}
      </span>
      <span class="frame-file" title={path}>
        {file}
      </span>
      <span class="frame-places">
        <AddressLink addr={pc} task={props.tid} panel="disassembly" />
        <span class="frame-sp">
          sp <AddressLink addr={sp} task={props.tid} />
        </span>
        <span class="frame-by">{FOUND_BY[by] ?? by}</span>
      </span>
    </li>
  );
}
