import { PAGE_SIZE } from '../../assembly/abi/page.js';
import type { TaskStruct } from '../kernel/task.js';
import { HostBuffer } from '../mm/user.js';
import { sysClose } from '../vfs/fcntl.js';
import { AT_FDCWD, O_RDONLY } from '../vfs/flags.js';
import { openat } from '../vfs/open.js';
import { ksysPread64, ksysRead } from '../vfs/read-write.js';
import type { SmapsEntry } from './trace.js';

/** The only range that steps look at: [ARENA_START, ARENA_END). */
const ARENA_START = 0x100000000000;
const ARENA_END = 0x200000000000;

/** Present, swap, file or shared, guard region, exclusive: bits 63, 62, 61, 58 and 56. */
const PAGEMAP_MASK = 0xe5;
const CHUNK = 65536;

/** The mappings in the arena as `start-end perms offset`, from /proc/PID/maps. */
export function observeMaps(observer: TaskStruct, pid: number): string[] {
  return readText(observer, `/proc/${pid}/maps`)
    .split('\n')
    .filter(inArena)
    .map((line) => line.split(' ', 3).join(' '));
}

/** The mappings in the arena with every field of /proc/PID/smaps; numbers in kB. */
export function observeSmaps(observer: TaskStruct, pid: number): SmapsEntry[] {
  const entries: Record<string, string | number>[] = [];
  let entry: Record<string, string | number> = {};
  for (const line of readText(observer, `/proc/${pid}/smaps`).split('\n')) {
    const field = /^(\w+): +(.*?) *$/.exec(line);
    if (field === null) {
      entry = { range: line.split(' ')[0]! };
      if (inArena(line)) entries.push(entry);
    } else {
      const [, name, value] = field;
      entry[name!] = name === 'VmFlags' ? withoutSoftDirty(value!) : Number.parseInt(value!, 10);
    }
  }
  return entries;
}

/** The masked top bytes of `count` entries of /proc/PID/pagemap, as hex; 00 where there is none. */
export function observePagemap(
  observer: TaskStruct,
  pid: number,
  addr: bigint,
  count: number,
): string {
  const entries = new Uint8Array(8 * count);
  withFile(observer, `/proc/${pid}/pagemap`, (fd) => {
    const pos = Number(addr / BigInt(PAGE_SIZE)) * 8;
    ksysPread64(observer, fd, new HostBuffer(entries), pos);
  });
  let bits = '';
  for (let i = 7; i < entries.length; i += 8) {
    bits += (entries[i]! & PAGEMAP_MASK).toString(16).padStart(2, '0');
  }
  return bits;
}

/** A kernel without soft-dirty tracking shows the flag on every mapping. */
function withoutSoftDirty(flags: string): string {
  return flags
    .split(' ')
    .filter((flag) => flag !== 'sd')
    .join(' ');
}

function inArena(line: string): boolean {
  const start = Number.parseInt(line, 16);
  return start >= ARENA_START && start < ARENA_END;
}

function readText(observer: TaskStruct, path: string): string {
  const decoder = new TextDecoder();
  let text = '';
  withFile(observer, path, (fd) => {
    const chunk = new Uint8Array(CHUNK);
    let count = ksysRead(observer, fd, new HostBuffer(chunk));
    while (count > 0) {
      text += decoder.decode(chunk.subarray(0, count), { stream: true });
      count = ksysRead(observer, fd, new HostBuffer(chunk));
    }
  });
  return text;
}

function withFile(observer: TaskStruct, path: string, use: (fd: number) => void): void {
  const fd = openat(observer, AT_FDCWD, path, O_RDONLY, 0);
  try {
    use(fd);
  } finally {
    sysClose(observer, fd);
  }
}
