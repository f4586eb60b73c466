/** One line of /proc/PID/maps. */
export interface MapsLine {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
  /** `rwxp` or `rwxs`, with `-` where a permission is missing. */
  readonly perms: string;
  /** Byte offset in the file. */
  readonly offset: number;
  /** Path or `[stack]` and its like; empty for anonymous memory. */
  readonly path: string;
}

const LINE = /^([0-9a-f]{1,16})-([0-9a-f]{1,16}) ([r-][w-][x-][ps]) ([0-9a-f]+) \S+ \d+ *([^]*)$/;

/**
 * Reads the text of /proc/PID/maps; lines that are not in its format are passed over.
 *
 * @see fs/proc/task_mmu.c, show_map_vma()
 */
export function parseMaps(text: string): MapsLine[] {
  if (typeof text !== 'string') throw new TypeError('text: not a string');
  return text.split('\n').flatMap((line) => {
    const match = LINE.exec(line);
    if (match === null) return [];
    const [, start = '', end = '', perms = '', offset = '', path = ''] = match;
    const hex = (digits: string): number => Number.parseInt(digits, 16);
    return [{ start: hex(start), end: hex(end), perms, offset: hex(offset), path: nameOf(path) }];
  });
}

/** A path has its newlines back, which the kernel wrote as `\\012` (fs/seq_file.c, seq_path()). */
function nameOf(text: string): string {
  return text.startsWith('/') ? text.replaceAll('\\012', '\n') : text;
}

/** The line that holds `addr`; null where nothing is mapped. `lines` are in address order. */
export function findLine(lines: readonly MapsLine[], addr: number): MapsLine | null {
  let low = 0;
  let high = lines.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((lines[middle]?.end ?? 0) <= addr) low = middle + 1;
    else high = middle;
  }
  const line = lines[low];
  return line !== undefined && line.start <= addr ? line : null;
}
