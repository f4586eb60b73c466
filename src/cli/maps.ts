import type { CoreMapping } from '../elf/core-mappings.js';
import type { MapsLine } from '../unwind/maps.js';
import type { Command } from './command.js';
import { plural } from './demo-summary.js';
import { chooseCrash, loadCrash, onlyOperand } from './input.js';
import type { CliIo } from './io.js';
import { UsageError } from './io.js';
import { hex, printJson } from './json.js';
import { ProcessView } from './process-view.js';
import { printTable } from './table.js';
import { formatBytes, printable, Terminal, truncate } from './terminal.js';

/** Characters of a line without the path: two addresses, permissions, two sizes, the gaps. */
const BEFORE_PATH = 53;
/** The legacy vsyscall page is in no process's page tables; only --proc and --json list it. */
const VSYSCALL = '[vsyscall]';

/**
 * `procmem maps [CORE]`: the mappings of a process.
 *
 * @throws {InputError} the core cannot be loaded
 */
export const maps: Command = async (operands, io, options) => {
  if (options.flag('proc') && options.flag('json')) {
    throw new UsageError('--proc and --json are two formats: choose one');
  }
  const loaded = await loadCrash(await chooseCrash(onlyOperand(operands, 'maps'), options));
  const view = new ProcessView(loaded);
  const { mappings } = loaded.process.core;
  if (options.flag('proc')) io.out(view.mapsText);
  else if (options.flag('json')) printMapsAsJson(io, view.maps, mappings);
  else printMaps(new Terminal(io), view.maps, mappings);
  return 0;
};

/** Bytes of a line that the core itself has. */
function dumpedIn(line: MapsLine, mappings: readonly CoreMapping[]): number {
  return mappings.reduce((sum, { start, dumped }) => {
    const [from, end] = [Math.max(start, line.start), Math.min(start + dumped, line.end)];
    return sum + Math.max(0, end - from);
  }, 0);
}

function printMaps(
  terminal: Terminal,
  lines: readonly MapsLine[],
  mappings: readonly CoreMapping[],
): void {
  const room = Math.max(20, terminal.width - BEFORE_PATH);
  const own = lines.filter(({ path }) => path !== VSYSCALL);
  const rows = own.map((line) => {
    const { start, end, perms, path } = line;
    const dumped = dumpedIn(line, mappings);
    const range = `${start.toString(16).padStart(12)}-${end.toString(16).padEnd(12)}`;
    const sizes = [formatBytes(end - start), dumped === 0 ? '-' : formatBytes(dumped)];
    return [range, perms, ...sizes, shortenPath(printable(path), room)];
  });
  printTable(
    terminal,
    [
      { title: '       start-end' },
      { title: 'perm' },
      { title: 'size', side: 'right' },
      { title: 'in core', side: 'right' },
      { title: 'mapped', look: 'cyan' },
    ],
    rows,
  );
  const total = own.reduce((sum, { start, end }) => sum + end - start, 0);
  const dumped = own.reduce((sum, line) => sum + dumpedIn(line, mappings), 0);
  const sum = `${plural(own.length, 'mapping')}, ${formatBytes(total)}, ${formatBytes(dumped)} in the core`;
  terminal.line(terminal.paint('dim', sum));
}

/** The end of a path tells more than its beginning. */
function shortenPath(path: string, room: number): string {
  if (path.length <= room || !path.startsWith('/')) return truncate(path, room);
  return `…${path.slice(path.length - room + 1)}`;
}

function printMapsAsJson(
  io: CliIo,
  lines: readonly MapsLine[],
  mappings: readonly CoreMapping[],
): void {
  const rows = lines.map((line) => ({
    start: hex(line.start),
    end: hex(line.end),
    size: line.end - line.start,
    perms: line.perms,
    offset: line.offset,
    path: line.path === '' ? null : line.path,
    bytesDumped: dumpedIn(line, mappings),
  }));
  printJson(io, rows);
}
