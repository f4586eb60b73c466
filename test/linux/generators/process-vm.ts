import type { Rng } from '../rng.js';
import type { Scenario } from '../scenario.js';
import { hex, PAGE, type Arg } from '../step.js';
import { addressNear, byteCount, nowhere, type Area } from './addresses.js';
import { bufferIn, peekBuffer, source, type Zone } from './zone.js';

/** Who copies, from or to whom, where something lies, and where buffers may lie. */
export interface RemoteCopy {
  readonly task: string;
  /** The value bound to this is the pid. */
  readonly pid: Arg;
  readonly areas: readonly Area[];
  readonly zone: Zone;
}

/** One random process_vm_readv or process_vm_writev. */
export function remoteCopy(s: Scenario, c: RemoteCopy): void {
  const { rng } = s;
  const reads = rng.chance(0.55);
  const total = byteCount(rng);
  const local = localSegments(rng, c.zone, reads, total);
  const remote = remoteSegments(rng, c.areas, total);
  const [localCount, remoteCount] = [count(rng, local.length), count(rng, remote.length)];
  const flags = rng.chance(0.03) ? rng.pick([1, -1, '0x100000000']) : 0;
  const iovs: Arg[] = [{ iov: local }, localCount, iovOrBad(rng, c.zone, remote), remoteCount];
  s.call(c.task, reads ? 'process_vm_readv' : 'process_vm_writev', [c.pid, ...iovs, flags]);
  const first = local[0]?.[0];
  if (reads && typeof first === 'string') peekBuffer(s, c.task, first, Math.min(total, 600));
}

function count(rng: Rng, length: number): Arg {
  return rng.chance(0.03) ? rng.pick([0, -1, 1025, '0x7fffffff', '0xffffffff00000000']) : length;
}

function iovOrBad(rng: Rng, zone: Zone, segments: readonly [Arg, Arg][]): Arg {
  return rng.chance(0.02) ? bufferIn(rng, zone, 16 * segments.length) : { iov: segments };
}

function localSegments(rng: Rng, zone: Zone, reads: boolean, total: number): [Arg, Arg][] {
  return split(rng, total).map((length) => {
    if (length > 600 || rng.chance(0.4))
      return [bufferIn(rng, zone, length), lengthOrAbsurd(rng, length)];
    return [reads ? { out: length } : source(rng, length), length];
  });
}

function remoteSegments(rng: Rng, areas: readonly Area[], total: number): [Arg, Arg][] {
  return split(rng, total).map((length) => {
    const address = rng.chance(0.04) ? nowhere(rng) : hex(addressNear(rng, areas));
    return [address, lengthOrAbsurd(rng, length)];
  });
}

function lengthOrAbsurd(rng: Rng, length: number): Arg {
  if (!rng.chance(0.03)) return length;
  return rng.pick(['0x7ffff000', '0x8000000000000000', '0xffffffffffffffff', 5 * PAGE]);
}

/** `total` as the sum of a few lengths, at times with an empty one, a byte less or a byte more. */
function split(rng: Rng, total: number): number[] {
  const parts: number[] = [];
  let left = total;
  for (let n = rng.pick([1, 1, 1, 2, 3]); n > 1; n--) {
    const part = rng.int(left + 1);
    parts.push(part);
    left -= part;
  }
  parts.push(Math.max(0, left + rng.pick([0, 0, 0, 0, -1, 1, 50])));
  if (rng.chance(0.1)) parts.splice(rng.int(parts.length + 1), 0, 0);
  return parts;
}
