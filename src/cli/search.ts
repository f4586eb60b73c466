import type { MapsLine } from '../unwind/maps.js';
import { parseAddress } from './address.js';
import type { Command, Options } from './command.js';
import { letter } from './hex-dump.js';
import { chooseCrash, loadCrash } from './input.js';
import { type CliIo, UsageError } from './io.js';
import { hex, printJsonLine } from './json.js';
import { countOption } from './number.js';
import { ProcessView } from './process-view.js';
import type { Pattern } from './search-pattern.js';
import { choosePattern } from './search-pattern.js';
import { printable, Terminal, truncate } from './terminal.js';

const DEFAULT_LIMIT = 1000;
/** Bytes looked through at a time. */
const CHUNK = 1024 * 1024;
/** Where reading goes on behind a page that cannot be read. */
const PAGE = 4096;
/** Bytes shown of a match and what follows it. */
const SHOWN = 32;

/** One find. */
interface Found {
  readonly address: number;
  readonly length: number;
  readonly line: MapsLine;
  /** The match and what follows it, as far as it was read. */
  readonly bytes: Uint8Array;
}

interface Search {
  readonly pattern: Pattern;
  readonly align: number;
  readonly perms: string;
  /** Finds to stop after. */
  readonly limit: number;
  readonly start: number;
  readonly end: number;
}

/**
 * `procmem search PATTERN [RANGE]`: where bytes are in a process's memory.
 *
 * @returns 0 when they were found, 1 when not
 * @throws {UsageError} no pattern, or one that makes no sense
 */
export const search: Command = async (operands, io, options) => {
  if (operands.length > 1) throw new UsageError(`search takes one range, no ${operands[1]}`);
  const pattern = choosePattern(options);
  const limit = countOption(options, 'limit', DEFAULT_LIMIT) || Number.POSITIVE_INFINITY;
  const align = Math.max(1, countOption(options, 'align', 1));
  const perms = permsOption(options);
  const view = new ProcessView(await loadCrash(await chooseCrash(null, options)));
  const [where] = operands;
  const range = where === undefined ? { start: 0, end: null } : parseAddress(where, view);
  const end = range.end ?? 2 ** 47;
  const show = options.flag('json') ? jsonSink(io) : lineSink(new Terminal(io));
  const count = run(view, { pattern, align, perms, limit, start: range.start, end }, show);
  if (count === limit) {
    io.err(`procmem: stopped after ${count} finds; --limit 0 shows all\n`);
  }
  return count > 0 ? 0 : 1;
};

function permsOption(options: Options): string {
  const perms = options.text('perms') ?? '';
  if (/^[rwxps-]*$/.test(perms)) return perms.replaceAll('-', '');
  throw new UsageError(`--perms: ${JSON.stringify(perms)} has letters other than r, w, x, p and s`);
}

function run(view: ProcessView, search: Search, show: (found: Found) => void): number {
  let count = 0;
  for (const line of view.maps) {
    const [start, end] = [Math.max(line.start, search.start), Math.min(line.end, search.end)];
    if (start >= end || ![...search.perms].every((letter) => line.perms.includes(letter))) continue;
    count += searchLine(view, line, { ...search, start, end, limit: search.limit - count }, show);
    if (count >= search.limit) break;
  }
  return count;
}

/** A match may lie across two chunks: each is read with as much of the next as a match can have. */
function searchLine(
  view: ProcessView,
  line: MapsLine,
  { pattern, align, limit, start, end }: Search,
  show: (found: Found) => void,
): number {
  const buffer = new Uint8Array(CHUNK + Math.max(pattern.longest, SHOWN));
  let count = 0;
  let shownUpTo = start;
  for (let at = start; at < end && count < limit;) {
    const n = view.read(at, buffer.subarray(0, Math.min(buffer.length, end - at)));
    const bytes = buffer.subarray(0, n);
    const last = n < buffer.length;
    pattern.each(bytes, (from, length) => {
      if (from >= CHUNK && !last) return false;
      const address = at + from;
      if (address % align !== 0 || address < shownUpTo) return true;
      show({ address, length, line, bytes: bytes.subarray(from, from + Math.max(length, SHOWN)) });
      shownUpTo = address + (pattern.overlaps ? 1 : length);
      return ++count < limit;
    });
    at = last ? nextPage(at + n) : at + CHUNK;
  }
  return count;
}

function nextPage(addr: number): number {
  return addr - (addr % PAGE) + PAGE;
}

function lineSink(terminal: Terminal): (found: Found) => void {
  return ({ address, length, line, bytes }) => {
    const where = address.toString(16).padStart(12, '0');
    const head = [...bytes.subarray(0, SHOWN)].map(letter).join('');
    const match = terminal.paint('green', head.slice(0, length));
    const place = `${line.perms} ${printable(line.path)}`.trimEnd();
    const room = terminal.width - where.length - SHOWN - 4;
    const shown = terminal.paint('dim', truncate(place, Math.max(room, 8)));
    terminal.line(
      `${where}  ${match}${head.slice(length)}${' '.repeat(SHOWN - head.length)}  ${shown}`,
    );
  };
}

function jsonSink(io: CliIo): (found: Found) => void {
  return ({ address, length, line, bytes }) => {
    printJsonLine(io, {
      address: hex(address),
      length,
      hex: Buffer.from(bytes.subarray(0, length)).toString('hex'),
      mapping: { start: hex(line.start), perms: line.perms, path: line.path || null },
    });
  };
}
