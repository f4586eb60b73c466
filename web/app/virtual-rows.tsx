import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

/** Rows drawn above and below what is seen. */
const SPARE = 8;

interface RowsProps {
  readonly label: string;
  readonly count: number;
  /** CSS pixels. */
  readonly rowHeight: number;
  readonly columns: readonly string[];
  /** The class of the grid: its columns are laid out there, by `grid-template-columns` of `.vrow`. */
  readonly class: string;
  readonly selected: number;
  onSelect(index: number): void;
  onOpen?(index: number): void;
  /** The cells of a row: one element with role gridcell each. */
  row(index: number): ComponentChildren;
}

/**
 * A grid of which only the rows that are seen are in the page, however many there are. The arrow keys
 * move the selected row; the row is scrolled into view when `selected` changes.
 */
export function VirtualRows(props: RowsProps): JSX.Element {
  const { count, rowHeight, selected } = props;
  const box = useRef<HTMLDivElement>(null);
  const { first, last, look } = useSeen(box, props);
  const rows = Array.from(
    { length: Math.max(0, Math.min(last, count) - first) },
    (_, i) => first + i,
  );
  const inPage = selected >= first && selected < last;
  return (
    <div
      ref={box}
      class={`vrows ${props.class}`}
      role="grid"
      aria-label={props.label}
      aria-rowcount={count + 1}
      aria-activedescendant={inPage ? `vrow-${selected}` : undefined}
      tabIndex={0}
      data-keys
      onScroll={look}
      onKeyDown={(event) => pressKey(event, props, box.current)}
    >
      <div class="vrow vrow-head" role="row" aria-rowindex={1}>
        {props.columns.map((column) => (
          <span key={column} role="columnheader">
            {column}
          </span>
        ))}
      </div>
      <div role="rowgroup" style={{ height: `${count * rowHeight}px`, position: 'relative' }}>
        {rows.map((i) => (
          <div
            key={i}
            id={`vrow-${i}`}
            class={i === selected ? 'vrow chosen' : 'vrow'}
            role="row"
            aria-rowindex={i + 2}
            aria-selected={i === selected}
            style={{ transform: `translateY(${i * rowHeight}px)`, height: `${rowHeight}px` }}
            onClick={() => props.onSelect(i)}
            onDblClick={() => props.onOpen?.(i)}
          >
            {props.row(i)}
          </div>
        ))}
      </div>
    </div>
  );
}

/** Which rows are in the page, and how to look again; scrolls to the selected one. */
function useSeen(
  box: { readonly current: HTMLDivElement | null },
  { count, rowHeight, selected }: RowsProps,
): { readonly first: number; readonly last: number; look(): void } {
  const [range, setRange] = useState({ first: 0, last: 40 });
  const look = (): void => {
    const element = box.current;
    if (element === null) return;
    const bottom = element.scrollTop + element.clientHeight;
    const first = Math.max(0, Math.floor(element.scrollTop / rowHeight) - SPARE);
    const last = Math.min(count, Math.ceil(bottom / rowHeight) + SPARE);
    setRange((now) => (now.first === first && now.last === last ? now : { first, last }));
  };
  useLayoutEffect(() => {
    look();
    const observer = new ResizeObserver(look);
    if (box.current !== null) observer.observe(box.current);
    return () => observer.disconnect();
  }, [count]);
  useEffect(() => {
    const element = box.current;
    if (element === null || selected < 0) return;
    const top = selected * rowHeight;
    const room = element.clientHeight - rowHeight * 2;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top > element.scrollTop + room) element.scrollTop = top - room;
  }, [selected]);
  return { ...range, look };
}

function pressKey(event: KeyboardEvent, props: RowsProps, box: HTMLElement | null): void {
  const { selected, count, rowHeight } = props;
  const page = Math.max(1, Math.floor((box?.clientHeight ?? 0) / rowHeight) - 2);
  if (event.key === 'Enter' && selected >= 0) props.onOpen?.(selected);
  const to = targetOf(event.key, selected, page, count);
  if (to === null) return;
  event.preventDefault();
  props.onSelect(to);
}

function targetOf(key: string, selected: number, page: number, count: number): number | null {
  const steps: Readonly<Record<string, number>> = {
    ArrowUp: selected - 1,
    ArrowDown: selected + 1,
    PageUp: selected - page,
    PageDown: selected + page,
    Home: 0,
    End: count - 1,
  };
  const to = steps[key];
  return to === undefined || count === 0 ? null : Math.max(0, Math.min(count - 1, to));
}
