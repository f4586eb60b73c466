import type { JSX } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';

import type { Client } from '../app/client.js';
import { formatAddress, formatCount, formatSize } from '../app/format.js';
import { MapCanvas, type MapControl } from '../app/map-canvas.js';
import type { CountedPages } from '../app/map-draw.js';
import { MapLayout, type MapView } from '../app/map-layout.js';
import { MapList } from '../app/map-list.js';
import type { PanelProps } from '../app/panels.js';
import { PERM_LOOKS, permsText } from '../app/perms.js';
import { useChanges, useRemote } from '../app/remote.js';
import { useSelection } from '../app/selection.js';
import { Button, Card, FailureNotice, Panel } from '../app/ui.js';
import type { PageCounts } from '../worker/maps.js';

/** Mappings whose pages are counted for one view; of more only those that are wide enough. */
const MOST_COUNTED = 200;

/** The address space of a process: as a map, and as a list. */
export function MapPanel({ client }: PanelProps): JSX.Element {
  const [{ task, addr, as }, select] = useSelection();
  const { value, failure } = useRemote(client, 'maps.rows', task === 0 ? null : { task, as });
  const layout = useMemo(() => (value === null ? null : new MapLayout(value)), [value]);
  const control = useRef<MapControl | null>(null);
  const [seen, setSeen] = useState<Seen | null>(null);
  const counted = useCountedPages(client, layout, seen, { task, as });
  const selected = layout === null || addr === null ? -1 : layout.holding(addr);
  const open = (at: number): void => select({ panel: 'hex', addr: at });
  return (
    <Panel
      title="Address space"
      layout="fill"
      about={layout === null ? ' ' : summaryOf(layout)}
      actions={<ZoomButtons control={control} selected={selected} />}
    >
      {failure !== null && (
        <FailureNotice title="The mappings cannot be read" failure={failure}>
          <p>
            {failure.code === null
              ? 'Choose another task in the bar above.'
              : 'Choose another task under “Acting as”, or see on the page “Access” which check refuses it.'}
          </p>
        </FailureNotice>
      )}
      {layout !== null && (
        <>
          <Card class="map-card">
            <MapCanvas
              layout={layout}
              addr={addr}
              counted={counted}
              control={(given) => (control.current = given)}
              onSelect={(at) => select({ addr: at }, 'replace')}
              onOpen={open}
              onView={(view, width) => setSeen({ view, width })}
            />
            <Legend />
          </Card>
          <Chosen layout={layout} selected={selected} addr={addr} client={client} onOpen={open} />
          <MapList
            layout={layout}
            selected={selected}
            onSelect={(index) => select({ addr: layout.columns.start[index] ?? null }, 'replace')}
            onOpen={(index) => open(layout.columns.start[index] ?? 0)}
          />
        </>
      )}
    </Panel>
  );
}

interface Seen {
  readonly view: MapView;
  readonly width: number;
}

function summaryOf({ columns }: MapLayout): string {
  let bytes = 0;
  for (let i = 0; i < columns.count; i++) bytes += columns.end[i]! - columns.start[i]!;
  const name = columns.count === 1 ? 'mapping' : 'mappings';
  return `${formatCount(columns.count)} ${name}, ${formatSize(bytes)} of 128 TiB. Widths grow with the logarithm of the size; holes are cut out.`;
}

function ZoomButtons(props: {
  readonly control: { readonly current: MapControl | null };
  readonly selected: number;
}): JSX.Element {
  const { control } = props;
  return (
    <>
      <Button label="Zoom out" title="Zoom out (−)" onClick={() => control.current?.zoom(1 / 2)}>
        −
      </Button>
      <Button label="Zoom in" title="Zoom in (+)" onClick={() => control.current?.zoom(2)}>
        +
      </Button>
      <Button title="Show everything (0)" onClick={() => control.current?.showAll()}>
        All
      </Button>
      <Button disabled={props.selected < 0} onClick={() => control.current?.show(props.selected)}>
        Selected
      </Button>
    </>
  );
}

function Legend(): JSX.Element {
  return (
    <ul class="legend">
      {PERM_LOOKS.map(([look, text]) => (
        <li key={look}>
          <span class={`swatch swatch-${look}`} aria-hidden="true" />
          <span>{text}</span>
        </li>
      ))}
      <li>
        <span class="swatch swatch-own" aria-hidden="true" />
        <span>in memory, its own</span>
      </li>
      <li>
        <span class="swatch swatch-shared" aria-hidden="true" />
        <span>shared</span>
      </li>
      <li>
        <span class="swatch swatch-cow" aria-hidden="true" />
        <span>copy-on-write</span>
      </li>
    </ul>
  );
}

