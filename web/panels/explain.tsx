import type { JSX } from 'preact';
import { useState } from 'preact/hooks';

import type { Client } from '../app/client.js';
import type { PanelProps } from '../app/panels.js';
import { useRemote } from '../app/remote.js';
import { select, useSelection } from '../app/selection.js';
import { Button, Card, FailureNotice, Panel, Select, Tabs } from '../app/ui.js';
import type { AccessAsked } from '../worker/explain.js';
import { AccessVerdict } from './explain-checks.js';
import { ExplainForm } from './explain-form.js';
import { type ExplainLink, formatExplain, parseExplain } from './explain-link.js';
import { PRESETS } from './explain-presets.js';

/** What is asked: the four PTRACE_MODE_* pairs. */
const ATTACH_FSCREDS = 0x0a;
const MODES = [
  { value: ATTACH_FSCREDS, label: 'ATTACH, FSCREDS: mem' },
  { value: 0x09, label: 'READ, FSCREDS: maps, environ, stat' },
  { value: 0x12, label: 'ATTACH, REALCREDS: ptrace, process_vm' },
  { value: 0x11, label: 'READ, REALCREDS: kcmp, perf' },
] as const;

const QUESTIONS = [
  { value: 'mm_access', label: 'mm_access: its memory' },
  { value: 'ptrace_may_access', label: 'ptrace_may_access: the task' },
] as const;

type Source = 'made' | 'tasks';

/** What the panel begins with. */
const FIRST: ExplainLink = {
  settings: PRESETS[0].settings,
  asked: { mode: ATTACH_FSCREDS, question: 'mm_access' },
};

/** Who may look into whom, and which of the kernel's checks decides. */
export function ExplainPanel({ client, info }: PanelProps): JSX.Element {
  const [source, setSource] = useState<Source>('made');
  const [{ task, as, ask }] = useSelection();
  const shown = parseExplain(ask) ?? FIRST;
  const { settings, asked } = shown;
  const show = (part: Partial<ExplainLink>): void =>
    select({ ask: formatExplain({ ...shown, ...part }) }, 'replace');
  const ofTasks = source === 'tasks' && info !== null;
  const made = useRemote(client, 'explain.made', ofTasks ? null : { settings, ...asked });
  const existing = useRemote(
    client,
    'explain.tasks',
    ofTasks ? { caller: as, target: task, ...asked } : null,
  );
  const { value, failure, busy } = ofTasks ? existing : made;
  return (
    <Panel
      title="Access"
      about="May one task look into another? Change who they are, and see each check that the kernel makes, in its order."
    >
      <div class="explain">
        <div class="explain-form">
          {info !== null && (
            <Tabs<Source>
              label="Whose access"
              value={source}
              onChange={(chosen) => setSource(chosen)}
              tabs={[
                { value: 'made', label: 'Two tasks made here' },
                { value: 'tasks', label: 'Tasks of this machine' },
              ]}
            />
          )}
          {ofTasks ? (
            <TasksChosen client={client} />
          ) : (
            <ExplainForm settings={settings} onChange={(changed) => show({ settings: changed })} />
          )}
        </div>
        <div class="explain-answer" aria-busy={busy}>
          <Question asked={asked} onChange={(changed) => show({ asked: changed })}>
            {(replays) => (
              <>
                {failure !== null && (
                  <FailureNotice title="The question cannot be asked" failure={failure} />
                )}
                {value !== null && <AccessVerdict answer={value} replays={replays} />}
              </>
            )}
          </Question>
        </div>
      </div>
    </Panel>
  );
}

/** What is asked, and below it the answer, which is given how often it is to be shown anew. */
function Question(props: {
  readonly asked: AccessAsked;
  onChange(asked: AccessAsked): void;
  children(replays: number): JSX.Element;
}): JSX.Element {
  const { asked, onChange } = props;
  const [replays, setReplays] = useState(0);
  return (
    <Card
      title="The question"
      actions={
        <Button kind="quiet" onClick={() => setReplays(replays + 1)}>
          Replay
        </Button>
      }
    >
      <div class="explain-asked">
        <Select
          label="Mode"
          value={asked.mode}
          options={MODES}
          onChange={(mode) => onChange({ ...asked, mode })}
        />
        <Select
          label="Kernel function"
          value={asked.question}
          options={QUESTIONS}
          onChange={(question) => onChange({ ...asked, question })}
        />
      </div>
      {props.children(replays)}
    </Card>
  );
}

/** Caller and target out of the open machine: the page's own selection. */
function TasksChosen({ client }: { readonly client: Client }): JSX.Element {
  const [{ task, as }] = useSelection();
  const { value } = useRemote(client, 'tasks.list', {});
  const tasks = (value ?? []).filter(({ state }) => state !== 'X');
  const options = tasks.map(({ tid, comm, uids }) => {
    return { value: tid, label: `${tid} ${comm}, user ${uids.effective}` };
  });
  const callers = options.filter((_, i) => tasks[i]?.own !== true);
  return (
    <Card title="Who and whom">
      <div class="explain-asked">
        <Select
          label="Caller"
          value={as}
          options={[{ value: 0, label: 'the explorer, root' }, ...callers]}
          onChange={(chosen) => select({ as: chosen })}
        />
        <Select
          label="Target"
          value={task}
          options={options}
          onChange={(chosen) => select({ task: chosen })}
        />
      </div>
      <p class="hint">They are asked about as they are now. The panel Tasks makes more of them.</p>
    </Card>
  );
}
