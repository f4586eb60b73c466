import type { JSX } from 'preact';
import { useState } from 'preact/hooks';

import { formatAddress } from '../app/format.js';
import type { PanelProps } from '../app/panels.js';
import { useRemote } from '../app/remote.js';
import { select, useSelection } from '../app/selection.js';
import { AddressLink, Empty, FailureNotice, Panel } from '../app/ui.js';
import type { WalkAnswer } from '../worker/walk.js';
import { AddressField } from './address-field.js';
import { absence, ENTRY_BITS, hasBit } from './walk-bits.js';
import { Consequences, EntryBits, formatEntry } from './walk-entry.js';

const ENTRIES = 512;
const LEVEL_NAMES = {
  pgd: 'page global directory',
  pud: 'page upper directory',
  pmd: 'page middle directory',
  pte: 'page table',
} as const;
type Level = keyof typeof LEVEL_NAMES;
const LEVELS: readonly Level[] = ['pgd', 'pud', 'pmd', 'pte'];
const SHIFTS: Readonly<Record<Level, number>> = { pgd: 39, pud: 30, pmd: 21, pte: 12 };

/** The walk of the page tables to an address, level by level. */
export function WalkPanel({ client }: PanelProps): JSX.Element {
  const [{ task, addr }] = useSelection();
  const [chosen, setChosen] = useState<Level>('pte');
  const { value, failure } = useRemote(client, 'walk.at', { tid: task, addr });
  return (
    <Panel
      title="Page walk"
      about="How the CPU finds the page of an address: four tables, nine bits of the address for each. Looking changes nothing."
    >
      <AddressField
        label="Address"
        addr={value?.addr ?? addr}
        onGo={(to) => select({ addr: to })}
      />
      {failure !== null && (
        <FailureNotice title="The tables cannot be walked" failure={failure}>
          <p>Choose another task in the bar above.</p>
        </FailureNotice>
      )}
      {value !== null && value.walk === null && (
        <Empty title="No page tables">
          <p>This task has no memory: it has exited, or it is a thread of the kernel.</p>
        </Empty>
      )}
      {value !== null && value.walk !== null && (
        <Walk answer={value} tid={task} chosen={chosen} onChoose={setChosen} />
      )}
    </Panel>
  );
}

interface WalkProps {
  readonly answer: WalkAnswer;
  readonly tid: number;
  readonly chosen: Level;
  onChoose(level: Level): void;
}

function Walk({ answer, tid, chosen, onChoose }: WalkProps): JSX.Element {
  const { addr, walk, mapping } = answer;
  const levels = walk?.levels ?? [];
  const reached = levels.find(({ level }) => level === chosen) ?? levels.at(-1);
  return (
    <>
      <AddressBits addr={addr} />
      <ol class="walk" aria-label="Levels of the walk">
        {LEVELS.map((level) => (
          <LevelCard
            key={level}
            level={level}
            answer={answer}
            chosen={reached?.level === level}
            onChoose={onChoose}
          />
        ))}
        <PageCard answer={answer} tid={tid} />
      </ol>
      <div class="two-columns">
        {reached !== undefined && <EntryBits level={reached.level} entry={reached.entry} />}
        <Consequences entry={walk?.entry ?? 0n} perms={mapping?.perms ?? null} />
      </div>
    </>
  );
}

/** The address cut into the indices of the four tables and the place in the page. */
function AddressBits({ addr }: { readonly addr: number }): JSX.Element {
  const parts = [
    ...LEVELS.map((level) => {
      return { name: level as string, bits: 9, value: indexOf(addr, level) };
    }),
    { name: 'in the page', bits: 12, value: addr % 4096 },
  ];
  return (
    <dl class="walk-address" aria-label={`The bits of ${formatAddress(addr)}`}>
      {parts.map(({ name, bits, value }) => (
        <div key={name} class={`walk-part walk-${bits}`}>
          <dt>{name}</dt>
          <dd>
            <span class="walk-bits mono">{value.toString(2).padStart(bits, '0')}</span>
            <span class="walk-value mono">{value}</span>
          </dd>
        </div>
      ))}
    </dl>
  );
}

function indexOf(addr: number, level: Level): number {
  return Math.floor(addr / 2 ** SHIFTS[level]) % ENTRIES;
}

function LevelCard(props: {
  readonly level: Level;
  readonly answer: WalkAnswer;
  readonly chosen: boolean;
  onChoose(level: Level): void;
}): JSX.Element {
  const { level, answer, chosen } = props;
  const found = answer.walk?.levels.find((each) => each.level === level);
  if (found === undefined) {
    return (
      <li class="walk-level walk-missing">
        <p class="walk-name">{level}</p>
        <p class="walk-long">{LEVEL_NAMES[level]}</p>
        <p class="walk-none">no table</p>
      </li>
    );
  }
  return (
    <li class="walk-level">
      <button
        type="button"
        class="walk-button"
        aria-pressed={chosen}
        onClick={() => props.onChoose(level)}
      >
        <span class="walk-name">{level}</span>
        <span class="walk-long">{LEVEL_NAMES[level]}</span>
        <span class="walk-table" aria-hidden="true">
          <i style={{ insetBlockStart: `${(found.index / (ENTRIES - 1)) * 100}%` }} />
        </span>
        <span class="walk-fact">
          frame <b class="mono">{found.table}</b>
        </span>
        <span class="walk-fact">
          entry <b class="mono">{found.index}</b>
        </span>
        <span class="walk-entry mono">{formatEntry(found.entry)}</span>
        <span class="walk-flags">{flagLetters(found.entry)}</span>
        {found.sharers > 1 && <span class="walk-shared">table of {found.sharers} processes</span>}
      </button>
    </li>
  );
}

function PageCard({
  answer,
  tid,
}: {
  readonly answer: WalkAnswer;
  readonly tid: number;
}): JSX.Element {
  const { addr, walk, mapping } = answer;
  const page = walk?.page ?? null;
  return (
    <li class={`walk-level walk-page ${page === null ? 'walk-missing' : ''}`}>
      <p class="walk-name">page</p>
      <p class="walk-long">
        {mapping === null ? 'nothing is mapped' : mapping.name || 'anonymous'}
      </p>
      {mapping !== null && <p class="walk-fact mono">{mapping.perms}</p>}
      {page === null ? (
        <p class="walk-none">no page</p>
      ) : (
        <>
          <p class="walk-fact">
            frame <b class="mono">{page.frame}</b>
          </p>
          <p class="walk-fact">{KINDS[page.kind]}</p>
          {page.mapcount > 0 && <p class="walk-fact">mapped {times(page.mapcount)}</p>}
          <p class="walk-fact">
            <AddressLink addr={addr} task={tid}>
              show its bytes
            </AddressLink>
          </p>
        </>
      )}
    </li>
  );
}

const KINDS = {
  anonymous: 'anonymous memory',
  file: 'page of a file',
  zero: 'the zero page',
  device: 'a device',
} as const;

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}

/** Short names of the bits that are set. */
function flagLetters(entry: bigint): string {
  if (absence(entry) !== null) return entry === 0n ? 'empty' : 'a marker';
  const set = ENTRY_BITS.filter(({ bit }) => hasBit(entry, bit)).map(({ name }) => name);
  return set.join(' ');
}
