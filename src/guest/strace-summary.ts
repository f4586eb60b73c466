import type { GuestCall, GuestOptions } from './guest-options.js';

/** What is counted of the calls of one name. */
interface Count {
  calls: number;
  errors: number;
  /** Milliseconds of the machine's time between their beginnings and their ends. */
  ms: number;
}

const RULE = '------ ----------- ----------- --------- --------- ----------------\n';

/**
 * Counts the calls of guests, and prints the table that `strace -c -w` prints.
 *
 * @example
 * const summary = new StraceSummary();
 * const guest = new Guest(machine, summary.callbacks);
 * await guest.runToEnd(task);
 * process.stderr.write(summary.text());
 */
export class StraceSummary {
  /** What a Guest tells it. */
  readonly callbacks: GuestOptions;
  readonly #counts = new Map<string, Count>();
  /** When the call that a thread is in began, by its number. */
  readonly #began = new Map<number, number>();

  constructor() {
    this.callbacks = {
      onEnter: ({ task }) => void this.#began.set(task.tid, task.struct.kernel.time()),
      onCall: (call) => this.#count(call),
      onExit: ({ tid }) => void this.#began.delete(tid),
    };
  }

  #count({ task, name, result }: GuestCall): void {
    const count = this.#counts.get(name) ?? { calls: 0, errors: 0, ms: 0 };
    this.#counts.set(name, count);
    const now = task.struct.kernel.time();
    count.calls += 1;
    count.ms += now - (this.#began.get(task.tid) ?? now);
    const value = Number(result ?? 0);
    if (value < 0 && value > -4096) count.errors += 1;
    this.#began.delete(task.tid);
  }

  /** The table: calls by the time they took, whole lines. */
  text(): string {
    const rows = [...this.#counts].sort(([, a], [, b]) => b.ms - a.ms);
    const sum = { calls: 0, errors: 0, ms: 0 };
    for (const [, { calls, errors, ms }] of rows) {
      sum.calls += calls;
      sum.errors += errors;
      sum.ms += ms;
    }
    const lines = rows.map(([name, count]) => line(name, count, sum.ms));
    const head = '% time     seconds  usecs/call     calls    errors syscall\n';
    return `${head}${RULE}${lines.join('')}${RULE}${line('total', sum, sum.ms)}`;
  }
}

function line(name: string, { calls, errors, ms }: Count, total: number): string {
  const share = total === 0 ? 0 : (ms * 100) / total;
  const cells = [
    share.toFixed(2).padStart(6),
    (ms / 1000).toFixed(6).padStart(11),
    String(calls === 0 ? 0 : Math.floor((ms * 1000) / calls)).padStart(11),
    String(calls).padStart(9),
    (errors === 0 ? '' : String(errors)).padStart(9),
  ];
  return `${cells.join(' ')} ${name}\n`;
}
