// The pieces that panels are made of. Their looks are in style/pieces.css.
import type { ComponentChildren, JSX } from 'preact';
import { useId, useRef } from 'preact/hooks';

import { formatAddress } from './format.js';
import type { Failure } from './message.js';
import { linkTo, select, type Selection } from './selection.js';

type Children = { readonly children?: ComponentChildren };

/** A panel's frame: its heading, a line about it, and actions on the right. */
export function Panel(
  props: Children & {
    readonly title: string;
    readonly about?: ComponentChildren;
    readonly actions?: ComponentChildren;
    /** `fill` takes the whole height and scrolls inside; `flow` (default) scrolls as a page. */
    readonly layout?: 'fill' | 'flow';
  },
): JSX.Element {
  const heading = useId();
  return (
    <section class={`panel panel-${props.layout ?? 'flow'}`} aria-labelledby={heading}>
      <header class="panel-head">
        <div>
          <h1 id={heading} tabIndex={-1}>
            {props.title}
          </h1>
          {props.about !== undefined && <p class="panel-about">{props.about}</p>}
        </div>
        {props.actions !== undefined && <div class="panel-actions">{props.actions}</div>}
      </header>
      {props.children}
    </section>
  );
}

/** A part of a panel with a heading of its own. */
export function Card(
  props: Children & {
    readonly title?: string;
    readonly actions?: ComponentChildren;
    readonly class?: string;
  },
): JSX.Element {
  return (
    <section class={`card ${props.class ?? ''}`}>
      {props.title !== undefined && (
        <header class="card-head">
          <h2>{props.title}</h2>
          {props.actions}
        </header>
      )}
      {props.children}
    </section>
  );
}

/** A button; `kind` main for the one that matters most. */
export function Button(
  props: Children & {
    onClick(): void;
    readonly kind?: 'main' | 'plain' | 'quiet';
    readonly disabled?: boolean;
    readonly label?: string;
    readonly pressed?: boolean;
    readonly title?: string;
  },
): JSX.Element {
  return (
    <button
      type="button"
      class={`button button-${props.kind ?? 'plain'}`}
      disabled={props.disabled ?? false}
      aria-label={props.label}
      aria-pressed={props.pressed}
      title={props.title}
      onClick={() => props.onClick()}
    >
      {props.children}
    </button>
  );
}

/** A line of text to be typed, with its label. */
export function Field(props: {
  readonly label: string;
  readonly value: string;
  onInput(value: string): void;
  onEnter?(): void;
  readonly placeholder?: string;
  /** What is wrong with the value; null or absent when nothing is. */
  readonly error?: string | null;
  readonly hint?: string;
  readonly mono?: boolean;
  /** A CSS width such as 20ch. */
  readonly width?: string;
  readonly id?: string;
}): JSX.Element {
  const own = useId();
  const id = props.id ?? own;
  const wrong = props.error ?? null;
  const note = wrong ?? props.hint;
  return (
    <div class="field" style={props.width === undefined ? {} : { width: props.width }}>
      <label for={id}>{props.label}</label>
      <input
        id={id}
        type="text"
        class={props.mono === true ? 'mono' : ''}
        value={props.value}
        placeholder={props.placeholder}
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        aria-invalid={wrong !== null}
        aria-describedby={note === undefined ? undefined : `${id}-note`}
        onInput={(event) => props.onInput(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter') props.onEnter?.();
        }}
      />
      {note !== undefined && (
        <p id={`${id}-note`} class={wrong === null ? 'field-hint' : 'field-error'}>
          {note}
        </p>
      )}
    </div>
  );
}

/** One of a few values. */
export function Select<T extends string | number>(props: {
  readonly label: string;
  readonly value: T;
  readonly options: readonly { readonly value: T; readonly label: string }[];
  onChange(value: T): void;
  readonly width?: string;
}): JSX.Element {
  const id = useId();
  return (
    <div class="field" style={props.width === undefined ? {} : { width: props.width }}>
      <label for={id}>{props.label}</label>
      <select
        id={id}
        value={String(props.value)}
        onChange={(event) => {
          const option = props.options[event.currentTarget.selectedIndex];
          if (option !== undefined) props.onChange(option.value);
        }}
      >
        {props.options.map(({ value, label }) => (
          <option key={value} value={String(value)} selected={value === props.value}>
            {label}
          </option>
        ))}
      </select>
    </div>
  );
}

