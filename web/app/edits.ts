import { useEffect, useState } from 'preact/hooks';

import type { Client } from './client.js';
import type { Failure } from './message.js';
import { failureOf } from './opening.js';
import { announceChange } from './remote.js';

/** A write that was made. */
export interface Edit {
  readonly task: number;
  /** Who wrote; 0 is the explorer. */
  readonly as: number;
  readonly addr: number;
  readonly before: Uint8Array;
  readonly after: Uint8Array;
}

/** Writes with what it takes to take them back. */
export class Edits {
  readonly #client: Client;
  readonly #done: Edit[] = [];
  readonly #undone: Edit[] = [];
  failure: Failure | null = null;
  onChange: () => void = () => {};
  /** Writes are made one after another. */
  #last: Promise<void> = Promise.resolve();

  constructor(client: Client) {
    this.#client = client;
  }

  /** Newest last. */
  get done(): readonly Edit[] {
    return this.#done;
  }

  get undone(): readonly Edit[] {
    return this.#undone;
  }

  /** Writes as a task; a refusal is in `failure`. */
  write(
    place: { readonly task: number; readonly as: number; readonly addr: number },
    bytes: Uint8Array,
  ): void {
    this.#queue(async () => {
      const { before, after } = await this.#client.call('memory.write', { ...place, bytes });
      this.#done.push({ ...place, before, after });
      this.#undone.length = 0;
    });
  }

  /** Takes the last write back, as whoever made it. @returns what it was, or null */
  undo(): Edit | null {
    const edit = this.#done.at(-1) ?? null;
    if (edit !== null) {
      this.#queue(async () => {
        await this.#client.call('memory.write', { ...edit, bytes: edit.before });
        this.#done.pop();
        this.#undone.push(edit);
      });
    }
    return edit;
  }

  /** Makes the write again that was taken back last. */
  redo(): Edit | null {
    const edit = this.#undone.at(-1) ?? null;
    if (edit !== null) {
      this.#queue(async () => {
        await this.#client.call('memory.write', { ...edit, bytes: edit.after });
        this.#undone.pop();
        this.#done.push(edit);
      });
    }
    return edit;
  }

  /** The notice was read. */
  dismiss(): void {
    this.failure = null;
    this.onChange();
  }

  #queue(act: () => Promise<void>): void {
    this.#last = this.#last.then(act).then(
      () => {
        this.failure = null;
        announceChange();
        this.onChange();
      },
      (error: unknown) => {
        this.failure = failureOf(error);
        this.onChange();
      },
    );
  }
}

let kept: { readonly count: number; readonly edits: Edits } | null = null;

/**
 * The writes of this page, kept while the same machine is open.
 *
 * @param count which machine, as counted by what was opened
 */
export function useEdits(client: Client, count: number): Edits {
  if (kept?.count !== count) kept = { count, edits: new Edits(client) };
  const { edits } = kept;
  const [, draw] = useState(0);
  useEffect(() => {
    edits.onChange = () => draw((n) => n + 1);
    return () => (edits.onChange = () => {});
  }, [edits]);
  return edits;
}
