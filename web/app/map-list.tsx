import type { JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';

import { formatCount, formatSize } from './format.js';
import type { MapLayout } from './map-layout.js';
import { lookOf, permsText } from './perms.js';
import { Field } from './ui.js';
import { VirtualRows } from './virtual-rows.js';

/** The mappings as a list, which may be filtered by path and protection. */
export function MapList(props: {
  readonly layout: MapLayout;
  readonly selected: number;
  onSelect(index: number): void;
  onOpen(index: number): void;
}): JSX.Element {
  const { columns } = props.layout;
  const [filter, setFilter] = useState('');
  const shown = useMemo(() => filterRows(props.layout, filter.trim()), [props.layout, filter]);
  const indexOf = (row: number): number => (shown === null ? row : (shown[row] ?? -1));
  const selected = shown === null ? props.selected : shown.indexOf(props.selected);
  const count = shown === null ? columns.count : shown.length;
  return (
    <div class="map-list">
      <div class="map-filter">
        <Field
          label="Filter"
          value={filter}
          onInput={setFilter}
          placeholder="path, such as libc, or rw-p"
          width="20rem"
        />
        <p role="status">
          {shown === null ? '' : `${formatCount(shown.length)} of ${formatCount(columns.count)}`}
        </p>
      </div>
      <VirtualRows
        label="Mappings"
        class="map-rows"
        count={count}
        rowHeight={28}
        columns={['Start', 'End', 'Prot', 'Size', 'Offset', 'Path']}
        selected={selected}
        onSelect={(row) => props.onSelect(indexOf(row))}
        onOpen={(row) => props.onOpen(indexOf(row))}
        row={(row) => <MapRow layout={props.layout} index={indexOf(row)} />}
      />
    </div>
  );
}

function MapRow({
  layout,
  index,
}: {
  readonly layout: MapLayout;
  readonly index: number;
}): JSX.Element {
  const { start, end, perms, offset, path, paths } = layout.columns;
  const hex = (value: number): string => value.toString(16).padStart(12, '0');
  return (
    <>
      <span role="gridcell" class="mono">
        {hex(start[index]!)}
      </span>
      <span role="gridcell" class="mono">
        {hex(end[index]!)}
      </span>
      <span role="gridcell" class="mono">
        <i class={`swatch swatch-${lookOf(perms[index]!)}`} aria-hidden="true" />
        {permsText(perms[index]!)}
      </span>
      <span role="gridcell" class="numeric">
        {formatSize(end[index]! - start[index]!)}
      </span>
      <span role="gridcell" class="mono numeric">
        {offset[index] === 0 ? '' : `+0x${offset[index]!.toString(16)}`}
      </span>
      <span role="gridcell" class="map-path">
        {paths[path[index]!] || 'anonymous'}
      </span>
    </>
  );
}

/** Row numbers that the filter leaves; null for all. */
function filterRows({ columns }: MapLayout, filter: string): readonly number[] | null {
  if (filter === '') return null;
  const wanted = filter.toLowerCase();
  const fits = columns.paths.map((path) => (path || 'anonymous').toLowerCase().includes(wanted));
  const byPerms = /^[rwxps-]{1,4}$/.test(wanted);
  const rows: number[] = [];
  for (let i = 0; i < columns.count; i++) {
    if (
      fits[columns.path[i]!] === true ||
      (byPerms && permsText(columns.perms[i]!).startsWith(wanted))
    ) {
      rows.push(i);
    }
  }
  return rows;
}
