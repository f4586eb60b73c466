import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

import type { ByteStore } from './byte-store.js';
import { HexRows, ROW_HEIGHT } from './hex-rows.js';
import { RowScroll } from './hex-scroll.js';

/** Narrower than this there are 8 bytes in a row, CSS pixels. */
const WIDE = 620;

interface GridProps {
  readonly store: ByteStore;
  /** The mapping: the first address and the one behind the last. */
  readonly start: number;
  readonly end: number;
  readonly cursor: number;
  /** Bytes from the cursor on that are marked as one value. */
  readonly marked: number;
  readonly editing: boolean;
  /** Addresses that were written in this page. */
  readonly written: ReadonlySet<number>;
  onCursor(addr: number): void;
  onWrite(addr: number, byte: number): void;
  onFollow(): void;
  onToggleEditing(): void;
  onUndo(): void;
  onRedo(): void;
}

/** What is being typed: keys may come faster than the page is drawn. */
interface Typing {
  /** Where the next byte goes; null: to the cursor. */
  readonly at: number | null;
  /** Its first digit. */
  readonly high: number | null;
}

const NOTHING: Typing = { at: null, high: null };

/** The bytes of a mapping, of which only those that are seen are in the page. */
export function HexGrid(props: GridProps): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const spacer = useRef<HTMLDivElement>(null);
  const sheet = useRef<HTMLDivElement>(null);
  const typing = useRef<Typing>(NOTHING);
  const latest = useRef(props);
  latest.current = props;
  const { columns, parts } = useRows({ box, spacer, sheet }, latest);
  useLayoutEffect(() => void (typing.current = NOTHING), [props.editing]);
  useLayoutEffect(() => {
    // Somebody else moved the cursor.
    if (typing.current.at !== props.cursor) typing.current = NOTHING;
  }, [props.cursor]);
  useLayoutEffect(() => {
    const { current } = parts;
    if (current === null) return;
    reveal(current.scroll, Math.floor((props.cursor - props.start) / columns), false);
    current.scroll.onScroll();
  }, [props.cursor, props.marked, props.written, props.editing]);
  return (
    <div
      ref={box}
      class={`hex-grid hex-${columns}${props.editing ? ' hex-editing' : ''}`}
      role="grid"
      aria-label={props.editing ? 'Memory, editing' : 'Memory'}
      aria-rowcount={Math.ceil((props.end - props.start) / columns)}
      aria-colcount={columns + 2}
      aria-activedescendant="hex-cursor"
      tabIndex={0}
      data-keys
      onClick={(event) => {
        const { current } = parts;
        const hit = current?.rows.hit(event.target, props.start, current.scroll.top) ?? null;
        if (hit !== null && hit < props.end) props.onCursor(hit);
      }}
      onDblClick={() => props.onFollow()}
      onKeyDown={(event) =>
        pressKey(event, latest.current, columns, parts.current?.scroll ?? null, typing)
      }
    >
      <div class="hex-window" role="presentation">
        <div ref={sheet} role="rowgroup" />
      </div>
      <div ref={spacer} role="presentation" />
    </div>
  );
}

interface Parts {
  readonly rows: HexRows;
  readonly scroll: RowScroll;
}

type Place = { readonly current: HTMLDivElement | null };

/** Makes the rows of a mapping, and draws them as the view scrolls, bytes arrive and the width changes. */
function useRows(
  { box, spacer, sheet }: { readonly box: Place; readonly spacer: Place; readonly sheet: Place },
  latest: { readonly current: GridProps },
): { readonly columns: number; readonly parts: { readonly current: Parts | null } } {
  const [columns, setColumns] = useState(16);
  const parts = useRef<Parts | null>(null);
  const { start, end, store } = latest.current;
  useLayoutEffect(() => {
    if (box.current === null || spacer.current === null || sheet.current === null) return;
    const rows = new HexRows(sheet.current, columns);
    const scroll = new RowScroll(box.current, spacer.current, ROW_HEIGHT);
    parts.current = { rows, scroll };
    scroll.onScroll = drawer(parts.current, latest, box.current);
    const count = Math.ceil((end - start) / columns);
    scroll.setRows(count);
    reveal(scroll, Math.floor((latest.current.cursor - start) / columns), true);
    const observer = new ResizeObserver(() => {
      setColumns((box.current?.clientWidth ?? 0) < WIDE ? 8 : 16);
      scroll.setRows(count);
    });
    observer.observe(box.current);
    return () => {
      observer.disconnect();
      scroll.close();
    };
  }, [start, end, columns]);
  useEffect(() => {
    parts.current?.scroll.onScroll();
    return store.follow(() => parts.current?.scroll.onScroll());
  }, [store]);
  return { columns, parts };
}

