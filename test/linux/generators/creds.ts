import { AT_FDCWD, O_PATH, O_RDONLY, O_RDWR } from '../abi.js';
import type { Scenario } from '../scenario.js';
import { hex } from '../step.js';
import { attemptAccess } from './accesses.js';
import { askCredentials, becomeUser, changeCredentials } from './credentials.js';
import type { Generator } from './generator.js';
import { CONTENT, mapPlaces } from './places.js';
import { becomeNamespaceRoot, changeNamespace } from './user-namespaces.js';

/** Executor slots for A's children. */
const MAX_CHILDREN = 30;
const LIVING = 4;
/** The name bound to A's own mem. */
const INHERITED = 'inherited';

/**
 * Credentials, capabilities, dumpable and user namespaces that change at random among a few tasks,
 * which try everything on one another. A stays what it was and has new children when old ones end.
 */
export const creds: Generator = {
  name: 'creds',
  tasks: ['A'],
  run(s, steps) {
    mapPlaces(s, 'A');
    s.bind(INHERITED, 'A', 'openat', [AT_FDCWD, { str: '/proc/self/mem' }, O_RDWR]);
    const living: string[] = [];
    let born = 0;
    while (s.steps.length < steps) {
      if (living.length < LIVING && born < MAX_CHILDREN) living.push(bear(s, `C${++born}`));
      else if (born < MAX_CHILDREN && s.rng.chance(0.02)) s.exit(living.shift()!, 0);
      act(s, living);
    }
  },
};

/** A's mem, open in every child: permission was asked when it was opened, and is asked to open it again. */
function useInherited(s: Scenario, actor: string): void {
  const file = { ref: INHERITED };
  const fd = s.fresh('fd');
  const flags = s.rng.pick([O_RDONLY, O_RDWR, O_PATH]);
  s.rng.weighted<() => void>([
    [2, () => s.call(actor, 'pread64', [file, { out: 8 }, 8, hex(CONTENT)])],
    [2, () => s.call(actor, 'pwrite64', [file, { in: s.rng.hexBytes(1) }, 1, hex(CONTENT + 9)])],
    [
      1,
      () =>
        s.call(actor, 'readlinkat', [
          AT_FDCWD,
          { str: `/proc/self/fd/\${${INHERITED}}` },
          hex(CONTENT + 64),
          0,
        ]),
    ],
    [
      2,
      () => {
        const opened = s.bind(fd, actor, 'openat', [
          AT_FDCWD,
          { str: `/proc/self/fd/\${${INHERITED}}` },
          flags,
        ]);
        if (opened.ok) s.call(actor, 'close', [{ ref: fd }]);
      },
    ],
  ])();
}

/** A new child of A, in one of the states that a task usually is in. */
function bear(s: Scenario, name: string): string {
  s.fork('A', name);
  s.rng.weighted<() => void>([
    [2, () => {}],
    [4, () => becomeUser(s, name)],
    [1, () => becomeNamespaceRoot(s, name, 0, 0)],
    [2, () => becomeUserInNamespace(s, name)],
  ])();
  return name;
}

function becomeUserInNamespace(s: Scenario, name: string): void {
  s.call(name, 'setresgid', [1000, 1000, 1000]);
  s.call(name, 'setresuid', [1000, 1000, 1000]);
  s.call(name, 'prctl', [4, 1, 0, 0, 0]); // dumpable, or its maps are not its own to write
  becomeNamespaceRoot(s, name, 1000, 1000);
}

function act(s: Scenario, living: readonly string[]): void {
  const actor = s.rng.chance(0.1) ? 'A' : s.rng.pick(living);
  const target = s.rng.chance(0.15) ? actor : s.rng.chance(0.1) ? 'A' : s.rng.pick(living);
  s.rng.weighted<() => void>([
    [30, () => attemptAccess(s, actor, target)],
    [actor === 'A' ? 0 : 8, () => changeCredentials(s, actor)],
    [6, () => askCredentials(s, actor)],
    [3, () => useInherited(s, actor)],
    [actor === 'A' ? 0 : 3, () => changeNamespace(s, actor, target)],
  ])();
}
