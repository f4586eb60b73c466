import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

import { splitCommand } from '../app/command-line.js';
import type { PanelProps } from '../app/panels.js';
import { changeRun, offerProgram, type RunForm, runForm } from '../app/run-form.js';
import { callLines, isRunning, runProgram, running, showOn } from '../app/running.js';
import { useStore } from '../app/store.js';
import { openTerminal, terminalFailed } from '../app/terminal.js';
import { Button, Check, Empty, FailureNotice, Field, Panel, Select, Tabs } from '../app/ui.js';
import { RunStatus } from './run-status.js';

const EXAMPLES: readonly { readonly name: string; readonly label: string }[] = [
  { name: 'crash', label: 'crash: names the functions on its stack' },
  { name: 'look', label: 'look: talk to it' },
];
/** Lines of the terminal. */
const ROWS = 20;
const COLUMNS = 80;
type View = 'terminal' | 'calls';
const VIEWS: readonly { readonly value: View; readonly label: string }[] = [
  { value: 'terminal', label: 'Terminal' },
  { value: 'calls', label: 'System calls' },
];

/** The size of the terminal that was last there. */
const size = { columns: COLUMNS, rows: ROWS };

/** Runs a RISC-V Linux program, with a terminal. */
export function RunPanel({ client }: PanelProps): JSX.Element {
  const run = useStore(running);
  const form = useStore(runForm);
  const [view, setView] = useState<View>('terminal');
  const wrong = wrongCommand(form.command);
  const start = (): void => {
    if (wrong !== null) return;
    setView('terminal');
    const { file, procMem, strace, haltsAtFault } = form;
    const source = form.program === '' && file !== null ? { file } : { example: form.program };
    const argv = splitCommand(form.command);
    void runProgram(client, { source, argv, procMem, strace, haltsAtFault, ...size });
  };
  return (
    <Panel
      title="Run a program"
      about="An unmodified program for RISC-V Linux runs in this page: its processes, its memory and its files are the machine's. The other panels look at it while it runs."
    >
      <Choice form={form} />
      <div class="form-row run-command">
        <Field
          label="Command"
          mono
          value={form.command}
          error={wrong}
          onInput={(command) => changeRun({ command })}
          onEnter={start}
        />
        <Controls client={client} disabled={wrong !== null} onRun={start} />
      </div>
      <div class="run-checks">
        <Check
          label="The machine has /proc/PID/mem"
          checked={form.procMem}
          onChange={(procMem) => changeRun({ procMem })}
        />
        <Check
          label="Trace system calls"
          checked={form.strace}
          onChange={(strace) => changeRun({ strace })}
        />
        <Check
          label="Pause when a fault is handled"
          checked={form.haltsAtFault}
          onChange={(haltsAtFault) => changeRun({ haltsAtFault })}
        />
      </div>
      {run.failure !== null && (
        <FailureNotice title="That could not be run" failure={run.failure}>
          <p>Choose another program or another command. What was open stays open.</p>
        </FailureNotice>
      )}
      <RunStatus client={client} />
      <Tabs label="Views of the run" value={view} tabs={VIEWS} onChange={(next) => setView(next)} />
      <div hidden={view !== 'terminal'}>
        <RunTerminal client={client} />
      </div>
      {view === 'calls' && <SystemCalls traced={form.strace} />}
    </Panel>
  );
}

function wrongCommand(command: string): string | null {
  try {
    return splitCommand(command).length === 0 ? 'What is to be run?' : null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function Choice({ form }: { readonly form: RunForm }): JSX.Element {
  const { file, program: chosen } = form;
  const input = useRef<HTMLInputElement>(null);
  const options = EXAMPLES.map(({ name, label }) => ({ value: name, label }));
  if (file !== null) options.push({ value: '', label: file.name });
  return (
    <div class="form-row">
      <Select
        label="Program"
        value={chosen}
        options={options}
        width="20rem"
        onChange={(program) => {
          if (program !== '') changeRun({ program, command: program });
          else if (file !== null) offerProgram(file);
        }}
      />
      <input
        ref={input}
        type="file"
        class="unseen"
        id="program-file"
        tabIndex={-1}
        aria-label="A program or a tar of a root directory"
        onChange={(event) => {
          const [first] = event.currentTarget.files ?? [];
          if (first !== undefined) offerProgram(first);
        }}
      />
      <Button onClick={() => input.current?.click()}>Choose a file …</Button>
      <p class="hint run-hint">
        Or drop one here: a static program for riscv64, or a tar (also .tar.gz) of a root directory.
      </p>
    </div>
  );
}

function Controls(props: {
  readonly client: PanelProps['client'];
  readonly disabled: boolean;
  onRun(): void;
}): JSX.Element {
  const run = useStore(running);
  const { client } = props;
  const paused = run.state === 'paused';
  return (
    <div class="run-buttons">
      {isRunning(run) ? (
        <Button kind="main" onClick={() => client.tell('guest.kill', {})}>
          Stop
        </Button>
      ) : (
        <Button
          kind="main"
          disabled={props.disabled || run.state === 'starting'}
          onClick={props.onRun}
        >
          Run
        </Button>
      )}
      <Button
        disabled={!isRunning(run)}
        onClick={() => client.tell('guest.pause', { paused: !paused })}
      >
        {paused ? 'Continue' : 'Pause'}
      </Button>
      <Button disabled={!paused} onClick={() => client.tell('guest.step', {})}>
        Step
      </Button>
    </div>
  );
}

function RunTerminal({ client }: Pick<PanelProps, 'client'>): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const { current } = place;
    if (current === null) return;
    let close = (): void => {};
    let gone = false;
    const onResize = (columns: number, rows: number): void => {
      size.columns = columns;
      client.tell('guest.resize', { columns, rows });
    };
    const onInput = (bytes: Uint8Array): void => client.tell('guest.input', { bytes });
    void openTerminal(current, { label: 'Terminal', rows: ROWS, onInput, onResize })
      .then((open) => {
        if (gone) return open.close();
        const { terminal } = open;
        size.columns = terminal.cols;
        showOn({
          write: (bytes, shown) => terminal.write(bytes, shown),
          clear: () => {
            terminal.reset();
            terminal.focus();
          },
        });
        close = () => {
          showOn(null);
          open.close();
        };
      })
      .catch(() => terminalFailed(current));
    return () => {
      gone = true;
      close();
    };
  }, [client]);
  return <div class="run-terminal mono" ref={place} />;
}

function SystemCalls({ traced }: { readonly traced: boolean }): JSX.Element {
  const lines = useStore(callLines);
  const end = useRef<HTMLPreElement>(null);
  useEffect(() => {
    end.current?.scrollTo({ top: end.current.scrollHeight });
  }, [lines]);
  if (lines.length === 0) {
    return (
      <Empty title={traced ? 'No system call yet' : 'System calls were not traced'}>
        <p>{traced ? 'Run the program.' : 'Choose “Trace system calls”, and run it again.'}</p>
      </Empty>
    );
  }
  return (
    <pre class="run-calls mono" tabIndex={0} aria-label="System calls" ref={end}>
      {lines.join('\n')}
    </pre>
  );
}
