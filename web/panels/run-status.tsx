import type { JSX } from 'preact';

import type { Client } from '../app/client.js';
import { formatAddress, formatCount } from '../app/format.js';
import { isRunning, type Running, running } from '../app/running.js';
import { linkTo, select } from '../app/selection.js';
import { useStore } from '../app/store.js';
import { Badge } from '../app/ui.js';

const SIGNALS: Readonly<Record<number, string>> = {
  1: 'SIGHUP',
  2: 'SIGINT',
  3: 'SIGQUIT',
  4: 'SIGILL',
  5: 'SIGTRAP',
  6: 'SIGABRT',
  7: 'SIGBUS',
  8: 'SIGFPE',
  9: 'SIGKILL',
  11: 'SIGSEGV',
  13: 'SIGPIPE',
  14: 'SIGALRM',
  15: 'SIGTERM',
};
/** Where a process that lives can be looked at. */
const VIEWS = [
  ['map', 'Address space'],
  ['hex', 'Memory'],
  ['stack', 'Stack'],
  ['registers', 'Registers'],
  ['disassembly', 'Disassembly'],
] as const;

/** How the run is, and where to look at it. */
export function RunStatus(_props: { readonly client: Client }): JSX.Element {
  const run = useStore(running);
  return (
    <div class="run-status">
      <p role="status">{textOf(run)}</p>
      {isRunning(run) && (
        <ul class="run-links" aria-label="Look at the process">
          {VIEWS.map(([panel, title]) => {
            const addr = panel === 'disassembly' && run.pc !== null ? Number(run.pc) : null;
            const to = { panel, task: run.pid, addr };
            return (
              <li key={panel}>
                <a
                  href={linkTo(to)}
                  onClick={(event) => {
                    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
                    event.preventDefault();
                    select(to);
                  }}
                >
                  {title}
                </a>
              </li>
            );
          })}
        </ul>
      )}
    </div>
  );
}

function textOf({ state, why, pc, pid, end }: Running): JSX.Element {
  if (state === 'starting') return <>Starting …</>;
  if (state === 'running') {
    return (
      <>
        <Badge kind="accent">Running</Badge> Process {pid}.
      </>
    );
  }
  if (state === 'paused') {
    const where = pc === null ? '' : ` at ${formatAddress(pc)}`;
    return (
      <>
        <Badge kind="warn">Paused</Badge> Process {pid}
        {where}
        {why === 'fault' ? ', where the handler of its fault begins.' : '.'}
      </>
    );
  }
  if (end === null) return <>Nothing has run yet.</>;
  const { exitCode, signal, instructions } = end;
  const how =
    signal === null
      ? `Exited with ${exitCode}`
      : `Killed by ${SIGNALS[signal] ?? `signal ${signal}`}`;
  return (
    <>
      <Badge kind={exitCode === 0 ? 'good' : 'bad'}>{how}</Badge> Process {pid},{' '}
      {formatCount(instructions)} instructions.
    </>
  );
}
