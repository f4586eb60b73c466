import * as abi from '../abi.js';
import type { Scenario } from '../scenario.js';
import { hex, PAGE, type Arg } from '../step.js';
import type { Generator } from './generator.js';

/** One long mapping, every other page of which becomes a mapping of its own. */
const CROWD = 0x100000000000;
/** Where calls are tried once there is no room for another mapping. */
const HERE = 0x110000000000;
/** struct iovec entries that a call may have. */
const MOST = 1024;
/** vm.max_map_count, of which the first splits leave some to what else a task has mapped. */
const LIMIT = 65530;
const BEFORE = 31;
const SPLITTING = [abi.MADV_DONTDUMP, abi.MADV_SEQUENTIAL, abi.MADV_DONTFORK];

/**
 * vm.max_map_count: a task with as many mappings as it may have, which process_madvise splits by the thousand, and the
 * calls that need another one, or one less.
 */
export const crowd: Generator = {
  name: 'crowd',
  tasks: ['A'],
  run(s, steps) {
    s.bind('self', 'A', 'pidfd_open', [{ ref: 'A.pid' }, 0]);
    map(s, CROWD, LIMIT + 3000, 3);
    for (let n = 0; n < 40; n++) map(s, HERE + n * 8 * PAGE, 5, 3);
    const advice = s.rng.pick(SPLITTING);
    for (let call = 0; call < BEFORE; call++) split(s, call * MOST, MOST, advice);
    fill(s, BEFORE * MOST, advice);
    while (s.steps.length < steps) act(s, advice);
  },
};

function map(s: Scenario, start: number, pages: number, prot: number): void {
  const flags = abi.MAP_PRIVATE | abi.MAP_ANONYMOUS | abi.MAP_FIXED | abi.MAP_NORESERVE;
  s.call('A', 'mmap', [hex(start), pages * PAGE, prot, flags, -1, 0]);
}

function segmentsOf(first: number, count: number): [Arg, Arg][] {
  return Array.from({ length: count }, (_, i) => [hex(CROWD + (2 * (first + i) + 1) * PAGE), PAGE]);
}

function split(s: Scenario, first: number, count: number, advice: number): void {
  s.call('A', 'process_madvise', [
    { ref: 'self' },
    { iov: segmentsOf(first, count) },
    count,
    advice,
    0,
  ]);
}

/** The rest, which ends where what else the task has mapped makes it end. */
function fill(s: Scenario, first: number, advice: number): void {
  const rest = { iov: segmentsOf(first, MOST) };
  s.bind('rest', 'A', 'process_madvise', [{ ref: 'self' }, rest, MOST, advice, 0]);
  for (let n = 0; n < 3; n++) {
    const at = HERE + 0x1000000 + n * 2 * PAGE;
    s.bind(`last${n}`, 'A', 'mmap', [hex(at), PAGE, 1, 0x32, -1, 0]);
  }
}

function act(s: Scenario, advice: number): void {
  const { rng } = s;
  const slot = HERE + rng.int(40) * 8 * PAGE;
  const page = slot + PAGE * rng.int(5);
  const crowded = CROWD + PAGE * rng.int(2 * BEFORE * MOST);
  rng.weighted<() => void>([
    [3, () => s.call('A', 'mprotect', [hex(page), PAGE, rng.pick([0, 1, 3])])],
    [3, () => s.call('A', 'munmap', [hex(page), PAGE * rng.pick([1, 1, 2])])],
    [1, () => s.call('A', 'munmap', [hex(slot), 5 * PAGE])],
    [3, () => s.call('A', 'madvise', [hex(page), PAGE, rng.pick([advice, 4, 0, 17])])],
    [2, () => map(s, page, rng.between(1, 2), rng.pick([1, 3, 3]))],
    [1, () => map(s, crowded, rng.between(1, 3), rng.pick([0, 3]))],
    [2, () => s.call('A', 'madvise', [hex(crowded), PAGE, rng.pick([advice, 17, 0])])],
    [1, () => s.call('A', 'munmap', [hex(crowded), PAGE * rng.between(1, 3)])],
    [2, () => s.call('A', rng.pick(['mlock', 'munlock']), [hex(page), PAGE])],
    [2, () => move(s, page)],
    [2, () => s.poke('A', page, rng.hexBytes(1))],
  ])();
}

function move(s: Scenario, page: number): void {
  const { rng } = s;
  const to = HERE + rng.int(40) * 8 * PAGE;
  s.call('A', 'mremap', [hex(page), PAGE, PAGE * rng.between(1, 2), rng.pick([0, 3, 7]), hex(to)]);
}
