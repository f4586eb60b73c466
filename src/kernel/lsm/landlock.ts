import { E2BIG, EPERM } from '../../../assembly/abi/errno.js';
import { fail } from '../../errno.js';
import type { AccessReport } from '../access-report.js';
import { CAP_SYS_ADMIN, capable } from '../capability.js';
import type { Cred } from '../cred.js';
import { credSecurity, setCredSecurity } from '../cred.js';
import type { SecurityModule } from '../security.js';
import type { TaskStruct } from '../task.js';
import { sameThreadGroup } from '../task.js';

// include/uapi/linux/landlock.h
const LANDLOCK_SCOPE_SIGNAL = 2;

const NAME = 'landlock';
const SOURCE = 'security/landlock/task.c, hook_ptrace_access_check()';
/** security/landlock/limits.h, LANDLOCK_MAX_NUM_LAYERS */
const MAX_NUM_LAYERS = 16;

/** What a ruleset restricts: bits of LANDLOCK_ACCESS_FS_*, _NET_* and LANDLOCK_SCOPE_*. */
export interface LandlockRuleset {
  readonly fs: number;
  readonly net: number;
  readonly scope: number;
}

/**
 * A layer of restrictions and those below it: who enforced a ruleset on itself is in a new domain,
 * nested in the one it was in.
 * @see security/landlock/domain.h, struct landlock_hierarchy
 */
export interface LandlockDomain {
  readonly parent: LandlockDomain | null;
  /** Layers, 1 to 16. */
  readonly layers: number;
  readonly ruleset: LandlockRuleset;
}

/** The domain of credentials; null where nothing was ever restricted. */
function landlockDomain(cred: Readonly<Cred>): LandlockDomain | null {
  return (credSecurity(cred, NAME) as LandlockDomain | undefined) ?? null;
}

/** Tells whether `child` is `parent` or nested in it; everybody is in no domain (domain_scope_le()). */
function domainScopeLe(parent: LandlockDomain | null, child: LandlockDomain | null): boolean {
  if (parent === null) return true;
  for (let walker = child; walker !== null; walker = walker.parent) {
    if (walker === parent) return true;
  }
  return false;
}

/** Leaves a hierarchy of more layers until it has `layers`. */
function climb(domain: LandlockDomain | null, layers: number): LandlockDomain | null {
  let walker = domain;
  while (walker !== null && walker.layers > layers) walker = walker.parent;
  return walker;
}

/**
 * Tells whether some layer of the client keeps what it does within itself, and the server is
 * outside.
 * @see security/landlock/task.c, domain_is_scoped()
 */
function domainIsScoped(
  client: LandlockDomain,
  server: LandlockDomain | null,
  scope: number,
): boolean {
  for (let walker: LandlockDomain | null = client; walker !== null; walker = walker.parent) {
    if (walker.ruleset.scope & scope) return climb(server, walker.layers) !== walker;
  }
  return false;
}

/**
 * The task's domain to be one layer deeper. A thread restricts itself, not its process.
 * @throws {LinuxError} E2BIG: 16 layers already
 * @see security/landlock/syscalls.c, landlock_restrict_self()
 */
export function landlockRestrictSelf(task: TaskStruct, ruleset: LandlockRuleset): void {
  const parent = landlockDomain(task.cred);
  const layers = (parent?.layers ?? 0) + 1;
  if (layers > MAX_NUM_LAYERS) fail(E2BIG);
  const domain: LandlockDomain = { parent, layers, ruleset };
  setCredSecurity(task, NAME, domain);
}

/** Whoever cannot gain rights by exec may restrict itself, and CAP_SYS_ADMIN in its namespace. */
export function mayRestrictSelf(task: TaskStruct): boolean {
  return task.noNewPrivs || capable(task, task.cred.userNs, CAP_SYS_ADMIN);
}

function describe(domain: LandlockDomain | null): string {
  return domain === null ? 'none' : `${domain.layers} layers`;
}

/**
 * Landlock: a process restricts itself and what it starts. Here it decides about tracing and
 * signals: a task in a domain traces only tasks in it or in one nested in it.
 * @see security/landlock/task.c
 */
export const landlockModule: SecurityModule = {
  name: NAME,

  ptraceAccessCheck(task, child, _mode, report?: AccessReport): number {
    const parent = landlockDomain(task.cred);
    const domain = landlockDomain(child.cred);
    const allowed = domainScopeLe(parent, domain);
    report?.add(
      "target is in the caller's Landlock domain or one nested in it",
      SOURCE,
      { caller: describe(parent), target: describe(domain), nested: allowed },
      allowed ? 'continue' : 'denied',
    );
    return allowed ? 0 : -EPERM;
  },

  ptraceTraceme(parent, child): number {
    return domainScopeLe(landlockDomain(parent.cred), landlockDomain(child.cred)) ? 0 : -EPERM;
  },

  taskKill(task, target): number {
    const client = landlockDomain(task.cred);
    if (client === null || sameThreadGroup(task, target)) return 0;
    const server = landlockDomain(target.cred);
    return domainIsScoped(client, server, LANDLOCK_SCOPE_SIGNAL) ? -EPERM : 0;
  },
};
