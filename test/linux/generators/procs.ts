import * as abi from '../abi.js';
import type { Scenario } from '../scenario.js';
import { hex, PAGE, type Arg } from '../step.js';
import { becomeUser } from './credentials.js';
import type { Generator } from './generator.js';
import { FILE_PAGE, mapPlaces, PLACES_FD, SINK } from './places.js';
import { becomeNamespaceRoot } from './user-namespaces.js';
import { rlimit } from './window.js';

const MAX_CHILDREN = 26;
const LIVING = 3;
/** A line of /proc/PID/limits, and those whose limits a trace's header tells. */
const LIMITS_LINE = 80;
const LIMITS_KNOWN = [0, 3, 4, 8, 9, 10];

/** Files whose whole text is the same in every run, and what may be written to those that take it. */
const TEXTS: readonly (readonly [name: string, texts: readonly string[]])[] = [
  ['comm', ['name', 'a name that is too long', '', 'x\n', 'a\nb']],
  ['oom_score_adj', ['0', '500', '1000', '1001', '-1', '-1000', '-1001', '12x', '', '500\n', ' 7']],
  ['oom_adj', ['0', '15', '-16', '-18', '16', 'x']],
  ['coredump_filter', ['0', '0x7f', '33', '1ff', '-1', 'x', '', '0x1ff\n', '99999999999']],
  ['personality', []],
  ['uid_map', ['0 0 1']],
  ['gid_map', ['0 0 1']],
  ['projid_map', ['0 0 1', '']],
  ['setgroups', ['deny', 'allow', 'x']],
  ['loginuid', []],
  ['clear_refs', ['1', '2', '3', '4', '5', '0', '6', '1\n', 'x', '', '99999999999', '+1', '0x1']],
  ['timerslack_ns', []],
  ['wchan', []],
  ['environ', []],
];
const ABOUT_ONESELF = ['wchan', 'timerslack_ns', 'loginuid'];
/** Never written: they are the machine's. */
const SYSCTLS = [
  'vm/overcommit_memory',
  'vm/max_map_count',
  'fs/suid_dumpable',
  'vm/mmap_min_addr',
];

/** Texts below /proc: read in pieces, from the middle, past the end; written whole, in parts, wrongly. */
export const procs: Generator = {
  name: 'procs',
  tasks: ['A', 'B'],
  run(s, steps) {
    for (const task of ['A', 'B']) mapPlaces(s, task);
    const living: string[] = [];
    for (let born = 0; s.steps.length < steps;) {
      if (living.length < LIVING && born < MAX_CHILDREN) living.push(bear(s, `C${++born}`));
      else if (born < MAX_CHILDREN && s.rng.chance(0.03)) s.exit(living.shift()!, 0);
      act(s, living);
    }
  },
};

function bear(s: Scenario, name: string): string {
  s.fork('A', name);
  s.rng.weighted<() => void>([
    [3, () => {}],
    [2, () => becomeUser(s, name)],
    [1, () => becomeNamespaceRoot(s, name, 0, 0)],
  ])();
  return name;
}

function act(s: Scenario, living: readonly string[]): void {
  const { rng } = s;
  const actor = rng.chance(0.15) ? 'A' : rng.pick(living);
  const target = rng.chance(0.5) ? actor : rng.pick(living);
  rng.weighted<() => void>([
    [10, () => useText(s, actor, target)],
    [3, () => readLimits(s, actor, target)],
    [2, () => readInfo(s, actor)],
    [2, () => readStatus(s, actor)],
    [2, () => readLinks(s, actor, target)],
    [1, () => readSysctl(s, actor)],
    [1, () => s.call(actor, 'prctl', [abi.PR_SET_NAME, { str: s.fresh('n') }, 0, 0, 0])],
    [1, () => s.call(actor, 'personality', [rng.pick([0, 0x40000, 0x8000000])])],
  ])();
}

function open(s: Scenario, actor: string, path: string, flags: number): Arg | null {
  const fd = s.fresh('fd');
  const args: Arg[] = [abi.AT_FDCWD, { str: path }, flags];
  return s.bind(fd, actor, 'openat', args).ok ? { ref: fd } : null;
}

/** In wchan, timerslack_ns and loginuid only what a task finds about itself is compared. */
function useText(s: Scenario, actor: string, target: string): void {
  const { rng } = s;
  const [name, texts] = rng.pick(TEXTS);
  const of = ABOUT_ONESELF.includes(name) ? actor : target;
  const path = `/proc/\${${of}.pid}/${name}`;
  const writes = texts.length > 0 && rng.chance(0.5);
  const file = open(s, actor, path, writes ? rng.pick([1, 2]) : 0);
  if (file === null) return;
  if (writes) write(s, actor, file, rng.pick(texts));
  if (name !== 'environ') for (let n = rng.between(1, 3); n > 0; n--) read(s, actor, file);
  else s.call(actor, 'lseek', [file, rng.pick([0, 1, -1]), rng.int(6)]);
  s.call(actor, 'close', [file]);
}

