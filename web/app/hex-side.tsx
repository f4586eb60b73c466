import type { JSX } from 'preact';
import { useState } from 'preact/hooks';

import type { ByteStore } from './byte-store.js';
import type { Client } from './client.js';
import type { Edits } from './edits.js';
import { formatAddress, formatBytes } from './format.js';
import { useRemote } from './remote.js';
import { useSelection } from './selection.js';
import { Button, Check, Field, Notice, Select } from './ui.js';
import { parseHexBytes, VALUE_KINDS } from './values.js';

interface SideProps {
  readonly client: Client;
  readonly store: ByteStore;
  readonly edits: Edits;
  readonly cursor: number;
  readonly editing: boolean;
  onEditing(editing: boolean): void;
  /** How many bytes from the cursor on the value pointed at has. */
  onMark(bytes: number): void;
  onWrite(addr: number, bytes: Uint8Array): void;
  onGoTo(addr: number): void;
}

/** Beside the bytes: what the ones at the cursor mean, editing, and what was written. */
export function HexSide(props: SideProps): JSX.Element {
  return (
    <aside class="hex-side" aria-label="Values and editing">
      <Values {...props} />
      <Writing {...props} />
      <History edits={props.edits} onGoTo={props.onGoTo} />
    </aside>
  );
}

function Values({ client, store, cursor, onMark, onGoTo }: SideProps): JSX.Element {
  const [{ task }] = useSelection();
  const eight = store.slice(cursor, 8);
  const pointer = eight === null ? null : new DataView(eight.buffer).getBigUint64(0, true);
  const { value: pointed } = useRemote(
    client,
    'memory.pointed',
    pointer === null ? null : { task, value: String(pointer) },
  );
  const error = store.errorAt(cursor);
  return (
    <section class="card">
      <h2 class="mono">{formatAddress(cursor)}</h2>
      <p class="unseen" role="status">
        {statusOf(store, cursor)}
      </p>
      {error !== '' && (
        <p class="hex-why">
          {error}:{' '}
          {error === 'EIO'
            ? 'the bytes here are not to be had. They are not zero.'
            : 'cannot be read.'}
        </p>
      )}
      <dl class="values">
        {VALUE_KINDS.map((kind) => {
          const bytes = store.slice(cursor, kind.size);
          const mark = (): void => onMark(kind.size);
          return (
            <div key={kind.name} onMouseEnter={mark} onMouseLeave={() => onMark(1)}>
              <dt>{kind.name}</dt>
              <dd class="mono">{bytes === null ? '–' : kind.read(new DataView(bytes.buffer))}</dd>
            </div>
          );
        })}
        <div onMouseEnter={() => onMark(8)} onMouseLeave={() => onMark(1)}>
          <dt>pointer</dt>
          <dd class="mono">{pointer === null ? '–' : `0x${pointer.toString(16)}`}</dd>
        </div>
      </dl>
      <div class="pointed">
        <p>{pointedText(pointed)}</p>
        <Button
          disabled={pointer === null || pointed === null || pointed.mapping === null}
          title="Follow the pointer (Enter)"
          onClick={() => onGoTo(Number(pointer))}
        >
          Follow
        </Button>
      </div>
    </section>
  );
}

/** What screen readers say when the cursor moves. */
function statusOf(store: ByteStore, cursor: number): string {
  const byte = store.at(cursor);
  if (byte === -1) return formatAddress(cursor);
  if (byte === -2) return `${formatAddress(cursor)}: cannot be read, ${store.errorAt(cursor)}`;
  const letter = byte > 0x20 && byte < 0x7f ? `, ${String.fromCharCode(byte)}` : '';
  return `${formatAddress(cursor)}: ${byte.toString(16).padStart(2, '0')}${letter}`;
}