/** Something that is or is not. */
export function Check(props: {
  readonly label: string;
  readonly checked: boolean;
  onChange(checked: boolean): void;
}): JSX.Element {
  return (
    <label class="check">
      <input
        type="checkbox"
        checked={props.checked}
        onChange={(event) => props.onChange(event.currentTarget.checked)}
      />
      <span>{props.label}</span>
    </label>
  );
}

/** A few views of one thing; arrow keys move between them. Draw the chosen one below it. */
export function Tabs<T extends string>(props: {
  readonly label: string;
  readonly value: T;
  readonly tabs: readonly { readonly value: T; readonly label: string }[];
  onChange(value: T): void;
}): JSX.Element {
  const list = useRef<HTMLDivElement>(null);
  const move = (event: KeyboardEvent): void => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    const at = props.tabs.findIndex(({ value }) => value === props.value);
    const next = props.tabs[(at + by + props.tabs.length) % props.tabs.length];
    if (next === undefined) return;
    props.onChange(next.value);
    const buttons = list.current?.querySelectorAll('button') ?? [];
    buttons[props.tabs.indexOf(next)]?.focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label={props.label} ref={list} onKeyDown={move}>
      {props.tabs.map(({ value, label }) => (
        <button
          key={value}
          type="button"
          role="tab"
          aria-selected={value === props.value}
          tabIndex={value === props.value ? 0 : -1}
          onClick={() => props.onChange(value)}
        >
          {label}
        </button>
      ))}
    </div>
  );
}

/** A message in the page: news, a warning or an error, with what to do about it. */
export function Notice(
  props: Children & {
    readonly kind: 'info' | 'good' | 'warn' | 'error';
    readonly title: string;
    readonly actions?: ComponentChildren;
  },
): JSX.Element {
  return (
    <div class={`notice notice-${props.kind}`} role={props.kind === 'error' ? 'alert' : 'status'}>
      <p class="notice-title">{props.title}</p>
      {props.children !== undefined && <div class="notice-text">{props.children}</div>}
      {props.actions !== undefined && <div class="notice-actions">{props.actions}</div>}
    </div>
  );
}

/** An error of the worker. */
export function FailureNotice(
  props: Children & { readonly title: string; readonly failure: Failure },
): JSX.Element {
  const { message } = props.failure;
  return (
    <Notice kind="error" title={props.title}>
      <p class="mono">{message}</p>
      {props.children}
    </Notice>
  );
}

/** What stands where there is nothing yet, and what to do. */
export function Empty(props: Children & { readonly title: string }): JSX.Element {
  return (
    <div class="empty">
      <p class="empty-title">{props.title}</p>
      {props.children}
    </div>
  );
}

/** A small table whose rows are all in the page. Longer ones use VirtualList. */
export function Table(
  props: Children & {
    readonly caption: string;
    readonly columns: readonly (string | { readonly label: string; readonly numeric: true })[];
  },
): JSX.Element {
  return (
    <div class="table-box" tabIndex={0} role="region" aria-label={props.caption}>
      <table class="table">
        <caption class="unseen">{props.caption}</caption>
        <thead>
          <tr>
            {props.columns.map((column) => {
              const [label, numeric] =
                typeof column === 'string' ? [column, false] : [column.label, true];
              return (
                <th key={label} scope="col" class={numeric ? 'numeric' : ''}>
                  {label}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>{props.children}</tbody>
      </table>
    </div>
  );
}

/** An address that leads to the hex view, or to another panel. */
export function AddressLink(
  props: Children & {
    readonly addr: number | bigint;
    readonly task?: number;
    readonly panel?: string;
  },
): JSX.Element {
  const inUser = props.addr < 0x8000_0000_0000;
  if (!inUser) return <span class="mono">{formatAddress(props.addr)}</span>;
  const change: Partial<Selection> = {
    panel: props.panel ?? 'hex',
    addr: Number(props.addr),
    ...(props.task === undefined ? {} : { task: props.task }),
  };
  return (
    <a
      class="address mono"
      href={linkTo(change)}
      onClick={(event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        select(change);
      }}
    >
      {props.children ?? formatAddress(props.addr)}
    </a>
  );
}

/** A small label: `kind` colours it. */
export function Badge(
  props: Children & { readonly kind?: 'plain' | 'good' | 'warn' | 'bad' | 'accent' },
): JSX.Element {
  return <span class={`badge badge-${props.kind ?? 'plain'}`}>{props.children}</span>;
}

/** A key of the keyboard. */
export function Key(props: Children): JSX.Element {
  return <kbd>{props.children}</kbd>;
}
