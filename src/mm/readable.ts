import { FOLL_FORCE } from '../../assembly/abi/foll.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { pageFloor, TASK_SIZE, type U64 } from './address.js';
import type { Mm } from './mm.js';

/**
 * How memory would be read: by its own CPU, through /proc/PID/mem overriding protections, or by
 * process_vm_readv, which does not.
 */
export type ReadPath = 'cpu' | 'mem' | 'process_vm';

/** A stretch of addresses; `end` is exclusive. */
export interface AddressRange {
  readonly start: number;
  readonly end: number;
}

/** The end of user memory, for what lies beyond it. */
function clamp(addr: U64): number {
  return typeof addr === 'bigint' ? TASK_SIZE : Math.min(addr, TASK_SIZE);
}

/** The first page from a page on that can be read or, not `wanted`, cannot; or what `end` lies in. */
function edge(mm: Mm, addr: number, end: number, path: ReadPath, wanted: boolean): number {
  if (!mm.alive) return wanted ? end : addr;
  const flags = path === 'mem' ? FOLL_FORCE : 0;
  return mm.core.exports.readableEdge(mm.ptr, addr, end, path === 'cpu', flags, wanted);
}

/**
 * The parts of [start, end) that a read would get, in rising order, as whole as they can be. Nothing
 * changes by asking; what changes the memory in between is seen.
 */
export function* readableRanges(
  mm: Mm,
  start: U64,
  end: U64,
  path: ReadPath,
): Generator<AddressRange, void, void> {
  const first = clamp(start);
  const last = clamp(end);
  const stop = Math.min(TASK_SIZE, Math.ceil(last / PAGE_SIZE) * PAGE_SIZE);
  for (let at = pageFloor(first); at < stop && first < last;) {
    const from = edge(mm, at, stop, path, true);
    if (from >= stop) return;
    at = edge(mm, from, stop, path, false);
    yield { start: Math.max(from, first), end: Math.min(at, last) };
  }
}

/** Whether a read of `length` bytes at `addr` would get all of them. */
export function isReadable(mm: Mm, addr: U64, length: U64, path: ReadPath): boolean {
  if (length === 0) return true;
  if (typeof addr === 'bigint' || typeof length === 'bigint') return false;
  if (addr + length > TASK_SIZE) return false;
  const page = pageFloor(addr);
  const end = Math.ceil((addr + length) / PAGE_SIZE) * PAGE_SIZE;
  return edge(mm, page, end, path, false) >= end;
}
