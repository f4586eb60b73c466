import type { LoadedProcess } from '../api/load-core.js';
import type { Core, CoreSignal } from '../elf/core.js';
import { coreSignal } from '../elf/core.js';
import * as signals from '../kernel/signal.js';
import type { Terminal } from './terminal.js';
import { formatBytes, printable, truncate } from './terminal.js';

/** Missing files named at most. */
const MAX_MISSING = 3;

/** Prints what crashed, of what, and how much of it the core has. */
export function printSummary(terminal: Terminal, label: string, process: LoadedProcess): void {
  const { core, threads } = process;
  const { comm, pid, uid, psargs } = core.process;
  const name = terminal.paint('bold', printable(comm));
  terminal.line(`   ${name}, process ${pid} of user ${uid}: ${causeOf(coreSignal(core))}`);
  const rows: [string, string][] = [
    ['command', psargs],
    ['core', label],
    ['memory', `${memoryOf(core)}; ${plural(threads.length, 'thread')}`],
    ['files', filesOf(process)],
  ];
  for (const [what, text] of rows) {
    const shown = truncate(printable(text), terminal.width - 12);
    if (text !== '') terminal.line(`   ${terminal.paint('dim', what.padEnd(9))}${shown}`);
  }
  terminal.line();
}

/** The signal in words, with the address where it has one. */
export function causeOf(signal: CoreSignal | null): string {
  if (signal === null) return 'no signal';
  const name = signalName(signal.number);
  const { code, address } = signal;
  if (address === null) return code !== null && code <= 0 ? `${name}, sent by a process` : name;
  const at = `0x${address.toString(16)}`;
  if (name === 'SIGSEGV' && code === 1) return `${name}, nothing is mapped at ${at}`;
  if (name === 'SIGSEGV' && code === 2) return `${name}, access to ${at} is not permitted`;
  return `${name} at ${at}`;
}

/** `SIGSEGV`, or `signal 99` for one without a name. */
export function signalName(number: number): string {
  const found = Object.entries(signals).find(
    ([name, value]) => value === number && /^SIG[A-Z0-9]+$/.test(name),
  );
  return found === undefined ? `signal ${number}` : found[0];
}

/** How much is mapped, and how much of that is in the core. */
export function memoryOf({ mappings }: Core): string {
  const sum = (of: (mapping: Core['mappings'][number]) => number): number =>
    mappings.reduce((total, mapping) => total + of(mapping), 0);
  const mapped = formatBytes(sum(({ start, end }) => end - start));
  const dumped = formatBytes(sum((mapping) => mapping.dumped));
  return `${plural(mappings.length, 'mapping')} of ${mapped}, ${dumped} of it dumped`;
}

function filesOf({ found, missing }: LoadedProcess): string {
  if (found.length + missing.length === 0) return '';
  const have = found.length === 1 ? (found[0] ?? '') : `${found.length} found`;
  if (missing.length === 0) return have;
  const names = missing.slice(0, MAX_MISSING).join(', ');
  const more = missing.length > MAX_MISSING ? `, … ${missing.length - MAX_MISSING} more` : '';
  return `${have}; not found: ${names}${more}`;
}

/** `1 thread`, `2 threads` */
export function plural(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}
