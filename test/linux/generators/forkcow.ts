import {
  MADV_DODUMP,
  MADV_DOFORK,
  MADV_DONTFORK,
  MADV_DONTNEED,
  MADV_KEEPONFORK,
  MADV_WIPEONFORK,
  O_RDWR,
} from '../abi.js';
import type { Scenario } from '../scenario.js';
import { hex, PAGE } from '../step.js';
import { addressNear, type Area } from './addresses.js';
import { makeFile, makeMemfd, resize, type Backing } from './backing.js';
import type { Generator } from './generator.js';
import { mapArea, mapLayout, protectSome } from './layout.js';
import { memPaths, openMem } from './memfiles.js';
import { remoteCopy } from './process-vm.js';
import { transfer } from './transfers.js';
import { mapZone, type Zone } from './zone.js';

const WINDOW = 0x100000000000;
const ZONE = 0x180000000000;
const WNOHANG = 1;
const ADVICE = [
  MADV_DONTNEED,
  MADV_DONTNEED,
  MADV_DONTFORK,
  MADV_DOFORK,
  MADV_WIPEONFORK,
  MADV_KEEPONFORK,
  MADV_DODUMP,
];
/** Executor slots, less a few. */
const MAX_FORKS = 26;

interface Family {
  readonly living: string[];
  readonly dead: { readonly name: string; readonly parent: string; reaped: boolean }[];
  readonly parents: Map<string, string>;
  /** Open mem files by the task that has them. */
  readonly files: Map<string, { readonly fd: string; readonly of: string }[]>;
  readonly areas: Area[];
  readonly backings: readonly Backing[];
  readonly zone: Zone;
  forks: number;
}

/** Forks, with stores, mem files and process_vm calls between the relatives. */
export const forkcow: Generator = {
  name: 'forkcow',
  tasks: ['A'],
  run(s, steps) {
    const backings = [makeMemfd(s, 'A'), ...makeFile(s, 'A')];
    const zone = mapZone(s, 'A', ZONE);
    const areas = mapLayout(s, 'A', WINDOW, s.rng.between(6, 12), backings);
    const family: Family = {
      living: ['A'],
      dead: [],
      parents: new Map(),
      files: new Map([['A', []]]),
      areas,
      backings,
      zone,
      forks: 0,
    };
    while (s.steps.length < steps) act(s, family);
    for (const task of family.living) s.maps(task);
  },
};

function act(s: Scenario, f: Family): void {
  const task = s.rng.pick(f.living);
  const wanted = f.living.length < 4 ? 2 : 0.3;
  s.rng.weighted<() => void>([
    [25, () => s.poke(task, addressNear(s.rng, f.areas), s.rng.hexBytes(s.rng.between(1, 5)))],
    [30, () => s.peek(task, addressNear(s.rng, f.areas), s.rng.pick([1, 1, 4, 8]))],
    [20, () => useMem(s, f, task)],
    [20, () => copyRemotely(s, f, task)],
    [4, () => change(s, f, task)],
    [s.rng.chance(wanted) ? 4 : 0, () => fork(s, f, task)],
    [f.living.length > 1 ? 1 : 0, () => die(s, f)],
    [f.dead.length > 0 ? 2 : 0, () => reap(s, f)],
  ])();
}

function fork(s: Scenario, f: Family, parent: string): void {
  if (f.forks === MAX_FORKS) return;
  const child = `C${++f.forks}`;
  if (!s.fork(parent, child)) return;
  f.living.push(child);
  f.parents.set(child, parent);
  f.files.set(child, [...(f.files.get(parent) ?? [])]);
}

/** Reads or writes another's memory, through a file of one's own or an inherited one. */
function useMem(s: Scenario, f: Family, task: string): void {
  const files = f.files.get(task)!;
  if (files.length < 3 || s.rng.chance(0.1)) {
    const of = s.rng.pick(f.living);
    files.push({ fd: openMem(s, task, s.rng.pick(memPaths(task, of)), O_RDWR), of });
  }
  const { fd } = s.rng.pick(files);
  transfer(s, { task, fds: [fd], areas: f.areas, zone: f.zone });
}

function copyRemotely(s: Scenario, f: Family, task: string): void {
  const others = [...f.living, ...f.dead.filter(({ reaped }) => !reaped).map(({ name }) => name)];
  const pid = { ref: `${s.rng.pick(others)}.pid` };
  remoteCopy(s, { task, pid, areas: f.areas, zone: f.zone });
}

/** Changes one relative's mappings, or a file they share. */
function change(s: Scenario, f: Family, task: string): void {
  const { rng } = s;
  const area = rng.pick(f.areas);
  const pages = (area.end - area.start) / PAGE;
  const page = hex(area.start + PAGE * rng.int(pages));
  rng.weighted<() => void>([
    [4, () => protectSome(s, task, area)],
    [4, () => s.call(task, 'madvise', [hex(area.start), pages * PAGE, rng.pick(ADVICE)])],
    [2, () => s.call(task, 'madvise', [page, PAGE, rng.pick(ADVICE)])],
    [1, () => s.call(task, 'munmap', [page, PAGE])],
    [2, () => mapArea(s, task, area.start, pages, f.backings)],
    [1, () => resize(s, task, rng.pick(f.backings))],
    [1, () => s.maps(task)],
  ])();
}

/** Someone other than A exits; its children, if any, become init's. */
function die(s: Scenario, f: Family): void {
  const name = s.rng.pick(f.living.slice(1));
  f.living.splice(f.living.indexOf(name), 1);
  s.exit(name, s.rng.int(256));
  const parent = f.parents.get(name)!;
  f.dead.push({ name, parent, reaped: !f.living.includes(parent) });
  for (const entry of f.dead) if (entry.parent === name) entry.reaped = true;
}

function reap(s: Scenario, f: Family): void {
  const { name, parent, reaped } = s.rng.pick(f.dead);
  if (!f.living.includes(parent) || reaped) return;
  const waited = s.bind(s.fresh('wait'), parent, 'wait4', [
    { ref: `${name}.pid` },
    { out: 4 },
    WNOHANG,
    0,
  ]);
  const entry = f.dead.find((dead) => dead.name === name)!;
  if (waited.ok) entry.reaped = true;
}
