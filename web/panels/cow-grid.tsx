import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';

import type { CowActor, CowPage, CowState, CowTask } from '../worker/cow.js';

/** A page of one of the two. */
export interface PlaceInGrid {
  readonly who: CowActor;
  readonly page: number;
}

interface GridProps {
  readonly state: CowState;
  readonly place: PlaceInGrid | null;
  onChoose(place: PlaceInGrid): void;
}

const COLUMNS = 8;

/** The pages of both processes, one below the other: what they share stands in the same column. */
export function CowGrid({ state, place, onChoose }: GridProps): JSX.Element {
  return (
    <div class="cow-grid">
      {state.tasks.map((task) => (
        <Row key={task.who} task={task} state={state} place={place} onChoose={onChoose} />
      ))}
      {state.tasks.length === 1 && (
        <div class="cow-row cow-absent">
          <h2>child</h2>
          <p>not there</p>
        </div>
      )}
      <Legend />
    </div>
  );
}

function Row(props: GridProps & { readonly task: CowTask }): JSX.Element {
  const { task, place, onChoose, state } = props;
  const row = useRef<HTMLDivElement>(null);
  const move = (event: KeyboardEvent): void => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const pages = [...(row.current?.querySelectorAll('button') ?? [])];
    const at = pages.indexOf(event.target as HTMLButtonElement);
    if (by === undefined || at < 0) return;
    event.preventDefault();
    pages[(at + by + pages.length) % pages.length]?.focus();
  };
  return (
    <div class="cow-row">
      <h2>
        {task.who} <span class="cow-pid">process {task.pid}</span>
      </h2>
      <div
        class="cow-pages"
        role="group"
        aria-label={`Pages of the ${task.who}`}
        ref={row}
        onKeyDown={move}
      >
        {task.pages.map((page, i) => (
          <PageCell
            key={i}
            number={i}
            who={task.who}
            page={page}
            shared={isShared(state, page)}
            chosen={place?.who === task.who && place.page === i}
            onChoose={onChoose}
          />
        ))}
        {task.pages.length === 0 &&
          Array.from({ length: COLUMNS }, (_, i) => (
            <span key={i} class="cow-page cow-unmapped" aria-hidden="true" />
          ))}
      </div>
    </div>
  );
}

/** Whether both processes shown map the frame. */
function isShared(state: CowState, { frame, kind }: CowPage): boolean {
  if (frame === null || kind === 'zero') return false;
  const having = state.tasks.filter(({ pages }) => pages.some((page) => page.frame === frame));
  return having.length > 1;
}

function PageCell(props: {
  readonly number: number;
  readonly who: CowActor;
  readonly page: CowPage;
  readonly shared: boolean;
  readonly chosen: boolean;
  onChoose(place: PlaceInGrid): void;
}): JSX.Element {
  const { number, who, page, shared, chosen } = props;
  const { frame, kind, mapcount, letter, writable } = page;
  const look = frame === null ? 'none' : kind === 'zero' ? 'zero' : shared ? 'shared' : 'own';
  return (
    <button
      type="button"
      class={`cow-page cow-${look}`}
      aria-pressed={chosen}
      aria-label={describe(number, who, page, shared)}
      onClick={() => props.onChoose({ who, page: number })}
    >
      <span class="cow-number">{number}</span>
      <span class="cow-letter">{letter ?? (kind === 'zero' ? '0' : '')}</span>
      <span class="cow-frame">
        {frame === null ? 'no page' : kind === 'zero' ? 'zero page' : `frame ${frame}`}
      </span>
      <span class="cow-facts">
        {kind === 'anonymous'
          ? `×${mapcount} ${writable ? 'rw' : page.protected ? 'ro' : 'cow'}`
          : ' '}
      </span>
    </button>
  );
}

function describe(number: number, who: CowActor, page: CowPage, shared: boolean): string {
  const { frame, kind, mapcount, letter, writable } = page;
  const name = `Page ${number} of the ${who}`;
  if (frame === null) return `${name}: not there`;
  if (kind === 'zero') return `${name}: the zero page`;
  const holds = letter === null ? '' : `, holds ${letter}`;
  const how = writable ? 'writable' : page.protected ? 'read only' : 'copied when written';
  const by = shared ? ', shared' : '';
  return `${name}: frame ${frame}${holds}, mapped ${mapcount} times${by}, ${how}`;
}

function Legend(): JSX.Element {
  return (
    <ul class="cow-legend">
      <li>
        <i class="cow-none" /> no page
      </li>
      <li>
        <i class="cow-zero" /> the zero page
      </li>
      <li>
        <i class="cow-own" /> its own frame
      </li>
      <li>
        <i class="cow-shared" /> a frame of both
      </li>
      <li>×2 how many entries map it; rw writable, cow copied when written, ro read only</li>
    </ul>
  );
}
