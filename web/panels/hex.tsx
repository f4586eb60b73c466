import type { JSX } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';

import { ByteStore } from '../app/byte-store.js';
import type { Client } from '../app/client.js';
import { type Edits, useEdits } from '../app/edits.js';
import { formatAddress, formatSize } from '../app/format.js';
import { HexGrid } from '../app/hex-grid.js';
import { HexSide } from '../app/hex-side.js';
import { JumpField } from '../app/jump-field.js';
import type { Failure } from '../app/message.js';
import { MapLayout } from '../app/map-layout.js';
import { useOpening } from '../app/opening.js';
import type { PanelProps } from '../app/panels.js';
import { permsText } from '../app/perms.js';
import { useChanges, useRemote } from '../app/remote.js';
import { useSelection } from '../app/selection.js';
import { Button, FailureNotice, Notice, Panel } from '../app/ui.js';

/** The bytes of a process: read and written through /proc/PID/mem as the chosen task. */
export function HexPanel({ client }: PanelProps): JSX.Element {
  const [{ task, as, addr }, select] = useSelection();
  const { count } = useOpening();
  const { value, failure } = useRemote(client, 'maps.rows', { task, as: 0 });
  const layout = useMemo(() => (value === null ? null : new MapLayout(value)), [value]);
  const edits = useEdits(client, count);
  const index = layout === null ? -1 : addr === null ? firstReadable(layout) : layout.holding(addr);
  const cursor = addr ?? layout?.columns.start[index] ?? 0;
  return (
    <Panel
      title="Memory"
      layout="fill"
      about={layout === null || index < 0 ? ' ' : <MappingLine layout={layout} index={index} />}
      actions={layout !== null && <Neighbours layout={layout} addr={cursor} />}
    >
      {failure !== null && <FailureNotice title="The mappings cannot be read" failure={failure} />}
      <JumpField client={client} task={task} onFound={(at) => select({ addr: at })} />
      {layout !== null && index < 0 && <NothingThere layout={layout} addr={cursor} />}
      {layout !== null && index >= 0 && (
        <Bytes
          key={`${task} ${as}`}
          client={client}
          edits={edits}
          start={layout.columns.start[index]!}
          end={layout.columns.end[index]!}
          cursor={cursor}
        />
      )}
    </Panel>
  );
}

/** Memory that one would look at: not the first if that is a reservation. */
function firstReadable({ columns }: MapLayout): number {
  for (let i = 0; i < columns.count; i++) {
    if ((columns.perms[i]! & 1) !== 0) return i;
  }
  return columns.count > 0 ? 0 : -1;
}

function MappingLine({
  layout,
  index,
}: {
  readonly layout: MapLayout;
  readonly index: number;
}): JSX.Element {
  const { start, end, perms, path, paths } = layout.columns;
  return (
    <>
      <span class="mono">
        {formatAddress(start[index]!)}–{formatAddress(end[index]!)} {permsText(perms[index]!)}
      </span>{' '}
      · {formatSize(end[index]! - start[index]!)} · {paths[path[index]!] || 'anonymous'}
    </>
  );
}

function Neighbours({
  layout,
  addr,
}: {
  readonly layout: MapLayout;
  readonly addr: number;
}): JSX.Element {
  const [, select] = useSelection();
  const { start, count } = layout.columns;
  const at = layout.holding(addr);
  const before = at >= 0 ? at - 1 : layout.lastFrom(layout.placeOf(addr));
  const after = at >= 0 ? at + 1 : before + 1;
  const go = (index: number): void => select({ addr: start[index] ?? null });
  return (
    <>
      <Button disabled={before < 0} onClick={() => go(before)} title="The mapping before">
        ← Before
      </Button>
      <Button disabled={after >= count} onClick={() => go(after)} title="The mapping after">
        After →
      </Button>
    </>
  );
}

