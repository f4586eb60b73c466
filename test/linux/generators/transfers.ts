import { SEEK_CUR, SEEK_SET } from '../abi.js';
import type { Rng } from '../rng.js';
import type { Scenario } from '../scenario.js';
import type { Arg } from '../step.js';
import { absurdCount, byteCount, memOffset, type Area } from './addresses.js';
import { bufferIn, peekBuffer, source, type Zone } from './zone.js';

/** What a task transfers with: open mem files, places worth trying, and room for buffers. */
export interface Transfers {
  readonly task: string;
  /** Names of bound descriptors. */
  readonly fds: readonly string[];
  /** What lies in the memory that the descriptors are of. */
  readonly areas: readonly Area[];
  readonly zone: Zone;
}

/** Longest {"out":N}: its bytes stand in the trace. */
const MAX_OUT = 4097;
const RWF_FLAGS = [1, 1, 2, 4, 8, 0x10, 0x20, 0x40, 0x80, 0x100, 0x1000, 0x80000000, 3, 0x18];

type Direction = 'read' | 'write';

/** One random read or write through a mem file, by any of the calls. */
export function transfer(s: Scenario, t: Transfers): void {
  s.rng.weighted<(s: Scenario, t: Transfers) => void>([
    [5, positional],
    [4, plain],
    [3, vectored],
    [2, vectoredAt],
    [2, withFlags],
  ])(s, t);
}

function direction(rng: Rng): Direction {
  return rng.chance(0.6) ? 'read' : 'write';
}

/** pread64 or pwrite64. */
function positional(s: Scenario, t: Transfers): void {
  const way = direction(s.rng);
  const offset = memOffset(s.rng, t.areas);
  once(s, t, way, (buffer, count) => {
    const call = way === 'read' ? 'pread64' : 'pwrite64';
    s.call(t.task, call, [{ ref: s.rng.pick(t.fds) }, buffer, count, offset]);
  });
}

/** read or write at the position, after setting it mostly. */
function plain(s: Scenario, t: Transfers): void {
  const way = direction(s.rng);
  const fd = { ref: s.rng.pick(t.fds) };
  seekSomewhere(s, t, fd);
  once(s, t, way, (buffer, count) => s.call(t.task, way, [fd, buffer, count]));
  if (s.rng.chance(0.6)) s.call(t.task, 'lseek', [fd, 0, SEEK_CUR]);
}

/** readv or writev. */
function vectored(s: Scenario, t: Transfers): void {
  const way = direction(s.rng);
  const fd = { ref: s.rng.pick(t.fds) };
  seekSomewhere(s, t, fd);
  const [iov, count] = segments(s, t, way);
  s.call(t.task, `${way}v`, [fd, iov, count]);
  if (s.rng.chance(0.7)) s.call(t.task, 'lseek', [fd, 0, SEEK_CUR]);
}

/** preadv or pwritev. */
function vectoredAt(s: Scenario, t: Transfers): void {
  const way = direction(s.rng);
  const [iov, count] = segments(s, t, way);
  const fd = { ref: s.rng.pick(t.fds) };
  const high = s.rng.chance(0.1) ? s.rng.pick([1, -1, '0x8000000000000000']) : 0;
  s.call(t.task, `p${way}v`, [fd, iov, count, memOffset(s.rng, t.areas), high]);
}

/** preadv2 or pwritev2, with flags and with the file's own position. */
function withFlags(s: Scenario, t: Transfers): void {
  const way = direction(s.rng);
  const fd = { ref: s.rng.pick(t.fds) };
  const own = s.rng.chance(0.4);
  if (own) seekSomewhere(s, t, fd);
  const [iov, count] = segments(s, t, way);
  const offset = own ? -1 : memOffset(s.rng, t.areas);
  const flags = s.rng.chance(0.5) ? 0 : s.rng.pick(RWF_FLAGS);
  s.call(t.task, `p${way}v2`, [fd, iov, count, offset, 0, flags]);
  if (own) s.call(t.task, 'lseek', [fd, 0, SEEK_CUR]);
}

function seekSomewhere(s: Scenario, t: Transfers, fd: Arg): void {
  if (s.rng.chance(0.85)) s.call(t.task, 'lseek', [fd, memOffset(s.rng, t.areas), SEEK_SET]);
}

/** Runs a call of one buffer, and looks at the buffer when it lies in the arena. */
function once(
  s: Scenario,
  t: Transfers,
  way: Direction,
  run: (buffer: Arg, count: Arg) => void,
): void {
  const length = byteCount(s.rng);
  if (length <= MAX_OUT && s.rng.chance(0.6)) {
    run(way === 'read' ? { out: length } : source(s.rng, length), length);
    return;
  }
  const address = bufferIn(s.rng, t.zone, length);
  const count = s.rng.chance(0.06) ? absurdCount(s.rng) : length;
  run(address, count);
  if (way === 'read') peekBuffer(s, t.task, address, length);
}

/** An iovec array and its count, at times a wrong one. */
function segments(s: Scenario, t: Transfers, way: Direction): [Arg, Arg] {
  const { rng } = s;
  const segments: [Arg, Arg][] = [];
  for (
    let n = rng.weighted([
      [1, 0],
      [3, 1],
      [4, 2],
      [3, 3],
      [2, 5],
    ] as const);
    n > 0;
    n--
  ) {
    const length = rng.chance(0.15) ? 0 : Math.min(byteCount(rng), 9000);
    const inScratch = length <= 300 && rng.chance(0.6);
    if (!inScratch)
      segments.push([bufferIn(rng, t.zone, length), rng.chance(0.04) ? absurdCount(rng) : length]);
    else segments.push([way === 'read' ? { out: length } : source(rng, length), length]);
  }
  const count = rng.chance(0.05) ? rng.pick([-1, 0, 1025, '0x7fffffff']) : segments.length;
  if (rng.chance(0.03)) return [bufferIn(rng, t.zone, 16 * segments.length), segments.length];
  return [{ iov: segments }, count];
}
