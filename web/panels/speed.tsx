import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

import type { Client } from '../app/client.js';
import { formatSize } from '../app/format.js';
import { Cancelled, type Failure } from '../app/message.js';
import { failureOf } from '../app/opening.js';
import type { PanelProps } from '../app/panels.js';
import { Button, Card, FailureNotice, Panel, Table } from '../app/ui.js';
import { SPEED_SIZES } from '../worker/speed-sizes.js';
import type { SpeedProgress, SpeedRow } from '../worker/speed.js';
import { formatSpeed, SpeedPlot } from './speed-plot.js';

/** Rounds until it stops by itself: some ten seconds. */
const ROUNDS = 60;

/** How fast reads of another process's memory are, beside plain copies. */
export function SpeedPanel({ client }: PanelProps): JSX.Element {
  const { progress, running, failure, start, stop } = useMeasurement(client);
  return (
    <Panel
      title="Copy speed"
      about="Reads of another process through /proc/PID/mem, measured here and now, beside plain copies of as many bytes."
      actions={
        running ? (
          <Button onClick={stop}>Stop</Button>
        ) : (
          <Button kind="main" onClick={start}>
            {progress === null ? 'Start' : 'Start again'}
          </Button>
        )
      }
    >
      {failure !== null && (
        <FailureNotice title="The measurement ended early" failure={failure}>
          <p>Start it again; other tabs may have taken the memory it needs.</p>
        </FailureNotice>
      )}
      <Card>
        <SpeedPlot rows={progress?.rows ?? []} />
        <p class="hint" role="status">
          {statusOf(progress, running)}
        </p>
      </Card>
      <div class="two-columns speed-below">
        <SpeedTable rows={progress?.rows ?? []} />
        <Card title="What is compared">
          <p>
            One process reads another: <code>pread</code> on its mem file finds the task, checks the
            range, walks the page tables page by page and copies what it finds into an array of this
            worker. That is one call inside the page, no system call.
          </p>
          <p class="hint">
            The plain copy is <code>Uint8Array.set</code> of as many bytes: what memcpy is to
            JavaScript. It looks at no page, task or permission, so it bounds what a read can reach.
            Numbers are medians of rounds in this browser on this computer; quote their ratio rather
            than either of them.
          </p>
        </Card>
      </div>
    </Panel>
  );
}

interface Measurement {
  readonly progress: SpeedProgress | null;
  readonly running: boolean;
  readonly failure: Failure | null;
  start(): void;
  stop(): void;
}

function useMeasurement(client: Client): Measurement {
  const [progress, setProgress] = useState<SpeedProgress | null>(null);
  const [running, setRunning] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const abort = useRef<AbortController | null>(null);
  const stop = (): void => abort.current?.abort();
  useEffect(() => stop, []);
  const start = (): void => {
    const controller = new AbortController();
    abort.current = controller;
    setProgress(null);
    setFailure(null);
    setRunning(true);
    const options = {
      signal: controller.signal,
      onProgress: (told: unknown) => setProgress(told as SpeedProgress),
    };
    client
      .call('speed.measure', { rounds: ROUNDS }, options)
      .catch((error: unknown) => {
        if (!(error instanceof Cancelled)) setFailure(failureOf(error));
      })
      .finally(() => setRunning(false));
  };
  return { progress, running, failure, start, stop };
}

function statusOf(progress: SpeedProgress | null, running: boolean): string {
  if (progress === null) return running ? 'Warming up …' : 'Not measured yet: press Start.';
  const rounds = `${progress.rounds} ${progress.rounds === 1 ? 'round' : 'rounds'}`;
  return running ? `Medians of ${rounds} so far.` : `Medians of ${rounds}.`;
}

function SpeedTable({ rows }: { readonly rows: readonly SpeedRow[] }): JSX.Element {
  const bySize = new Map(rows.map((row) => [row.size, row]));
  const numeric = (label: string) => ({ label, numeric: true }) as const;
  return (
    <Table
      caption="Throughput by size"
      columns={['At a time', numeric('mem read'), numeric('plain copy'), numeric('share')]}
    >
      {SPEED_SIZES.map((size) => {
        const row = bySize.get(size);
        return (
          <tr key={size}>
            <th scope="row">{formatSize(size)}</th>
            <td class="numeric">{row === undefined ? '–' : formatSpeed(row.mem)}</td>
            <td class="numeric">{row === undefined ? '–' : formatSpeed(row.memcpy)}</td>
            <td class="numeric">
              {row === undefined ? '–' : `${Math.round((row.mem / row.memcpy) * 100)} %`}
            </td>
          </tr>
        );
      })}
    </Table>
  );
}
