import { EPERM } from '../../../assembly/abi/errno.js';
import type { AccessReport } from '../access-report.js';
import {
  CAP_EMPTY_SET,
  CAP_FS_SET,
  CAP_SETPCAP,
  CAP_SYS_PTRACE,
  capIsSubset,
  capRaised,
  capable,
  hasNsCapability,
} from '../capability.js';
import { capTaskPrctl } from '../capset.js';
import type { Cred } from '../cred.js';
import { SECBIT_KEEP_CAPS, SECBIT_NO_SETUID_FIXUP } from '../cred.js';
import { PTRACE_MODE_FSCREDS } from '../ptrace.js';
import type { CapSets, SecurityModule, SetidKind } from '../security.js';
import type { TaskStruct } from '../task.js';
import type { UserNamespace } from '../userns.js';
import { makeKuid } from '../userns.js';

/**
 * Looks a capability up through the namespaces: the credentials' own namespace asks the effective
 * set; a namespace below it grants everything to its creator in the parent (K-050); nothing above.
 * @see security/commoncap.c, cap_capable()
 */
function capCapable(cred: Readonly<Cred>, target: UserNamespace, cap: number): number {
  for (let ns = target; ;) {
    if (ns === cred.userNs) return capRaised(cred.capEffective, cap) ? 0 : -EPERM;
    if (ns.level <= cred.userNs.level || ns.parent === null) return -EPERM;
    if (ns.parent === cred.userNs && ns.owner === cred.euid) return 0;
    ns = ns.parent;
  }
}

/**
 * The target's permitted set must lie within the caller's effective (FSCREDS) or permitted set, in
 * one and the same namespace (K-048, K-049); else CAP_SYS_PTRACE where the target lives.
 * @see security/commoncap.c, cap_ptrace_access_check()
 */
function capPtraceAccessCheck(
  task: TaskStruct,
  child: TaskStruct,
  mode: number,
  report?: AccessReport,
): number {
  const { cred } = task;
  const childCred = child.cred;
  const callerCaps = mode & PTRACE_MODE_FSCREDS ? cred.capEffective : cred.capPermitted;
  const sameNs = cred.userNs === childCred.userNs;
  const subset = sameNs && capIsSubset(childCred.capPermitted, callerCaps);
  const source = 'security/commoncap.c, cap_ptrace_access_check()';
  report?.add(
    "target's permitted capabilities lie within the caller's, in one user namespace",
    source,
    {
      creds: mode & PTRACE_MODE_FSCREDS ? 'effective' : 'permitted',
      caller: `0x${callerCaps.toString(16)}`,
      target: `0x${childCred.capPermitted.toString(16)}`,
      sameNamespace: sameNs,
    },
    'continue',
  );
  if (subset) return 0;
  const granted = capable(task, childCred.userNs, CAP_SYS_PTRACE);
  report?.add(
    "caller has CAP_SYS_PTRACE in the target's user namespace",
    source,
    { granted },
    granted ? 'continue' : 'denied',
  );
  return granted ? 0 : -EPERM;
}

/**
 * As for an attach, but by the parent's permitted set, and neither ids nor dumpable matter (K-204).
 */
function capPtraceTraceme(parent: TaskStruct, child: TaskStruct): number {
  const { cred } = parent;
  const childCred = child.cred;
  const subset =
    cred.userNs === childCred.userNs && capIsSubset(childCred.capPermitted, cred.capPermitted);
  return subset || hasNsCapability(parent, childCred.userNs, CAP_SYS_PTRACE) ? 0 : -EPERM;
}

/**
 * Leaving uid 0 loses capabilities, coming back to euid 0 raises them (K-405;
 * cap_emulate_setxuid()).
 */
function capEmulateSetxuid(cred: Cred, old: Readonly<Cred>): void {
  const root = makeKuid(old.userNs, 0);
  const wasRoot = old.uid === root || old.euid === root || old.suid === root;
  const isRoot = cred.uid === root || cred.euid === root || cred.suid === root;
  if (wasRoot && !isRoot) {
    if (!(old.securebits & SECBIT_KEEP_CAPS)) {
      cred.capPermitted = CAP_EMPTY_SET;
      cred.capEffective = CAP_EMPTY_SET;
    }
    cred.capAmbient = CAP_EMPTY_SET;
  }
  if (old.euid === root && cred.euid !== root) cred.capEffective = CAP_EMPTY_SET;
  if (old.euid !== root && cred.euid === root) cred.capEffective = cred.capPermitted;
}

/** @see security/commoncap.c, cap_task_fix_setuid() (K-405, K-406) */
function capTaskFixSetuid(cred: Cred, old: Readonly<Cred>, kind: SetidKind): number {
  if (old.securebits & SECBIT_NO_SETUID_FIXUP) return 0;
  if (kind === 'id') {
    capEmulateSetxuid(cred, old);
    return 0;
  }
  const root = makeKuid(old.userNs, 0);
  if (old.fsuid === root && cred.fsuid !== root) cred.capEffective &= ~CAP_FS_SET;
  if (old.fsuid !== root && cred.fsuid === root) {
    cred.capEffective |= CAP_FS_SET & cred.capPermitted;
  }
  return 0;
}

/** @see security/commoncap.c, cap_capset() (K-408) */
function capCapset(cred: Cred, old: Readonly<Cred>, sets: CapSets): number {
  const { effective, inheritable, permitted } = sets;
  // CAP_SETPCAP lets the inheritable set grow up to the bounding set.
  const capped = capCapable(old, old.userNs, CAP_SETPCAP) !== 0;
  if (capped && !capIsSubset(inheritable, old.capInheritable | old.capPermitted)) return -EPERM;
  if (!capIsSubset(inheritable, old.capInheritable | old.capBset)) return -EPERM;
  if (!capIsSubset(permitted, old.capPermitted)) return -EPERM;
  if (!capIsSubset(effective, permitted)) return -EPERM;
  cred.capEffective = effective;
  cred.capInheritable = inheritable;
  cred.capPermitted = permitted;
  cred.capAmbient &= permitted & inheritable;
  return 0;
}

/**
 * The module every Linux kernel has: POSIX capabilities.
 * @see security/commoncap.c
 */
export const capabilityModule: SecurityModule = {
  name: 'capability',
  capable: capCapable,
  ptraceAccessCheck: capPtraceAccessCheck,
  ptraceTraceme: capPtraceTraceme,
  taskFixSetuid: capTaskFixSetuid,
  capset: capCapset,
  taskPrctl: capTaskPrctl,
};
