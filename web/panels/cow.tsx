import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

import type { Client } from '../app/client.js';
import type { Failure } from '../app/message.js';
import { failureOf } from '../app/opening.js';
import type { PanelProps } from '../app/panels.js';
import { Button, Card, FailureNotice, Panel } from '../app/ui.js';
import type { CowAction, CowState } from '../worker/cow.js';
import { CowGrid, type PlaceInGrid } from './cow-grid.js';

/** The story, a button each: what is done, and what to watch. */
const STEPS: readonly { readonly title: string; readonly actions: readonly CowAction[] }[] = [
  { title: 'Map 8 pages', actions: [{ do: 'map' }] },
  {
    title: 'Write three, read one',
    actions: [
      { do: 'store', who: 'parent', page: 0 },
      { do: 'store', who: 'parent', page: 1 },
      { do: 'store', who: 'parent', page: 2 },
      { do: 'load', who: 'parent', page: 4 },
    ],
  },
  { title: 'Fork', actions: [{ do: 'fork' }] },
  { title: 'The child writes', actions: [{ do: 'store', who: 'child', page: 1 }] },
  { title: 'Read through mem', actions: [{ do: 'mem-read', who: 'parent', page: 1 }] },
  {
    title: 'Protect, write through mem',
    actions: [
      { do: 'protect', who: 'child', page: 2 },
      { do: 'mem-write', who: 'parent', page: 2 },
    ],
  },
  { title: 'The child exits', actions: [{ do: 'exit' }] },
  { title: 'Write what is left alone', actions: [{ do: 'store', who: 'parent', page: 0 }] },
];

/** Fork and copy-on-write, seen on pages. */
export function CowPanel({ client }: PanelProps): JSX.Element {
  const { state, failure, step, advance, act, again } = useStory(client);
  const [place, setPlace] = useState<PlaceInGrid | null>(null);
  const next = STEPS[step];
  return (
    <Panel
      title="Copy-on-write"
      about="A fork copies no page. It makes both processes map the same ones, read only, and the first write to one pays for the copy."
      actions={
        <>
          {next !== undefined && (
            <Button key="again" onClick={again}>
              Start again
            </Button>
          )}
          <Button key="next" kind="main" onClick={advance}>
            {next === undefined ? 'Start again' : `Next: ${next.title}`}
          </Button>
        </>
      }
    >
      {failure !== null && (
        <FailureNotice title="That did not work" failure={failure}>
          <p>Start again, please.</p>
        </FailureNotice>
      )}
      <Steps step={step} />
      {state !== null && (
        <>
          <p class="cow-said" role="status">
            {state.said}
          </p>
          <CowGrid state={state} place={place} onChoose={setPlace} />
          <div class="two-columns">
            <Try state={state} place={place} onDo={act} />
            <Counts state={state} />
          </div>
        </>
      )}
    </Panel>
  );
}

interface Story {
  readonly state: CowState | null;
  readonly failure: Failure | null;
  /** How many steps were made. */
  readonly step: number;
  /** Makes the next step; behind the last one everything begins again. */
  advance(): void;
  /** Does something besides the story. */
  act(action: CowAction): void;
  again(): void;
}

/** What was asked for is done one after the other: no button waits, or it would lose the focus. */
function useStory(client: Client): Story {
  const [state, setState] = useState<CowState | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [step, setStep] = useState(0);
  const steps = useRef(0);
  const tail = useRef(Promise.resolve());
  const queue = (act: () => Promise<void>): void => {
    tail.current = tail.current.then(async () => {
      setFailure(null);
      await act().catch((error: unknown) => setFailure(failureOf(error)));
      setStep(steps.current);
    });
  };
  const reset = async (): Promise<void> => {
    setState(await client.call('cow.reset', {}));
    steps.current = 0;
  };
  const advance = async (): Promise<void> => {
    const next = STEPS[steps.current];
    if (next === undefined) return reset();
    const said: string[] = [];
    for (const action of next.actions) {
      const after = await client.call('cow.do', action);
      said.push(after.said);
      setState({ ...after, said: said.join(' ') });
    }
    steps.current++;
  };
  const again = (): void => queue(reset);
  useEffect(again, [client]);
  return {
    state,
    failure,
    step,
    advance: () => queue(advance),
    act: (action) => queue(async () => setState(await client.call('cow.do', action))),
    again,
  };
}

function Steps({ step }: { readonly step: number }): JSX.Element {
  return (
    <ol class="cow-steps" aria-label="Steps">
      {STEPS.map(({ title }, i) => (
        <li
          key={title}
          class={i < step ? 'done' : ''}
          aria-current={i === step ? 'step' : undefined}
        >
          {title}
        </li>
      ))}
    </ol>
  );
}

/** What can be done to the chosen page, besides the story. */
function Try(props: {
  readonly state: CowState;
  readonly place: PlaceInGrid | null;
  onDo(action: CowAction): void;
}): JSX.Element {
  const { state, place, onDo } = props;
  const child = state.tasks.length > 1;
  const usable = place !== null && state.mapped && (place.who === 'parent' || child);
  const { who, page } = place ?? { who: 'parent', page: 0 };
  const other = who === 'parent' ? 'child' : 'parent';
  const isProtected = state.tasks.find((task) => task.who === who)?.pages[page]?.protected ?? false;
  return (
    <Card title={usable ? `Page ${page} of the ${who}` : 'Try it yourself'}>
      {!usable && <p>Choose a page above, then have somebody use it.</p>}
      <div class="form-row">
        <Button disabled={!usable} onClick={() => onDo({ do: 'load', who, page })}>
          Read
        </Button>
        <Button disabled={!usable} onClick={() => onDo({ do: 'store', who, page })}>
          Write
        </Button>
        <Button disabled={!usable} onClick={() => onDo({ do: 'protect', who, page })}>
          {isProtected ? 'Make writable' : 'Make read only'}
        </Button>
        <Button
          disabled={!usable || !child}
          onClick={() => onDo({ do: 'mem-write', who: other, page })}
        >
          The {other} writes it through mem
        </Button>
        <Button disabled={!state.mapped || child} onClick={() => onDo({ do: 'fork' })}>
          Fork
        </Button>
        <Button disabled={!child} onClick={() => onDo({ do: 'exit' })}>
          The child exits
        </Button>
      </div>
    </Card>
  );
}

function Counts({ state }: { readonly state: CowState }): JSX.Element {
  const shown = state.tasks.flatMap(({ pages }) => pages);
  const present = shown.filter(({ frame, kind }) => frame !== null && kind === 'anonymous').length;
  return (
    <Card title="Memory in use">
      <dl class="cow-counts">
        <div>
          <dt>pages that the processes have</dt>
          <dd>{present}</dd>
        </div>
        <div>
          <dt>frames that hold them</dt>
          <dd>{state.pageFrames}</dd>
        </div>
        <div>
          <dt>frames in use, with tables</dt>
          <dd>{state.framesInUse}</dd>
        </div>
      </dl>
      <p class="hint">
        A frame is 4 KiB of memory. The last count has page tables and mappings too.
      </p>
    </Card>
  );
}
