import type { CliIo } from './io.js';

/** Milliseconds between two looks of the bar. */
const INTERVAL = 100;
const WIDTH = 30;
const MIB = 2 ** 20;

/** A bar on a terminal that says how far a copy is; nothing elsewhere. */
export class Progress {
  readonly #io: CliIo;
  readonly #label: string;
  readonly #total: number;
  #done = 0;
  #shown = 0;

  /** @param total bytes, about */
  constructor(io: CliIo, label: string, total: number) {
    this.#io = io;
    this.#label = label;
    this.#total = total;
  }

  /** Adds bytes that were copied. */
  add(bytes: number): void {
    this.#done += bytes;
    const now = Date.now();
    if (!this.#io.color || now - this.#shown < INTERVAL) return;
    this.#shown = now;
    const part = Math.min(this.#done / Math.max(this.#total, 1), 1);
    const full = Math.round(part * WIDTH);
    const bar = '█'.repeat(full) + '░'.repeat(WIDTH - full);
    const copied = (this.#done / MIB).toFixed(0);
    this.#io.err(`\r${this.#label} ${bar} ${Math.round(part * 100)} % ${copied} MiB `);
  }

  /** Takes the bar away. */
  end(): void {
    if (this.#shown !== 0) this.#io.err('\r\x1b[K');
  }
}
