import { ProcError } from './error.js';

/** One mapping of a process of this computer. */
export interface HostMapping {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
  /** `rwxp`, with `s` at the end where it is shared. */
  readonly perms: string;
  /** Byte offset in the file. */
  readonly offset: number;
  /** 0 for memory that is in no file. */
  readonly inode: number;
  /** The path, or a name in brackets, or nothing; one character a byte. */
  readonly name: string;
}

/** User space of x86-64 ends here; what is above is the vsyscall page, which is in no tables. */
const USER_END = 2 ** 47;
const PAGE = 4096;
const NEWLINE = 10;
/** Longest line read: a path has at most 4096 bytes, and a newline in it takes four. */
const MAX_LINE = 4 * 4096 + 128;

const LINE =
  /^([0-9a-f]{1,16})-([0-9a-f]{1,16}) ([r-][w-][x-][ps]) ([0-9a-f]{1,16}) [0-9a-f]{2,}:[0-9a-f]{2,} (\d{1,20})(?: +(.*))?$/s;

/**
 * Reads /proc/PID/maps. Newlines in paths come as \012, which a path may have had itself: nobody can tell.
 *
 * @param file its path, for errors
 * @throws {ProcError} a line that the kernel does not write, mappings out of order or over each other
 * @see fs/proc/task_mmu.c, show_map_vma()
 */
export function parseHostMaps(file: string, bytes: Uint8Array): HostMapping[] {
  const mappings: HostMapping[] = [];
  let previous = 0;
  for (let at = 0; at < bytes.length;) {
    const newline = bytes.indexOf(NEWLINE, at);
    if (newline < 0) throw new ProcError(file, at, 'the last line does not end');
    if (newline - at > MAX_LINE) throw new ProcError(file, at, `a line of ${newline - at} bytes`);
    const mapping = parseLine(file, at, latin1(bytes.subarray(at, newline)));
    if (mapping !== null) {
      if (mapping.start < previous) {
        throw new ProcError(file, at, `mappings overlap at 0x${mapping.start.toString(16)}`);
      }
      previous = mapping.end;
      mappings.push(mapping);
    }
    at = newline + 1;
  }
  return mappings;
}

/** Null for what lies in the kernel's half. */
function parseLine(file: string, at: number, line: string): HostMapping | null {
  const [, from, to, perms = '', pgoff, inode, name = ''] = LINE.exec(line) ?? [];
  if (from === undefined || to === undefined || pgoff === undefined) {
    throw new ProcError(file, at, `not a line of maps: ${JSON.stringify(line.slice(0, 60))}`);
  }
  const start = parseInt(from, 16);
  const end = parseInt(to, 16);
  const offset = parseInt(pgoff, 16);
  if (start >= 2 ** 63) return null;
  if (end <= start || end > USER_END || start % PAGE !== 0 || end % PAGE !== 0) {
    throw new ProcError(file, at, `0x${from}-0x${to} is no range of a process`);
  }
  if (offset % PAGE !== 0 || !Number.isSafeInteger(offset)) {
    throw new ProcError(file, at, `0x${pgoff} is no offset of a mapped file`);
  }
  const path = name.startsWith('/') ? name.replaceAll('\\012', '\n') : name;
  return { start, end, perms, offset, inode: Number(inode), name: path };
}

/** One character a byte. */
function latin1(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

/** Whether a mapping's name is that of a file. */
export function isHostFile({ name }: HostMapping): boolean {
  return name.startsWith('/') && !isSharedMemory(name);
}

/** Memory that is in no directory: shared anonymous memory, memfds, SYSV segments. */
function isSharedMemory(name: string): boolean {
  return /^\/(?:dev\/zero|memfd:.*|SYSV[0-9a-f]{8}) \(deleted\)$/s.test(name);
}
