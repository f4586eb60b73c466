import * as abi from '../abi.js';
import type { Rng } from '../rng.js';
import type { Scenario } from '../scenario.js';
import { hex, type Arg } from '../step.js';
import { askCredentials, becomeUser, changeCredentials } from './credentials.js';
import type { Generator } from './generator.js';
import { CONTENT, mapPlaces } from './places.js';
import { writeFile } from './user-namespaces.js';

const MAX_CHILDREN = 30;
const IDS = [0, 1, 999, 1000, 1000, 1001, 65534, 65535, 100000];
const COUNTS = [1, 1, 1, 2, 10, 1000, 65536];
const UNSPEAKABLE = ['4294967295', '4294967294', '4294967296', '-1', '18446744073709551616', ''];

/** uid_map, gid_map and setgroups of namespaces within namespaces, written by their members and by others. */
export const idmaps: Generator = {
  name: 'idmaps',
  tasks: ['A', 'B'],
  run(s, steps) {
    for (const task of ['A', 'B']) mapPlaces(s, task);
    becomeUser(s, 'B');
    for (let born = 1; s.steps.length < steps && born <= MAX_CHILDREN; born += 2) {
      const [outer, inner] = [`C${born}`, `C${born + 1}`];
      s.fork('A', outer);
      if (s.rng.chance(0.5)) becomeUser(s, outer);
      s.call(outer, 'unshare', [abi.CLONE_NEWUSER]);
      for (let n = s.rng.between(2, 8); n > 0; n--) act(s, ['A', 'B', outer], outer);
      s.fork(outer, inner);
      if (s.rng.chance(0.7)) s.call(inner, 'unshare', [abi.CLONE_NEWUSER]);
      for (let n = s.rng.between(8, 20); n > 0; n--)
        act(s, ['A', 'B', outer, inner], s.rng.pick([outer, inner, inner]));
      s.exit(inner, 0);
      s.exit(outer, 0);
    }
  },
};

function act(s: Scenario, actors: readonly string[], target: string): void {
  const { rng } = s;
  const actor = rng.chance(0.4) ? target : rng.pick(actors);
  const base = `/proc/\${${target}.pid}`;
  const which = rng.pick(['uid_map', 'gid_map']);
  rng.weighted<() => void>([
    [8, () => writeFile(s, actor, `${base}/${which}`, mapText(rng))],
    [2, () => writeFile(s, actor, `${base}/setgroups`, rng.pick(['deny', 'allow', 'deny\n']))],
    [6, () => readBack(s, actor, `${base}/${rng.pick([which, 'setgroups'])}`)],
    [3, () => askCredentials(s, target)],
    [3, () => changeCredentials(s, target)],
    [1, () => writeTwice(s, actor, `${base}/${which}`)],
    [1, () => access(s, actor, target)],
  ])();
}

function field(rng: Rng, values: readonly number[]): string {
  return rng.chance(0.04) ? rng.pick(UNSPEAKABLE) : String(rng.pick(values));
}

function line(rng: Rng): string {
  const gap = rng.pick([' ', ' ', ' ', '\t', '   ']);
  const fields = [field(rng, IDS), field(rng, IDS), field(rng, COUNTS)];
  if (rng.chance(0.03)) fields.push('1');
  if (rng.chance(0.03)) fields.pop();
  return fields.join(gap);
}

/** Mostly one line; up to more than a map may have in its plain form. */
function mapText(rng: Rng): string {
  if (rng.chance(0.5)) return `${rng.pick([0, 0, 1000])} ${rng.pick([0, 1000, 1001])} 1`;
  if (rng.chance(0.15)) {
    const count = rng.pick([5, 6, 7, 340, 341]);
    return Array.from({ length: count }, (_, i) => `${i * 10} ${i * 10} 5`).join('\n');
  }
  const lines = Array.from({ length: rng.pick([1, 1, 2, 3]) }, () => line(rng));
  return lines.join('\n') + rng.pick(['', '\n', '\n\n']);
}

function readBack(s: Scenario, actor: string, path: string): void {
  const fd = s.fresh('fd');
  if (!s.bind(fd, actor, 'openat', [abi.AT_FDCWD, { str: path }, abi.O_RDONLY]).ok) return;
  s.call(actor, 'read', [{ ref: fd }, { out: 200 }, 200]);
  s.call(actor, 'close', [{ ref: fd }]);
}

/** A map is written by one write from its start. */
function writeTwice(s: Scenario, actor: string, path: string): void {
  const fd = s.fresh('fd');
  if (!s.bind(fd, actor, 'openat', [abi.AT_FDCWD, { str: path }, abi.O_RDWR]).ok) return;
  const text: Arg = { in: Buffer.from('0 0 1').toString('hex') };
  s.call(actor, 'pwrite64', [{ ref: fd }, text, 5, s.rng.pick([0, 1])]);
  s.call(actor, 'write', [{ ref: fd }, text, 5]);
  s.call(actor, 'close', [{ ref: fd }]);
}

function access(s: Scenario, actor: string, target: string): void {
  const remote = { iov: [[hex(CONTENT), 4]] as const };
  const pid: Arg = { ref: `${target}.pid` };
  s.call(actor, 'process_vm_readv', [pid, { iov: [[{ out: 4 }, 4]] }, 1, remote, 1, 0]);
}
