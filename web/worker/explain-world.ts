// The machine of the access explainer: two tasks made as the page's form says, and nothing else.
import {
  CAP_FULL_SET,
  type Machine,
  PR_SET_KEEPCAPS,
  PR_SET_PTRACER,
  type Task,
} from '../../src/index.js';

/** What the caller and the target have in common. */
export type Relation = 'none' | 'parent' | 'declared' | 'thread';

/** Who a task of the explainer is. */
export interface Identity {
  readonly uid: number;
  readonly euid: number;
  readonly suid: number;
  readonly fsuid: number;
  readonly gid: number;
  readonly fsgid: number;
  /** Effective and permitted capabilities by their numbers. */
  readonly caps: readonly number[];
  /** Whether it moved into a user namespace of its own, where it has `caps` then. */
  readonly ownNamespace: boolean;
}

/** All that the form sets. */
export interface AccessSettings {
  readonly caller: Identity;
  readonly target: Identity;
  /** What prctl(PR_SET_DUMPABLE) is given for the target's memory. */
  readonly dumpable: 0 | 1;
  readonly relation: Relation;
  /** kernel.yama.ptrace_scope; null for a kernel without Yama. */
  readonly yama: 0 | 1 | 2 | 3 | null;
}

/** A caller and a target in a machine of their own. */
export interface AccessWorld {
  readonly machine: Machine;
  readonly caller: Task;
  readonly target: Task;
}

/**
 * Makes both tasks in a new machine with the settings' Yama, by the calls that programs use: setresuid,
 * setfsuid, capset, unshare and prctl.
 */
export function makeAccessWorld(machine: Machine, settings: AccessSettings): AccessWorld {
  const { relation, dumpable } = settings;
  const parent = relation === 'parent' ? spawnAble(machine, 'caller', settings.caller) : null;
  const target = spawnAble(machine, 'target', settings.target, parent);
  const isThread = relation === 'thread';
  const caller = isThread
    ? target.thread()
    : (parent ?? spawnAble(machine, 'caller', settings.caller));
  become(target, settings.target, isThread);
  become(caller, settings.caller, isThread);
  if (relation === 'declared' && settings.yama !== null) {
    target.prctl(PR_SET_PTRACER, caller.pid);
  }
  // Last, as every change of ids makes memory undumpable.
  target.setDumpable(dumpable);
  return { machine, caller, target };
}

/** A process that may become anybody. */
function spawnAble(
  machine: Machine,
  comm: string,
  { uid, gid }: Identity,
  parent: Task | null = null,
): Task {
  return machine.spawn({
    comm,
    uid,
    gid,
    caps: CAP_FULL_SET,
    ...(parent === null ? {} : { parent }),
  });
}

function become(task: Task, identity: Identity, isThread: boolean): void {
  const { uid, euid, suid, fsuid, gid, fsgid, ownNamespace } = identity;
  const caps = identity.caps.reduce((set, cap) => set | (1n << BigInt(cap)), 0n);
  task.setresgid(gid, gid, gid);
  task.setfsgid(fsgid);
  task.prctl(PR_SET_KEEPCAPS, 1);
  task.setresuid(uid, euid, suid);
  // Whoever leaves user 0 keeps what is permitted, but has to raise it again.
  task.capset({ effective: CAP_FULL_SET, permitted: CAP_FULL_SET });
  task.setfsuid(fsuid);
  // A thread cannot leave the others of its process behind.
  if (ownNamespace && !isThread) task.unshareUser();
  task.capset({ effective: caps, permitted: caps, inheritable: 0n });
}