function Chosen(props: {
  readonly layout: MapLayout;
  readonly selected: number;
  readonly addr: number | null;
  readonly client: Client;
  onOpen(addr: number): void;
}): JSX.Element {
  const { layout, selected, addr } = props;
  const [{ task, as }] = useSelection();
  const { columns } = layout;
  const range =
    selected < 0
      ? null
      : { start: columns.start[selected]!, end: columns.end[selected]!, buckets: 1 };
  const { value } = useRemote(
    props.client,
    'maps.pages',
    range === null ? null : { task, as, ...range },
  );
  if (range === null || addr === null) {
    const text =
      addr === null
        ? 'Select a mapping on the map or in the list.'
        : `Nothing is mapped at ${formatAddress(addr)}.`;
    return <p class="chosen-line">{text}</p>;
  }
  return (
    <p class="chosen-line">
      <span class="mono">
        {formatAddress(range.start)}–{formatAddress(range.end)}
      </span>
      <span class="mono">{permsText(columns.perms[selected]!)}</span>
      <span>{formatSize(range.end - range.start)}</span>
      <span class="chosen-path">{columns.paths[columns.path[selected]!] || 'anonymous'}</span>
      <span class="chosen-pages">{value === null ? ' ' : pagesText(value)}</span>
      <Button onClick={() => props.onOpen(addr)}>Show bytes</Button>
    </p>
  );
}

function pagesText({ pages, present, exclusive, shared }: PageCounts): string {
  const [all = 0, there = 0, own = 0, others = 0] = [pages[0], present[0], exclusive[0], shared[0]];
  if (there === 0) return `none of ${formatCount(all)} pages in memory`;
  const common = Math.min(others, there - own);
  const cow = there - own - common;
  const parts = [`${formatCount(own)} its own`];
  if (common > 0) parts.push(`${formatCount(common)} shared`);
  if (cow > 0) parts.push(`${formatCount(cow)} copy-on-write`);
  return `${formatCount(there)} of ${formatCount(all)} pages in memory: ${parts.join(', ')}`;
}

/** Counts the pages of what is seen, once it rests for a moment. */
function useCountedPages(
  client: Client,
  layout: MapLayout | null,
  seen: Seen | null,
  of: { readonly task: number; readonly as: number },
): readonly CountedPages[] {
  const [counted, setCounted] = useState<readonly CountedPages[]>([]);
  const changed = useChanges();
  useEffect(() => {
    if (layout === null || seen === null) return;
    const abort = new AbortController();
    const timer = setTimeout(() => {
      void countSeen(client, layout, seen, of, abort.signal).then(
        (pages) => setCounted(pages),
        () => {}, // the list of mappings says what is wrong
      );
    }, 60);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [client, layout, seen?.view.left, seen?.view.scale, seen?.width, of.task, of.as, changed]);
  return counted;
}

async function countSeen(
  client: Client,
  layout: MapLayout,
  { view, width }: Seen,
  of: { readonly task: number; readonly as: number },
  signal: AbortSignal,
): Promise<readonly CountedPages[]> {
  const calls: Promise<CountedPages>[] = [];
  const right = view.left + width / view.scale;
  for (let i = Math.max(0, layout.lastFrom(view.left)); i < layout.columns.count; i++) {
    if (layout.left[i]! > right || calls.length === MOST_COUNTED) break;
    if (layout.width[i]! * view.scale < 3) continue;
    calls.push(countMapping(client, layout, i, { view, width }, of, signal));
  }
  return Promise.all(calls);
}

async function countMapping(
  client: Client,
  layout: MapLayout,
  index: number,
  { view, width }: Seen,
  of: { readonly task: number; readonly as: number },
  signal: AbortSignal,
): Promise<CountedPages> {
  const [from, to] = [layout.columns.start[index]!, layout.columns.end[index]!];
  const share = (units: number): number =>
    Math.max(0, Math.min(1, (units - layout.left[index]!) / layout.width[index]!));
  const pages = layout.pages(index);
  const first = Math.floor(share(view.left) * pages);
  const last = Math.max(first + 1, Math.ceil(share(view.left + width / view.scale) * pages));
  const [start, end] = [from + first * 4096, Math.min(to, from + last * 4096)];
  const pixels = (((end - start) / (to - from)) * layout.width[index]! * view.scale) | 0;
  const buckets = Math.max(1, Math.min(1200, pixels));
  const counts = await client.call('maps.pages', { ...of, start, end, buckets }, { signal });
  return { index, start, end, counts };
}
