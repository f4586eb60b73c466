import type { AddressRange } from './address.js';
import { parseAddress } from './address.js';
import type { Command } from './command.js';
import { HexDump } from './hex-dump.js';
import { chooseCrash, loadCrash } from './input.js';
import { type CliIo, UsageError } from './io.js';
import { hex, printJsonLine } from './json.js';
import { parseSize } from './number.js';
import { ProcessView } from './process-view.js';
import { Terminal } from './terminal.js';

const DEFAULT_LENGTH = 256;
/** Bytes read at a time. */
const CHUNK = 256 * 1024;

/**
 * `procmem read ADDRESS [LENGTH]`: memory in hex, as it is, or as JSON (an object a line, for at most
 * 256 KiB each).
 *
 * @returns 0, or 1 when not all of it is readable
 * @throws {UsageError} no address, or one that makes no sense
 */
export const read: Command = async (operands, io, options) => {
  const [where, length] = operands;
  if (where === undefined) throw new UsageError('no address; usage: procmem read ADDRESS [LENGTH]');
  if (operands.length > 2)
    throw new UsageError(`read takes an address and a length, no ${operands[2]}`);
  if (options.flag('raw') && options.flag('json')) {
    throw new UsageError('--raw and --json are two formats: choose one');
  }
  if (options.flag('raw') && io.terminal === true && !options.flag('force')) {
    throw new UsageError('raw bytes could drive the terminal: redirect them, or give --force');
  }
  const size = length === undefined ? null : parseSize(length, 'LENGTH');
  const view = new ProcessView(await loadCrash(await chooseCrash(null, options)));
  const range = parseAddress(where, view);
  const sink = options.flag('raw')
    ? (_: number, bytes: Uint8Array) => io.out(bytes)
    : options.flag('json')
      ? jsonSink(io)
      : null;
  return sink === null ? dump(view, range, size, io) : copy(view, range, size, io, sink);
};

/** What is done with the bytes at an address. */
type Sink = (addr: number, bytes: Uint8Array) => void;

function jsonSink(io: CliIo): Sink {
  return (addr, bytes) => {
    printJsonLine(io, {
      address: hex(addr),
      length: bytes.length,
      hex: Buffer.from(bytes).toString('hex'),
    });
  };
}

function dump(view: ProcessView, range: AddressRange, size: number | null, io: CliIo): number {
  const terminal = new Terminal(io);
  const lines = new HexDump(
    range.start,
    (text) => terminal.line(text),
    (text) => terminal.paint('dim', text),
  );
  const sink: Sink = (_, bytes) => lines.add(bytes);
  return copy(view, range, size, io, sink, () => lines.end());
}

function copy(
  view: ProcessView,
  { start, end }: AddressRange,
  size: number | null,
  io: CliIo,
  sink: Sink,
  finish: () => void = () => {},
): number {
  const length = size ?? (end === null ? DEFAULT_LENGTH : end - start);
  const buffer = new Uint8Array(Math.min(CHUNK, length));
  for (let done = 0; done < length;) {
    const part = buffer.subarray(0, Math.min(CHUNK, length - done));
    const n = view.read(start + done, part);
    if (n > 0) sink(start + done, part.subarray(0, n));
    done += n;
    if (n === part.length) continue;
    finish();
    const at = start + done;
    io.err(`procmem: ${hex(at)}: ${view.whyUnreadable(at)}; ${done} of ${length} bytes read\n`);
    return 1;
  }
  finish();
  return 0;
}
