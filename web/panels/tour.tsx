import type { JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';

import type { Client } from '../app/client.js';
import { formatAddress, formatCount } from '../app/format.js';
import { openDemo } from '../app/opening.js';
import type { PanelProps } from '../app/panels.js';
import { useRemote } from '../app/remote.js';
import { select } from '../app/selection.js';
import { Button, Card, Empty, FailureNotice, Panel } from '../app/ui.js';
import type { TourAnswer, TourRun } from '../worker/tour.js';
import { AccessVerdict } from './explain-checks.js';
import { ForReal } from './tour-real.js';

interface Step {
  readonly title: string;
  readonly Body: (props: { readonly tour: TourAnswer; readonly client: Client }) => JSX.Element;
}

/** The story; a further step is a further row. */
const STEPS: readonly Step[] = [
  { title: 'A trace without names', Body: WithoutNames },
  { title: 'What was missing', Body: Missing },
  { title: 'The names appear', Body: WithNames },
  { title: 'For real', Body: ForReal },
];

/** The story that this project began with, told with a crash that really happened. */
export function TourPanel({ client }: PanelProps): JSX.Element {
  const [step, setStep] = useState(0);
  const { value, failure } = useRemote(client, 'tour.tell', {});
  const heading = useRef<HTMLHeadingElement>(null);
  const current = STEPS[step];
  const go = (to: number): void => {
    setStep(to);
    requestAnimationFrame(() => heading.current?.focus());
  };
  return (
    <Panel
      title="Tour"
      about="A program crashed in a sandbox, and its crash handler printed a stack trace in which every function was unknown. This is that crash, run twice in machines made for it."
    >
      <nav class="tour-steps" aria-label="Steps of the tour">
        {STEPS.map(({ title }, i) => (
          <button
            key={title}
            type="button"
            class="tour-step"
            aria-current={i === step ? 'step' : undefined}
            onClick={() => go(i)}
          >
            <span class="tour-number">{i + 1}</span>
            {title}
          </button>
        ))}
      </nav>
      {failure !== null && (
        <FailureNotice title="The tour cannot begin" failure={failure}>
          <p>Load the page again.</p>
        </FailureNotice>
      )}
      {value === null && failure === null && <Empty title="The program crashes …" />}
      {value !== null && current !== undefined && (
        <div class="tour-body">
          <h2 ref={heading} tabIndex={-1}>
            {step + 1}. {current.title}
          </h2>
          <current.Body tour={value} client={client} />
          <div class="tour-foot">
            <Button disabled={step === 0} onClick={() => go(step - 1)}>
              Back
            </Button>
            {step < STEPS.length - 1 ? (
              <Button kind="main" onClick={() => go(step + 1)}>
                Next: {STEPS[step + 1]?.title}
              </Button>
            ) : (
              <div class="tour-foot-end">
                <Button onClick={() => select({ panel: 'run' })}>Run programs yourself</Button>
                <Button kind="main" onClick={() => void openDemo(client, 'crash')}>
                  Look around in the first crash
                </Button>
              </div>
            )}
          </div>
        </div>
      )}
    </Panel>
  );
}

function WithoutNames({ tour }: { readonly tour: TourAnswer }): JSX.Element {
  return (
    <>
      <p class="tour-text">
        <code>{tour.program}</code> makes thumbnails. A damaged picture ended it with SIGSEGV. Its
        crash handler ran inside the process, walked the stack by plain loads, and found every
        address. It printed not one name.
      </p>
      <Terminal run={tour.without} label="Stack trace without /proc/self/mem" />
    </>
  );
}

function Missing({ tour }: { readonly tour: TourAnswer }): JSX.Element {
  return (
    <>
      <p class="tour-text">
        To name a function the handler looks for the ELF header of the file that holds it. It does
        not trust pointers after a crash, so it reads memory through <code>/proc/self/mem</code>,
        where a bad address is an error and not a second crash. The sandbox had no such file.
      </p>
      <div class="two-columns">
        <Card title="Its calls in the sandbox">
          <Calls run={tour.without} />
        </Card>
        <Card title="The same calls with the file">
          <Calls run={tour.with} />
          <p class="hint">
            Memory that cannot be read is an error here (EIO), and the handler goes on.
          </p>
        </Card>
      </div>
      <p class="tour-text">
        Having the file is not enough: whoever opens it is checked. A process always sees into
        itself; others have to pass.
      </p>
      <div class="tour-access">
        {tour.access.map(({ who, answer }) => (
          <details key={who} class="tour-asks">
            <summary>
              <span>
                May {who} open <code>/proc/{tour.pid}/mem</code>?
              </span>{' '}
              <strong class={answer.allowed ? 'tour-yes' : 'tour-no'}>
                {answer.allowed ? 'Yes' : `No: ${answer.errno}`}
              </strong>
            </summary>
            <AccessVerdict answer={answer} replays={0} />
          </details>
        ))}
      </div>
    </>
  );
}

function WithNames({ tour }: { readonly tour: TourAnswer }): JSX.Element {
  return (
    <>
      <p class="tour-text">
        The same crash in a machine that has <code>/proc/self/mem</code>. The handler made{' '}
        {formatCount(tour.with.callCount)} calls, and each function has its name.
      </p>
      <Terminal run={tour.with} label="Stack trace with /proc/self/mem" />
    </>
  );
}

function Terminal({ run, label }: { readonly run: TourRun; readonly label: string }): JSX.Element {
  return (
    <ol class="tour-terminal mono" aria-label={label}>
      {run.frames.map(({ pc, name }, i) => (
        <li key={i}>
          <span class="tour-at">@ {formatAddress(pc)}</span>
          <span class={name === null ? 'tour-unknown' : 'tour-known'}>{name ?? '(unknown)'}</span>
        </li>
      ))}
    </ol>
  );
}

function Calls({ run }: { readonly run: TourRun }): JSX.Element {
  const left = run.callCount - run.calls.length;
  return (
    <>
      <ol class="tour-calls mono">
        {run.calls.map(({ call, result, failed }, i) => (
          <li key={i} class={failed ? 'tour-failed' : ''}>
            <span>{call}</span> <span class="tour-result">= {result}</span>
          </li>
        ))}
      </ol>
      {left > 0 && <p class="hint">And {formatCount(left)} more.</p>}
    </>
  );
}