function NothingThere({
  layout,
  addr,
}: {
  readonly layout: MapLayout;
  readonly addr: number;
}): JSX.Element {
  const [, select] = useSelection();
  const { start, end, count } = layout.columns;
  const before = layout.lastFrom(layout.placeOf(addr));
  const nearest = [before, before + 1].filter(
    (index) => index >= 0 && index < count && (index !== before || end[index]! <= addr),
  );
  return (
    <Notice
      kind="info"
      title={`Nothing is mapped at ${formatAddress(addr)}`}
      actions={nearest.map((index) => (
        <Button key={index} onClick={() => select({ addr: start[index]! })}>
          Go to {formatAddress(start[index]!)}
        </Button>
      ))}
    >
      <p>A read there gives EIO, a load of the process itself SIGSEGV.</p>
    </Notice>
  );
}

function Bytes(props: {
  readonly client: Client;
  readonly edits: Edits;
  readonly start: number;
  readonly end: number;
  readonly cursor: number;
}): JSX.Element {
  const { client, edits, cursor } = props;
  const [{ task, as }, select] = useSelection();
  const [editing, setEditing] = useState(false);
  const [marked, setMarked] = useState(1);
  const [, draw] = useState(0);
  const store = useMemo(() => new ByteStore(client, task, as), [client, task, as]);
  const changed = useChanges();
  const written = useMemo(() => writtenBytes(edits, task), [edits.done.length, task, changed]);
  useEffect(() => store.refresh(), [store, changed]);
  useArrivals(store, () => draw((n) => n + 1));
  const follow = (): void => {
    const to = pointerAt(store, cursor);
    if (to !== null) select({ addr: to });
  };
  const goTo = (edit: { readonly addr: number } | null): void => {
    if (edit !== null) select({ addr: edit.addr }, 'replace');
  };
  const write = (at: number, bytes: Uint8Array): void => edits.write({ task, as, addr: at }, bytes);
  if (store.failure !== null) return <Refused failure={store.failure} />;
  return (
    <div class="hex-layout">
      <HexGrid
        store={store}
        start={props.start}
        end={props.end}
        cursor={cursor}
        marked={marked}
        editing={editing}
        written={written}
        onCursor={(at) => select({ addr: at }, 'replace')}
        onWrite={(at, byte) => write(at, Uint8Array.of(byte))}
        onFollow={follow}
        onToggleEditing={() => setEditing(!editing)}
        onUndo={() => goTo(edits.undo())}
        onRedo={() => goTo(edits.redo())}
      />
      <HexSide
        client={client}
        store={store}
        edits={edits}
        cursor={cursor}
        editing={editing}
        onEditing={setEditing}
        onMark={setMarked}
        onWrite={write}
        onGoTo={(at) => select({ addr: at })}
      />
    </div>
  );
}

function Refused({ failure }: { readonly failure: Failure }): JSX.Element {
  return (
    <FailureNotice title="This task may not look into that memory" failure={failure}>
      <p>Choose another one under “Acting as”. The page “Access” shows which check refuses it.</p>
    </FailureNotice>
  );
}

/** The user address that the bytes at an address are; null when they are none. */
function pointerAt(store: ByteStore, addr: number): number | null {
  const bytes = store.slice(addr, 8);
  if (bytes === null) return null;
  const to = new DataView(bytes.buffer).getBigUint64(0, true);
  return to > 0n && to < 1n << 47n ? Number(to) : null;
}

/** Draws the inspector again when bytes arrive, a few times a second. */
function useArrivals(store: ByteStore, draw: () => void): void {
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const later = (): void => {
      timer ??= setTimeout(() => ((timer = undefined), draw()), 60);
    };
    const end = store.follow(later);
    later(); // what arrived before this
    return () => {
      clearTimeout(timer);
      end();
    };
  }, [store]);
}

function writtenBytes(edits: Edits, task: number): ReadonlySet<number> {
  const addresses = new Set<number>();
  for (const edit of edits.done) {
    if (edit.task === task) edit.after.forEach((_, i) => addresses.add(edit.addr + i));
  }
  return addresses;
}