function pointedText(
  pointed: {
    readonly mapping: string | null;
    readonly perms: string;
    readonly symbol: string | null;
  } | null,
): string {
  if (pointed === null) return ' ';
  if (pointed.mapping === null) return 'points to nothing mapped';
  const symbol = pointed.symbol === null ? '' : `${pointed.symbol}, `;
  return `points to ${symbol}${pointed.mapping} ${pointed.perms}`;
}

const KINDS = ['hex', 'text', ...VALUE_KINDS.map(({ name }) => name)];

function Writing(props: SideProps): JSX.Element {
  const [kind, setKind] = useState('hex');
  const [text, setText] = useState('');
  const [error, setError] = useState<string | null>(null);
  const { edits, cursor } = props;
  const write = (): void => {
    const bytes = bytesOf(kind, text);
    if (bytes === null)
      return setError(kind === 'text' ? 'Type some text.' : `This is no ${kind}.`);
    setError(null);
    props.onWrite(cursor, bytes);
  };
  return (
    <section class="card">
      <UndoHead edits={edits} />
      {edits.failure !== null && (
        <Notice
          kind="error"
          title="Linux refused the write"
          actions={<Button onClick={() => edits.dismiss()}>Dismiss</Button>}
        >
          <p class="mono">{edits.failure.message}</p>
          <p>{adviceFor(edits.failure.code)}</p>
        </Notice>
      )}
      <Check label="Type over bytes (e)" checked={props.editing} onChange={props.onEditing} />
      <div class="write-row">
        <Select
          label="As"
          value={kind}
          options={KINDS.map((value) => ({ value, label: value }))}
          onChange={(value) => setKind(value)}
        />
        <Field label="Value" value={text} onInput={setText} onEnter={write} error={error} mono />
      </div>
      <Button onClick={write}>Write at cursor</Button>
      <p class="hint">
        Goes through /proc/PID/mem: protections of private memory are overridden, as a debugger’s
        are.
      </p>
    </section>
  );
}

function UndoHead({ edits }: { readonly edits: Edits }): JSX.Element {
  return (
    <header class="card-head">
      <h2>Write</h2>
      <div class="hex-undo">
        <Button
          label="Undo"
          title="Undo (Ctrl Z)"
          disabled={edits.done.length === 0}
          onClick={() => edits.undo()}
        >
          ↶
        </Button>
        <Button
          label="Redo"
          title="Redo (Ctrl Shift Z)"
          disabled={edits.undone.length === 0}
          onClick={() => edits.redo()}
        >
          ↷
        </Button>
      </div>
    </header>
  );
}

function bytesOf(kind: string, text: string): Uint8Array | null {
  if (kind === 'hex') return parseHexBytes(text);
  if (kind === 'text') return text === '' ? null : new TextEncoder().encode(text);
  return VALUE_KINDS.find(({ name }) => name === kind)?.write(text) ?? null;
}

const ADVICE: Readonly<Record<string, string>> = {
  EACCES: 'The task may not look into this process. Choose another one under “Acting as”.',
  EPERM: 'The task may not do that. Choose another one under “Acting as”.',
  EIO: 'Nothing can be written there: not mapped, not in the core, or shared and read-only.',
};

function adviceFor(code: string | null): string {
  return ADVICE[code ?? ''] ?? 'Nothing was changed.';
}

function History({
  edits,
  onGoTo,
}: {
  readonly edits: Edits;
  onGoTo(addr: number): void;
}): JSX.Element | null {
  if (edits.done.length === 0) return null;
  return (
    <section class="card">
      <h2>Written</h2>
      <ol class="edits">
        {edits.done
          .slice(-8)
          .reverse()
          .map((edit, i) => (
            <li key={edits.done.length - i}>
              <button type="button" class="link mono" onClick={() => onGoTo(edit.addr)}>
                {formatAddress(edit.addr)}
              </button>
              <span class="mono">
                <del>{formatBytes(edit.before.subarray(0, 8))}</del> →{' '}
                {formatBytes(edit.after.subarray(0, 8))}
              </span>
            </li>
          ))}
      </ol>
    </section>
  );
}
