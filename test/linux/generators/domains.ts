import * as abi from '../abi.js';
import type { Scenario } from '../scenario.js';
import { hex, type Arg } from '../step.js';
import { attemptAccess } from './accesses.js';
import { becomeUser } from './credentials.js';
import type { Generator } from './generator.js';
import { CONTENT, mapPlaces } from './places.js';
import { words } from './window.js';

const MAX_CHILDREN = 28;
const LIVING = 5;
const VERSION = 1;
const PATH_BENEATH = 1;
const NET_PORT = 2;
/** Rights of the kinds that rulesets handle, and one of each kind that nobody has. */
const FS = [0, 0, 4, 0x2000, 0x8000, 0xffff, 1n << 40n];
const NET = [0, 1, 2, 3, 4];
const SCOPED = [0, 0, 0, 1, 8];

/**
 * Landlock: rulesets and rules, legal and not, and what a task in a domain may do to those in the same, an inner, an
 * outer or no domain. What is enforced handles the network or sockets only, so that files stay as they are.
 */
export const domains: Generator = {
  name: 'domains',
  tasks: ['A', 'B'],
  run(s, steps) {
    for (const task of ['A', 'B']) mapPlaces(s, task);
    const living: string[] = [];
    for (let born = 0; s.steps.length < steps;) {
      if (living.length < LIVING && born < MAX_CHILDREN) {
        const parent = living.length > 0 && s.rng.chance(0.6) ? s.rng.pick(living) : 'A';
        const child = `C${++born}`;
        s.fork(parent, child);
        if (s.rng.chance(0.3)) becomeUser(s, child);
        living.push(child);
      } else if (born < MAX_CHILDREN && s.rng.chance(0.03)) {
        s.exit(living.splice(s.rng.int(living.length), 1)[0]!, 0);
      }
      act(s, living);
    }
  },
};

function act(s: Scenario, living: readonly string[]): void {
  const { rng } = s;
  const task = rng.pick(living);
  const actor = rng.chance(0.1) ? rng.pick(['A', 'B']) : task;
  const target = rng.chance(0.15) ? rng.pick(['A', 'B', task]) : rng.pick(living);
  rng.weighted<() => void>([
    [3, () => restrict(s, task)],
    [2, () => oddRuleset(s, task)],
    [2, () => oddRestriction(s, task)],
    [16, () => attemptAccess(s, actor, target)],
    [3, () => traceIt(s, actor, target)],
  ])();
}

/** struct landlock_ruleset_attr. */
function ruleset(s: Scenario, task: string, attr: string, size: Arg, flags: Arg): string | null {
  const fd = s.fresh('rules');
  const made = s.bind(fd, task, 'landlock_create_ruleset', [{ in: attr }, size, flags]);
  return made.ok ? fd : null;
}

function restrict(s: Scenario, task: string): void {
  const { rng } = s;
  const attr = rng.pick([words(0, 1, 0), words(0, 3, 0), words(0, 0, 1), words(0, 2, 1)]);
  const fd = ruleset(s, task, attr, 24, 0);
  if (fd === null) return;
  if (rng.chance(0.5))
    s.call(task, 'prctl', [abi.PR_SET_NO_NEW_PRIVS, rng.pick([1, 1, 1, 2]), 0, 0, 0]);
  s.call(task, 'landlock_restrict_self', [{ ref: fd }, rng.pick([0, 0, 0, 1, 2, 4, 7, 8])]);
  s.call(task, 'close', [{ ref: fd }]);
}

function oddRuleset(s: Scenario, task: string): void {
  const { rng } = s;
  if (rng.chance(0.2)) {
    const size = rng.pick([0, 0, 8]);
    s.call(task, 'landlock_create_ruleset', [0, size, rng.pick([VERSION, VERSION, 4, -1])]);
    return;
  }
  const attr = words(rng.pick(FS), rng.pick(NET), rng.pick(SCOPED), rng.pick([0, 0, 1]));
  const size = rng.pick([24, 24, 24, 8, 16, 7, 0, 32, 5000]);
  const fd = ruleset(s, task, attr, size, rng.pick([0, 0, 0, VERSION]));
  if (fd === null) return;
  for (let n = rng.int(4); n > 0; n--) addRule(s, task, fd);
  s.call(task, 'close', [{ ref: fd }]);
}

/** struct landlock_path_beneath_attr, which is packed, or struct landlock_net_port_attr. */
function addRule(s: Scenario, task: string, fd: string): void {
  const { rng } = s;
  const type = rng.pick([PATH_BENEATH, PATH_BENEATH, NET_PORT, 0, 3]);
  const rights = rng.pick([4, 1, 2, 0, 0x2000, 0x10000]);
  const parent = s.fresh('dir');
  s.bind(parent, task, 'openat', [
    abi.AT_FDCWD,
    { str: rng.pick(['/tmp', '/tmp', '/dev/null', '/proc/self/mem']) },
    rng.pick([abi.O_PATH, abi.O_RDONLY]),
  ]);
  /* A packed structure cannot hold a bound descriptor, so its fd is one that is none. */
  const beneath = words(rights).concat(rng.pick(['ffffffff', 'e7030000']));
  const port = words(rights, rng.pick([0, 80, 65535, 65536]));
  const attr: Arg = rng.chance(0.1) ? '0x8' : { in: type === NET_PORT ? port : beneath };
  const rules: Arg = rng.chance(0.85) ? { ref: fd } : rng.pick([-1, { ref: parent }]);
  s.call(task, 'landlock_add_rule', [rules, type, attr, rng.pick([0, 0, 0, 1])]);
  s.call(task, 'close', [{ ref: parent }]);
}

function oddRestriction(s: Scenario, task: string): void {
  const { rng } = s;
  const fd = rng.pick<Arg>([-1, 999, { ref: 'places' }]);
  s.call(task, 'landlock_restrict_self', [fd, rng.pick([0, 0, 8, -1])]);
}

/** The accesses that a domain forbids, one after the other. */
function traceIt(s: Scenario, actor: string, target: string): void {
  const { rng } = s;
  const pid: Arg = { ref: `${target}.pid` };
  const remote = { iov: [[hex(CONTENT), 4]] as const };
  rng.weighted<() => void>([
    [
      1,
      () => s.call(actor, 'process_vm_readv', [pid, { iov: [[{ out: 4 }, 4]] }, 1, remote, 1, 0]),
    ],
    [1, () => s.call(actor, 'ptrace', [abi.PTRACE_SEIZE, pid, 0, 0])],
    [1, () => s.call(actor, 'ptrace', [abi.PTRACE_TRACEME, 0, 0, 0])],
    [1, () => s.call(actor, 'kcmp', [pid, pid, 1, 0, 0])],
  ])();
}