function write(s: Scenario, actor: string, file: Arg, text: string): void {
  const { rng } = s;
  const bytes = { in: Buffer.from(text).toString('hex') };
  const count = rng.chance(0.1) ? Math.max(0, text.length - 1) : text.length;
  if (rng.chance(0.8)) s.call(actor, 'write', [file, bytes, count]);
  else s.call(actor, 'pwrite64', [file, bytes, count, rng.pick([0, 1])]);
}

function read(s: Scenario, actor: string, file: Arg): void {
  const { rng } = s;
  const count = rng.pick([100, 100, 100, 1, 3, 0]);
  rng.weighted<() => void>([
    [4, () => s.call(actor, 'read', [file, { out: count }, count])],
    [3, () => s.call(actor, 'pread64', [file, { out: count }, count, rng.pick([0, 0, 1, 2, 500])])],
    [1, () => s.call(actor, 'lseek', [file, rng.pick([0, 1, 5]), rng.pick([0, 1, 2, 3, 9])])],
    [1, () => s.call(actor, 'read', [file, rng.pick(['0x8', '0x800000000000']), 8])],
  ])();
}

function readLimits(s: Scenario, actor: string, target: string): void {
  const { rng } = s;
  const resource = rng.pick([2, 3, 7, 8, 9]);
  if (rng.chance(0.3)) {
    const soft = 4096 * rng.between(100, 256);
    const limits = { in: rlimit(soft, 8 << 20) };
    if (resource === 3 || resource === 8) s.call(actor, 'prlimit64', [0, resource, limits, 0]);
  }
  const file = open(s, actor, `/proc/\${${target}.pid}/limits`, abi.O_RDONLY);
  if (file === null) return;
  const line = rng.pick(LIMITS_KNOWN);
  s.call(actor, 'pread64', [file, { out: LIMITS_LINE }, LIMITS_LINE, LIMITS_LINE * line]);
  s.call(actor, 'close', [file]);
}

/** Position and flags of a descriptor: the rest of fdinfo depends on mounts and inodes. */
function readInfo(s: Scenario, actor: string): void {
  const { rng } = s;
  if (rng.chance(0.5)) s.call(actor, 'lseek', [{ ref: PLACES_FD }, rng.pick([0, 7, 4096]), 0]);
  const file = open(s, actor, `/proc/self/fdinfo/\${${PLACES_FD}}`, abi.O_RDONLY);
  if (file === null) return;
  s.call(actor, 'read', [file, { out: 20 }, 20]);
  s.call(actor, 'close', [file]);
}

/** The first three lines of one's own status. */
function readStatus(s: Scenario, actor: string): void {
  const { rng } = s;
  s.call(actor, 'prctl', [
    abi.PR_SET_NAME,
    { str: rng.pick(['plain', 'a b', 'x\ny', '\\']) },
    0,
    0,
    0,
  ]);
  if (rng.chance(0.3)) s.call(actor, 'umask', [rng.pick([0, 0o22, 0o77, 0o7777])]);
  const file = open(s, actor, '/proc/thread-self/status', abi.O_RDONLY);
  if (file === null) return;
  const length = 'Name:\tx\nUmask:\t0022\nState:\tR (running)'.length;
  s.call(actor, 'read', [file, { out: length }, length]);
  s.call(actor, 'close', [file]);
}

function readLinks(s: Scenario, actor: string, target: string): void {
  const { rng } = s;
  const range = `${FILE_PAGE.toString(16)}-${(FILE_PAGE + PAGE).toString(16)}`;
  const name = rng.pick([
    `map_files/${range}`,
    `map_files/${range.toUpperCase()}`,
    `map_files/0${range}`,
    'map_files/1000-2000',
    `map_files/${range}0`,
    `fd/\${${PLACES_FD}}`,
    'cwd',
    'root',
    `fd/0\${${PLACES_FD}}`,
    'fd/998',
    'fd/x',
  ]);
  const path = { str: `/proc/\${${target}.pid}/${name}` };
  const size = rng.pick([64, 64, 5, 0, -1]);
  s.call(actor, 'readlinkat', [abi.AT_FDCWD, path, { out: 64 }, size]);
  if (!s.call(actor, 'newfstatat', [abi.AT_FDCWD, path, hex(SINK), 0x100]).ok) return;
  s.peek(actor, SINK + 24, 12);
}

function readSysctl(s: Scenario, actor: string): void {
  const file = open(s, actor, `/proc/sys/${s.rng.pick(SYSCTLS)}`, abi.O_RDONLY);
  if (file === null) return;
  read(s, actor, file);
  read(s, actor, file);
  s.call(actor, 'close', [file]);
}
