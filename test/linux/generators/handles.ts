import * as abi from '../abi.js';
import type { Scenario } from '../scenario.js';
import { hex, type Arg } from '../step.js';
import { changeCredentials, becomeUser } from './credentials.js';
import type { Generator } from './generator.js';
import { mapPlaces, PLACES_FD, SINK } from './places.js';
import { changeNamespace } from './user-namespaces.js';

const MAX_CHILDREN = 26;
const LIVING = 4;
const P_PIDFD = 3;
const WEXITED = 4;
const PIDFD_THREAD = 0x80;
const CLONE_NEWUSER = abi.CLONE_NEWUSER;
/** What setns is asked to join. */
const KINDS = [CLONE_NEWUSER, CLONE_NEWUSER, CLONE_NEWUSER, 0, 1];

/** Descriptors and comparisons of other tasks: pidfds in every use, kcmp, setns and what they are refused. */
export const handles: Generator = {
  name: 'handles',
  tasks: ['A', 'B'],
  run(s, steps) {
    for (const task of ['A', 'B']) mapPlaces(s, task);
    const living: string[] = [];
    const ended: string[] = [];
    for (let born = 0; s.steps.length < steps;) {
      if (living.length < LIVING && born < MAX_CHILDREN) living.push(bear(s, `C${++born}`));
      else if (born < MAX_CHILDREN && s.rng.chance(0.03)) {
        ended.push(living.shift()!);
        s.exit(ended.at(-1)!, s.rng.int(256));
      }
      act(s, living, ended);
    }
  },
};

/** A child, at times with a thread, at times another user, at times in a namespace of its own. */
function bear(s: Scenario, name: string): string {
  s.fork('A', name);
  if (s.rng.chance(0.4)) becomeUser(s, name);
  if (s.rng.chance(0.3)) s.call(name, 'unshare', [CLONE_NEWUSER]);
  return name;
}

function act(s: Scenario, living: readonly string[], ended: readonly string[]): void {
  const { rng } = s;
  const actor = rng.chance(0.2) ? 'A' : rng.pick(living);
  const target = rng.chance(0.25) ? rng.pick(['A', 'B', actor, ...ended]) : rng.pick(living);
  rng.weighted<() => void>([
    [8, () => withPidfd(s, actor, target)],
    [6, () => compare(s, actor, target, rng.pick(living))],
    [3, () => joinByFile(s, actor, target)],
    [actor === 'A' ? 0 : 2, () => changeNamespace(s, actor, target)],
    [actor === 'A' ? 0 : 2, () => changeCredentials(s, actor)],
  ])();
}

function withPidfd(s: Scenario, actor: string, target: string): void {
  const { rng } = s;
  const fd = s.fresh('pidfd');
  const flags = rng.chance(0.2) ? rng.pick([PIDFD_THREAD, 0x800, 1, -1]) : 0;
  const pid: Arg = rng.chance(0.05) ? rng.pick([0, -1, 999999999]) : { ref: `${target}.pid` };
  if (!s.bind(fd, actor, 'pidfd_open', [pid, flags]).ok) return;
  for (let n = rng.between(1, 4); n > 0; n--) usePidfd(s, actor, { ref: fd });
  s.call(actor, 'close', [{ ref: fd }]);
}

function usePidfd(s: Scenario, actor: string, fd: Arg): void {
  const { rng } = s;
  rng.weighted<() => void>([
    [4, () => getFile(s, actor, fd)],
    [3, () => signal(s, actor, fd)],
    [2, () => s.call(actor, 'fcntl', [fd, abi.F_GETFD])],
    [2, () => s.call(actor, 'fcntl', [fd, abi.F_GETFL])],
    [2, () => waitForPidfd(s, actor, fd)],
    [2, () => actor !== 'A' && s.call(actor, 'setns', [fd, rng.pick(KINDS)])],
    [1, () => s.call(actor, 'process_mrelease', [fd, rng.pick([1, 1, 2])])],
    [1, () => s.call(actor, 'read', [fd, { out: 4 }, 4])],
    [1, () => s.call(actor, 'write', [fd, { in: '00' }, 1])],
    [1, () => s.call(actor, 'lseek', [fd, 0, 0])],
    [1, () => advise(s, actor, fd)],
  ])();
}

function getFile(s: Scenario, actor: string, fd: Arg): void {
  const { rng } = s;
  const copy = s.fresh('fd');
  const wanted: Arg = rng.chance(0.7) ? { ref: PLACES_FD } : rng.pick([998, 999, -1]);
  const flags = rng.chance(0.1) ? 1 : 0;
  const got = s.bind(copy, actor, 'pidfd_getfd', [fd, wanted, flags]);
  if (!got.ok) return;
  s.call(actor, 'fcntl', [{ ref: copy }, abi.F_GETFD]);
  s.call(actor, 'close', [{ ref: copy }]);
}

/** No signal, bad signals, bad flags and information that only a kernel may send. */
function signal(s: Scenario, actor: string, fd: Arg): void {
  const { rng } = s;
  const info: Arg = rng.chance(0.2) ? rng.pick(['0x8', { in: '00'.repeat(128) }]) : 0;
  const flags = rng.pick([0, 0, 0, 1, 2, 4, 8]);
  s.call(actor, 'pidfd_send_signal', [fd, rng.pick([0, 0, 0, 65, -1]), info, flags]);
}

function waitForPidfd(s: Scenario, actor: string, fd: Arg): void {
  const keep = 0x01000000;
  s.poke(actor, SINK, '00'.repeat(32));
  const options = WEXITED | abi.WNOHANG | keep;
  if (!s.call(actor, 'waitid', [P_PIDFD, fd, hex(SINK), options, 0]).ok) return;
  s.peek(actor, SINK, 12);
  s.peek(actor, SINK + 24, 4);
}

function advise(s: Scenario, actor: string, fd: Arg): void {
  const { rng } = s;
  const advice = rng.pick([20, 21, 3, 4, 99]);
  s.call(actor, 'process_madvise', [fd, { iov: [[hex(SINK), 4096]] }, 1, advice, 0]);
}

/** Different objects compare by their addresses, so only equality is asked about a second time and compared. */
function compare(s: Scenario, actor: string, target: string, other: string): void {
  const { rng } = s;
  const type = rng.pick([0, 0, 1, 2, 3, 4, 5, 6, 8, -1]);
  const second = rng.chance(0.5) ? actor : other;
  const file: Arg = rng.chance(0.85) ? { ref: PLACES_FD } : rng.pick([998, 999, -1]);
  const another: Arg = rng.chance(0.85) ? { ref: PLACES_FD } : rng.pick([998, 999]);
  const args: Arg[] = [{ ref: `${target}.pid` }, { ref: `${second}.pid` }, type, file, another];
  const first = s.bind(s.fresh('kcmp'), actor, 'kcmp', args);
  if (first.ok && first.value === 0) s.call(actor, 'kcmp', args);
}

function joinByFile(s: Scenario, actor: string, target: string): void {
  const { rng } = s;
  const fd = s.fresh('ns');
  const name = rng.pick(['ns/user', 'ns/user', 'status', 'mem']);
  const path = { str: `/proc/\${${target}.pid}/${name}` };
  if (!s.bind(fd, actor, 'openat', [abi.AT_FDCWD, path, abi.O_RDONLY]).ok) return;
  if (actor !== 'A') s.call(actor, 'setns', [{ ref: fd }, rng.pick(KINDS)]);
  s.call(actor, 'close', [{ ref: fd }]);
}
