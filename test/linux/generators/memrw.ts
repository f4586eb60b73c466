import type { Scenario } from '../scenario.js';
import { hex, PAGE } from '../step.js';
import { addressNear, type Area } from './addresses.js';
import { makeFile, makeMemfd, makeSealedMemfd, resize, type Backing } from './backing.js';
import type { Generator } from './generator.js';
import { mapArea, mapLayout, protectSome } from './layout.js';
import { openMemFiles } from './memfiles.js';
import { transfer, type Transfers } from './transfers.js';
import { mapZone } from './zone.js';

const WINDOW = 0x100000000000;
const ZONES = 0x180000000000;

/** A task whose memory is read and written, and what lies in it. */
interface Target {
  readonly task: string;
  readonly areas: Area[];
  readonly files: readonly Backing[];
}

/** Reads, writes and seeks of /proc/PID/mem over random layouts that change meanwhile. */
export const memrw: Generator = {
  name: 'memrw',
  tasks: ['A', 'B'],
  run(s, steps) {
    const zones = { A: mapZone(s, 'A', ZONES), B: mapZone(s, 'B', ZONES + 0x100000) };
    for (let round = 0; s.steps.length < steps; round++) {
      const target = makeTarget(s, s.rng.pick(['A', 'B', 'B']), WINDOW + round * 0x10000000);
      const actor = s.rng.pick(['A', 'A', 'B'] as const);
      const fds = openMemFiles(s, actor, target.task, s.rng.between(2, 6));
      playRound(s, target, { task: actor, fds, areas: target.areas, zone: zones[actor] }, steps);
      for (const fd of new Set(fds)) s.call(actor, 'close', [{ ref: fd }]);
    }
  },
};

function makeTarget(s: Scenario, task: string, start: number): Target {
  const files = [makeMemfd(s, task), makeSealedMemfd(s, task), ...makeFile(s, task)];
  const areas = mapLayout(s, task, start, s.rng.between(5, 10), files);
  return { task, areas, files };
}

function playRound(s: Scenario, target: Target, transfers: Transfers, steps: number): void {
  for (let left = s.rng.between(60, 140); left > 0 && s.steps.length < steps; left--) {
    s.rng.weighted<() => void>([
      [10, () => transfer(s, transfers)],
      [3, () => look(s, target)],
      [1, () => store(s, target)],
      [1, () => change(s, target)],
    ])();
  }
  s.maps(target.task);
}

/** The target's own CPU looks at what the transfers left. */
function look(s: Scenario, { task, areas }: Target): void {
  s.peek(task, addressNear(s.rng, areas), s.rng.pick([1, 1, 2, 8, 16]));
}

function store(s: Scenario, { task, areas }: Target): void {
  s.poke(task, addressNear(s.rng, areas), s.rng.hexBytes(s.rng.between(1, 8)));
}

/** The target changes its mappings, or the files below them. */
function change(s: Scenario, { task, areas, files }: Target): void {
  const index = s.rng.int(areas.length);
  const area = areas[index]!;
  const file = s.rng.pick(files);
  s.rng.weighted<() => void>([
    [4, () => protectSome(s, task, area)],
    [2, () => s.call(task, 'munmap', [hex(area.start), PAGE])],
    [2, () => (areas[index] = mapArea(s, task, area.start, (area.end - area.start) / PAGE, files))],
    [3, () => resize(s, task, file)],
    [
      2,
      () =>
        s.call(task, 'pwrite64', [{ ref: file.fd }, { in: s.rng.hexBytes(5) }, 5, s.rng.int(9000)]),
    ],
    [2, () => s.call(task, 'pread64', [{ ref: file.fd }, { out: 40 }, 40, s.rng.int(9000)])],
  ])();
}
