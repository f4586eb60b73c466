import { closeSync, openSync, unlinkSync, writeSync } from 'node:fs';

import type { CoreMapping } from '../elf/core-mappings.js';
import type { ByteSource } from '../elf/source.js';
import { parseAddress } from './address.js';
import { bytesToWrite } from './bytes.js';
import type { Command } from './command.js';
import { unreadable } from './file-source.js';
import { chooseCrash, loadCrash } from './input.js';
import { UsageError } from './io.js';
import { hex, printJson } from './json.js';
import { ProcessView } from './process-view.js';

/** Bytes copied at a time. */
const CHUNK = 1024 * 1024;

/** Bytes and where they go in the file. */
interface Patch {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/**
 * `procmem write ADDRESS … -o CORE`: a copy of the core in which some memory has other bytes.
 *
 * @returns 0, or 1 when the memory is not in the core
 * @throws {UsageError} no address, no bytes, or no output
 * @throws {InputError} a file cannot be read or made
 */
export const write: Command = async (operands, io, options) => {
  const [where] = operands;
  const output = options.text('output');
  if (where === undefined)
    throw new UsageError('no address; usage: procmem write ADDRESS … -o CORE');
  if (operands.length > 1) throw new UsageError(`write takes one address, no ${operands[1]}`);
  const bytes = bytesToWrite(options);
  if (output === null)
    throw new UsageError('--output names the core to make: none is changed in place');
  const loaded = await loadCrash(chooseCrash(null, options));
  const view = new ProcessView(loaded);
  const { start, end } = parseAddress(where, view);
  if (end !== null && bytes.length > end - start) {
    throw new UsageError(`${bytes.length} bytes do not fit ${where}, which has ${end - start}`);
  }
  const patches = findPatches(loaded.core.mappings, start, bytes);
  if ('missing' in patches) {
    const at = patches.missing;
    const lost = view.read(at, new Uint8Array(1)) === 0;
    const why = lost ? view.whyUnreadable(at) : 'it comes from a file, the core does not have it';
    io.err(`procmem: ${hex(at)}: ${why}; nothing is written\n`);
    return 1;
  }
  copyPatched(loaded.core.source, patches, output);
  const written = { output, address: hex(start), length: bytes.length };
  if (options.flag('json')) printJson(io, written);
  else io.out(`${bytes.length} bytes at ${hex(start)} written into ${output}\n`);
  return 0;
};

/** Where the bytes of a range are in the core's file, or the first that is not there. */
function findPatches(
  mappings: readonly CoreMapping[],
  start: number,
  bytes: Uint8Array,
): Patch[] | { missing: number } {
  const patches: Patch[] = [];
  for (let done = 0; done < bytes.length;) {
    const addr = start + done;
    const mapping = mappings.find((one) => one.start <= addr && addr < one.start + one.dumped);
    if (mapping === undefined) return { missing: addr };
    const part = bytes.subarray(done, done + mapping.start + mapping.dumped - addr);
    patches.push({ offset: mapping.offset + addr - mapping.start, bytes: part });
    done += part.length;
  }
  return patches;
}

function copyPatched(source: ByteSource, patches: readonly Patch[], output: string): void {
  let fd: number;
  try {
    fd = openSync(output, 'wx', 0o600);
  } catch (error) {
    throw unreadable(output, error);
  }
  try {
    for (let at = 0; at < source.size; at += CHUNK) writeFully(fd, source.read(at, CHUNK), at);
    for (const { offset, bytes } of patches) writeFully(fd, bytes, offset);
    closeSync(fd);
  } catch (error) {
    closeSync(fd);
    // Half a core is worse than none.
    unlinkSync(output);
    throw unreadable(output, error);
  }
}

function writeFully(fd: number, bytes: Uint8Array, offset: number): void {
  for (let done = 0; done < bytes.length;) {
    done += writeSync(fd, bytes, done, bytes.length - done, offset + done);
  }
}