/** Draws at most once a frame. */
function drawer(
  { rows, scroll }: { readonly rows: HexRows; readonly scroll: RowScroll },
  latest: { readonly current: GridProps },
  box: HTMLElement,
): () => void {
  let asked = false;
  const draw = (): void => {
    asked = false;
    const { start, end, store, cursor, marked, written } = latest.current;
    const look = (addr: number): string => {
      if (addr === cursor) return written.has(addr) ? ' cursor written' : ' cursor';
      if (addr > cursor && addr < cursor + marked) return ' marked';
      return written.has(addr) ? ' written' : '';
    };
    rows.draw({ start, end, top: scroll.top, visible: scroll.visible, store, look });
    if (rows.markCursor(start, scroll.top, cursor))
      box.setAttribute('aria-activedescendant', 'hex-cursor');
    else box.removeAttribute('aria-activedescendant');
  };
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(draw);
  };
}

/** Scrolls as little as needed; to the upper third when it is far away. */
function reveal(scroll: RowScroll, row: number, always: boolean): void {
  const bottom = scroll.top + scroll.visible - 1;
  if (!always && row >= scroll.top && row <= bottom) return;
  const near = Math.abs(row - scroll.top) < scroll.visible * 2;
  if (near && !always) scroll.moveTo(row < scroll.top ? row : row - scroll.visible + 1);
  else scroll.moveTo(Math.max(0, row - Math.floor(scroll.visible / 3)));
}

function pressKey(
  event: KeyboardEvent,
  props: GridProps,
  columns: number,
  scroll: RowScroll | null,
  typing: { current: Typing },
): void {
  const { key } = event;
  if (event.ctrlKey || event.metaKey) return pressWithControl(event, props);
  if (event.altKey) return;
  if (props.editing && /^[0-9a-f]$/i.test(key)) {
    event.preventDefault();
    event.stopPropagation();
    return typeNibble(Number.parseInt(key, 16), props, typing);
  }
  typing.current = NOTHING;
  const page = Math.max(1, Math.floor(scroll?.visible ?? 1) - 1) * columns;
  const inRow = (props.cursor - props.start) % columns;
  const steps: Readonly<Record<string, number>> = {
    ArrowLeft: -1,
    ArrowRight: 1,
    ArrowUp: -columns,
    ArrowDown: columns,
    PageUp: -page,
    PageDown: page,
    Home: -inRow,
    End: columns - 1 - inRow,
  };
  const by = steps[key];
  if (by !== undefined) {
    event.preventDefault();
    const to = Math.max(props.start, Math.min(props.end - 1, props.cursor + by));
    return props.onCursor(to);
  }
  if (key === 'Enter') props.onFollow();
  if (key === 'e') props.onToggleEditing();
  if (key === 'Escape' && props.editing) props.onToggleEditing();
}

function pressWithControl(event: KeyboardEvent, props: GridProps): void {
  const acts: Readonly<Record<string, () => void>> = {
    Home: () => props.onCursor(props.start),
    End: () => props.onCursor(props.end - 1),
    z: () => (event.shiftKey ? props.onRedo() : props.onUndo()),
    Z: () => props.onRedo(),
    y: () => props.onRedo(),
  };
  const act = acts[event.key];
  if (act === undefined) return;
  event.preventDefault();
  act();
}

/** The first digit waits for the second; the byte is then written and the cursor moves on. */
function typeNibble(value: number, props: GridProps, typing: { current: Typing }): void {
  const { at, high } = typing.current;
  const addr = at ?? props.cursor;
  if (high === null) {
    typing.current = { at: addr, high: value };
    return;
  }
  const next = Math.min(addr + 1, props.end - 1);
  typing.current = { at: next, high: null };
  props.onWrite(addr, high * 16 + value);
  if (next !== addr) props.onCursor(next);
}
