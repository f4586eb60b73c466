import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { ARENA_END, ARENA_START, PAGE, type SmapsEntry } from './step.js';

/** The fields of /proc/PID/smaps that a trace compares, in kB. */
const SMAPS_FIELDS = [
  'Size',
  'Rss',
  'Pss',
  'Shared_Clean',
  'Shared_Dirty',
  'Private_Clean',
  'Private_Dirty',
  'Anonymous',
  'Locked',
];

/** Present, swap, file or shared, guard region, exclusively mapped: bits 63, 62, 61, 58 and 56. */
const PAGEMAP_MASK = 0xe5;

/** The mappings in the arena, one `start-end perms offset` each. */
export function readMaps(pid: bigint): string[] {
  return readFileSync(`/proc/${pid}/maps`, 'latin1')
    .split('\n')
    .filter(inArena)
    .map((line) => line.split(' ').slice(0, 3).join(' '));
}

/** The mappings in the arena with what the trace format names of their smaps. */
export function readSmaps(pid: bigint): SmapsEntry[] {
  const entries: Record<string, string | number>[] = [];
  let entry: Record<string, string | number> | null = null;
  for (const line of readFileSync(`/proc/${pid}/smaps`, 'latin1').split('\n')) {
    const [, name, text] = /^(\w+): +(.*?) *$/.exec(line) ?? [];
    if (name === undefined || text === undefined) {
      entry = inArena(line) ? { range: line.split(' ')[0]! } : null;
      if (entry !== null) entries.push(entry);
    } else if (entry !== null && name === 'VmFlags') {
      entry[name] = text
        .split(' ')
        .filter((flag) => flag !== 'sd')
        .join(' '); // no CONFIG_MEM_SOFT_DIRTY
    } else if (entry !== null && SMAPS_FIELDS.includes(name)) {
      entry[name] = Number.parseInt(text, 10);
    }
  }
  return entries;
}

/** The masked top byte of `count` pagemap entries, as hex. */
export function readPagemap(pid: bigint, address: number, count: number): string {
  const fd = openSync(`/proc/${pid}/pagemap`, 'r');
  const entries = Buffer.alloc(8 * count);
  try {
    readSync(fd, entries, 0, entries.length, Math.floor(address / PAGE) * 8);
  } finally {
    closeSync(fd);
  }
  let bits = '';
  for (let i = 7; i < entries.length; i += 8) {
    bits += (entries[i]! & PAGEMAP_MASK).toString(16).padStart(2, '0');
  }
  return bits;
}

function inArena(line: string): boolean {
  const start = Number.parseInt(line, 16);
  return /^[0-9a-f]+-/.test(line) && start >= ARENA_START && start < ARENA_END;
}
