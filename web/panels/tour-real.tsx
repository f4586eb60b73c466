import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

import type { Client } from '../app/client.js';
import { formatCount } from '../app/format.js';
import { useRemote } from '../app/remote.js';
import { openTerminal, terminalFailed } from '../app/terminal.js';
import { Card, FailureNotice } from '../app/ui.js';
import type { RealCrash } from '../worker/tour-run.js';

/** Lines that the program prints, and one more. */
const ROWS = 10;

/** The last step of the tour: the same with a program that runs in this page. */
export function ForReal({ client }: { readonly client: Client }): JSX.Element {
  const without = useRemote(client, 'tour.run', { procMem: false });
  const withMem = useRemote(client, 'tour.run', { procMem: true });
  const failure = without.failure ?? withMem.failure;
  return (
    <>
      <p class="tour-text">
        So far a recorded crash was told again. Here a RISC-V Linux program has just run in this
        page, twice, instruction by instruction: the same file, the same bug, and a machine without
        and one with <code>/proc/self/mem</code>. What it found, it found itself.
      </p>
      {failure !== null && (
        <FailureNotice title="The program could not be run" failure={failure}>
          <p>Load the page again.</p>
        </FailureNotice>
      )}
      <div class="two-columns">
        <Crash title="Without /proc/self/mem" run={without.value} />
        <Crash title="With /proc/self/mem" run={withMem.value} />
      </div>
    </>
  );
}

function Crash(props: { readonly title: string; readonly run: RealCrash | null }): JSX.Element {
  const { title, run } = props;
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const { current } = place;
    if (current === null || run === null) return;
    let close = (): void => {};
    let gone = false;
    void openTerminal(current, { label: title, rows: ROWS })
      .then((open) => {
        if (gone) return open.close();
        close = open.close;
        open.terminal.write(run.output);
      })
      .catch(() => terminalFailed(current));
    return () => {
      gone = true;
      close();
    };
  }, [run]);
  return (
    <Card title={title}>
      <div class="run-terminal run-terminal-small mono" ref={place} />
      <p class="hint tour-end">
        {run === null
          ? 'It runs …'
          : `Ended by ${run.signal === 11 ? 'SIGSEGV' : `signal ${run.signal}`} after ${formatCount(run.instructions)} instructions.`}
      </p>
    </Card>
  );
}
