// A core of 2 GiB that takes no room: one mapping whose bytes are a hole in the file, but for its last page.
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';

import { buildCore, prstatus } from '../elf/core-builder.js';

const GIB = 1024 * 1024 * 1024;
/** Where the mapping starts, and how long it is. */
export const LARGE_START = 0x7000_0000_0000;
export const LARGE_SIZE = 2 * GIB;
/** What stands at the start of its last page. */
export const LARGE_MARK = 'the last page of two gibibytes';

/** Writes the core. */
export function writeLargeCore(path: string): void {
  const core = buildCore({
    loads: [{ vaddr: BigInt(LARGE_START), flags: 6, bytes: new Uint8Array(4096) }],
    notes: [prstatus(1234, 11)],
  });
  const view = new DataView(core.buffer, core.byteOffset);
  const headers = Number(view.getBigUint64(32, true));
  const count = view.getUint16(56, true);
  let offset = 0;
  for (let at = headers; at < headers + count * 56; at += 56) {
    if (view.getUint32(at, true) !== 1) continue; // PT_LOAD
    offset = Number(view.getBigUint64(at + 8, true));
    view.setBigUint64(at + 32, BigInt(LARGE_SIZE), true);
    view.setBigUint64(at + 40, BigInt(LARGE_SIZE), true);
  }
  const fd = openSync(path, 'w');
  writeSync(fd, core);
  ftruncateSync(fd, offset + LARGE_SIZE);
  writeSync(
    fd,
    new TextEncoder().encode(LARGE_MARK),
    0,
    LARGE_MARK.length,
    offset + LARGE_SIZE - 4096,
  );
  closeSync(fd);
}
