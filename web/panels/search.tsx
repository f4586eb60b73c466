import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';

import { formatCount, formatSize } from '../app/format.js';
import { useOpening } from '../app/opening.js';
import type { PanelProps } from '../app/panels.js';
import {
  cancelSearch,
  forgetSearch,
  type Searching,
  searching,
  startSearch,
} from '../app/searching.js';
import { useSelection } from '../app/selection.js';
import { useStore } from '../app/store.js';
import { Button, Card, Check, FailureNotice, Field, Panel, Select } from '../app/ui.js';
import { VirtualRows } from '../app/virtual-rows.js';
import type { Found, SearchArgs } from '../worker/search.js';
import type { SearchKind } from '../worker/search-pattern.js';

const KINDS: readonly {
  readonly value: SearchKind;
  readonly label: string;
  readonly example: string;
}[] = [
  { value: 'text', label: 'text (UTF-8)', example: 'password' },
  { value: 'hex', label: 'bytes in hex', example: '7f 45 4c 46 ?? 01' },
  { value: 'regex', label: 'regular expression', example: 'https?://[\\w./-]+' },
  { value: 'u8', label: 'integer, u8', example: '255' },
  { value: 'u16', label: 'integer, u16', example: '443' },
  { value: 'u32', label: 'integer, u32', example: '0xcafe' },
  { value: 'u64', label: 'integer or pointer, u64', example: '0x7ffd1000' },
  { value: 'i32', label: 'integer, i32', example: '-5' },
  { value: 'i64', label: 'integer, i64', example: '-5' },
];
const PERMS = [
  { value: '', label: 'all mappings' },
  { value: 'rw', label: 'writable' },
  { value: 'x', label: 'executable' },
  { value: 's', label: 'shared' },
];
const ALIGNS = [1, 2, 4, 8, 16].map((value) => ({
  value,
  label: value === 1 ? 'any' : `multiples of ${value}`,
}));
/** Finds kept. */
const LIMIT = 10_000;

let shownCount = 0;

/** Finds text, bytes, expressions and integers in the memory of a process. */
export function SearchPanel({ client }: PanelProps): JSX.Element {
  const { count } = useOpening();
  const [{ task, as }] = useSelection();
  const search = useStore(searching);
  useEffect(() => {
    if (shownCount !== count) forgetSearch();
    shownCount = count;
  }, [count]);
  const start = (asked: Asked): void => startSearch(client, { ...asked, task, as, limit: LIMIT });
  return (
    <Panel
      title="Search"
      layout="fill"
      about="Looks through the memory that the chosen task can read. Pages that were never touched hold zeros and are left out."
    >
      <SearchForm search={search} onStart={start} />
      {search.failure !== null && (
        <FailureNotice title="That cannot be searched" failure={search.failure} />
      )}
      <Results search={search} />
    </Panel>
  );
}

/** What the form asks for: the rest is chosen above the panel. */
type Asked = Pick<SearchArgs, 'kind' | 'value' | 'ignoreCase' | 'align' | 'perms'>;

const NOTHING: Asked = { kind: 'text', value: '', ignoreCase: false, align: 1, perms: '' };

function SearchForm(props: {
  readonly search: Searching;
  onStart(asked: Asked): void;
}): JSX.Element {
  const { search } = props;
  const [asked, setAsked] = useState<Asked>(search.args ?? NOTHING);
  const change = (part: Partial<Asked>): void => setAsked({ ...asked, ...part });
  const { kind, value, perms, align, ignoreCase } = asked;
  const start = (): void => props.onStart({ kind, value, perms, align, ignoreCase });
  const example = KINDS.find((each) => each.value === kind)?.example ?? '';
  return (
    <Card class="search-card">
      <div class="search-form">
        <Select
          label="Search for"
          value={kind}
          options={KINDS}
          onChange={(chosen) => change({ kind: chosen })}
        />
        <Field
          label="Value"
          value={value}
          onInput={(text) => change({ value: text })}
          onEnter={start}
          mono
          placeholder={example}
        />
        <Select label="In" value={perms} options={PERMS} onChange={(to) => change({ perms: to })} />
        <Select
          label="Addresses"
          value={align}
          options={ALIGNS}
          onChange={(chosen) => change({ align: chosen })}
        />
      </div>
      <div class="search-actions">
        <Check
          label="Ignore case"
          checked={ignoreCase}
          onChange={(chosen) => change({ ignoreCase: chosen })}
        />
        {search.state === 'running' ? (
          <Button onClick={cancelSearch}>Cancel</Button>
        ) : (
          <Button kind="main" onClick={start} disabled={value === ''}>
            Search
          </Button>
        )}
        <Progress search={search} />
      </div>
    </Card>
  );
}

function Progress({ search }: { readonly search: Searching }): JSX.Element {
  const { state, done, total, found, seconds } = search;
  const share = total === 0 ? 0 : done / total;
  const finds = found.length === 1 ? '1 find' : `${formatCount(found.length)} finds`;
  const through = `${formatSize(done)} in ${seconds.toFixed(1)} s`;
  const texts: Readonly<Record<Searching['state'], string>> = {
    none: '',
    running: `${Math.floor(share * 100)} % of ${formatSize(total)}, ${finds}`,
    complete: found.length >= LIMIT ? `stopped after ${finds}` : `${finds}, ${through}`,
    cancelled: `cancelled after ${through}: ${finds}`,
    failed: '',
  };
  return (
    <div class="search-progress">
      {state !== 'none' && state !== 'failed' && (
        <progress value={state === 'complete' ? 1 : share} aria-label="Searched" />
      )}
      <p role="status">{texts[state]}</p>
    </div>
  );
}

function Results({ search }: { readonly search: Searching }): JSX.Element | null {
  const [, select] = useSelection();
  const [chosen, setChosen] = useState(-1);
  const { found, state, args } = search;
  useEffect(() => setChosen(-1), [args]);
  if (found.length === 0) {
    return state === 'complete' ? (
      <p class="search-none">Nothing was found. Try another kind, or all mappings.</p>
    ) : null;
  }
  const open = (index: number): void => {
    const addr = found[index]?.addr;
    if (addr !== undefined)
      select({ panel: 'hex', addr, ...(args === null ? {} : { task: args.task }) });
  };
  return (
    <VirtualRows
      label="Finds; Enter shows one in memory"
      class="found-rows"
      count={found.length}
      rowHeight={28}
      columns={['Address', 'Text', 'Bytes', 'Mapping']}
      selected={chosen}
      onSelect={setChosen}
      onOpen={open}
      row={(index) => <FoundRow found={found[index]} onOpen={() => open(index)} />}
    />
  );
}

function FoundRow(props: {
  readonly found: Found | undefined;
  onOpen(): void;
}): JSX.Element | null {
  const { found } = props;
  if (found === undefined) return null;
  const letter = (byte: number): string =>
    byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·';
  const text = [...found.bytes].map(letter).join('');
  const hex = [...found.bytes.subarray(0, 12)]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join(' ');
  return (
    <>
      <span role="gridcell" class="mono">
        <button type="button" class="link" tabIndex={-1} onClick={() => props.onOpen()}>
          {found.addr.toString(16).padStart(12, '0')}
        </button>
      </span>
      <span role="gridcell" class="mono found-text">
        <mark>{text.slice(0, found.length)}</mark>
        {text.slice(found.length)}
      </span>
      <span role="gridcell" class="mono found-hex">
        {hex}
      </span>
      <span role="gridcell" class="map-path">
        {found.path || 'anonymous'}
      </span>
    </>
  );
}
