import { patchCore } from '../elf/core-patch.js';
import { LinuxError } from '../errno.js';
import { parseAddress } from './address.js';
import { bytesToWrite } from './bytes.js';
import type { Command } from './command.js';
import { outputOption } from './dump.js';
import { copyCore } from './copy-core.js';
import { chooseCrash, loadCrash, type Loaded } from './input.js';
import { type CliIo, UsageError } from './io.js';
import { hex, printJson } from './json.js';
import { OutputFile, type PlacedBytes } from './output-file.js';
import { ProcessView } from './process-view.js';

const PAGE = 4096;

/** Bytes and the address they are to have. */
interface Change {
  readonly start: number;
  readonly bytes: Uint8Array;
}

/** A file, from its first byte on. */
type WriteFile = (put: (placed: PlacedBytes) => void) => void;

/**
 * `procmem write ADDRESS … -o FILE`: a copy of the core or snapshot in which some memory has other bytes.
 *
 * @returns 0, or 1 when the memory cannot be written
 * @throws {UsageError} no address, no bytes, or no output
 * @throws {InputError} a file cannot be read or made
 */
export const write: Command = async (operands, io, options) => {
  const [where] = operands;
  if (where === undefined)
    throw new UsageError('no address; usage: procmem write ADDRESS … -o FILE');
  if (operands.length > 1) throw new UsageError(`write takes one address, no ${operands[1]}`);
  const bytes = bytesToWrite(options);
  const output = outputOption(options);
  const loaded = await loadCrash(await chooseCrash(null, options));
  const view = new ProcessView(loaded);
  const { start, end } = parseAddress(where, view);
  if (end !== null && bytes.length > end - start) {
    throw new UsageError(`${bytes.length} bytes do not fit ${where}, which has ${end - start}`);
  }
  const change = { start, bytes };
  const file =
    loaded.restored === null
      ? patched(loaded, view, change, io)
      : changed(loaded, view, change, io);
  if (file === null) return 1;
  makeFile(output, file, loaded.restored === null ? loaded.core.source.size : 0);
  const written = { output, address: hex(start), length: bytes.length };
  if (options.flag('json')) printJson(io, written);
  else io.out(`${bytes.length} bytes at ${hex(start)} written into ${output}\n`);
  return 0;
};

/** The core with other bytes; null when it cannot be, which was said then. */
function patched(
  { process }: Loaded,
  view: ProcessView,
  { start, bytes }: Change,
  io: CliIo,
): WriteFile | null {
  const patches = patchCore(process.core, start, bytes, (addr) => {
    const page = new Uint8Array(PAGE);
    return view.read(addr, page) === PAGE ? page : null;
  });
  if ('why' in patches) {
    const { addr, why } = patches;
    const reason =
      why === 'unmapped' ? 'nothing is mapped there' : `${view.whyUnreadable(addr)}: ${ADVICE}`;
    io.err(`procmem: ${hex(addr)}: ${reason}; nothing is written\n`);
    return null;
  }
  return (put) => {
    copyCore(process.core.source, put);
    patches.forEach(put);
  };
}

const ADVICE = 'write whole pages, or name the directory that has the file with --sysroot';

/** The snapshot after a write to /proc/PID/mem; null when it was refused, which was said then. */
function changed(
  { machine }: Loaded,
  view: ProcessView,
  { start, bytes }: Change,
  io: CliIo,
): WriteFile | null {
  let done = 0;
  try {
    while (done < bytes.length) done += view.write(start + done, bytes.subarray(done));
  } catch (error) {
    if (!(error instanceof LinuxError)) throw error;
    io.err(`procmem: ${hex(start + done)}: ${error.code}; nothing is written\n`);
    return null;
  }
  view.close();
  return (put) => {
    let at = 0;
    machine.writeSnapshot((part) => {
      put({ offset: at, bytes: part });
      at += part.length;
    });
  };
}

function makeFile(output: string, write: WriteFile, size: number): void {
  const file = new OutputFile(output, { replace: false });
  let end = 0;
  try {
    write((placed) => {
      file.put(placed);
      end = Math.max(end, placed.offset + placed.bytes.length);
    });
    file.complete(Math.max(end, size));
  } finally {
    file.close();
  }
}
