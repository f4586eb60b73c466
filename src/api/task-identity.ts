import { capget, capset } from '../kernel/capset.js';
import {
  PR_GET_DUMPABLE,
  PR_SET_DUMPABLE,
  PR_SET_NO_NEW_PRIVS,
  sysPrctl,
} from '../kernel/prctl.js';
import type { CapSets } from '../kernel/security.js';
import {
  sysGetgroups,
  sysSetfsgid,
  sysSetgid,
  sysSetgroups,
  sysSetregid,
  sysSetresgid,
} from '../kernel/setgid.js';
import { sysSetfsuid, sysSetresuid, sysSetreuid, sysSetuid } from '../kernel/setuid.js';
import { CLONE_NEWUSER, sysUnshare } from '../kernel/unshare.js';
import { fromKgidMunged, fromKuidMunged } from '../kernel/userns.js';
import {
  arrayArgument,
  idArgument,
  intArgument,
  objectArgument,
  u64Argument,
} from './arguments.js';
import { TaskMemory } from './task-memory.js';

/** The four ids of one kind, as the task's own user namespace shows them. */
export interface TaskIds {
  readonly real: number;
  readonly effective: number;
  readonly saved: number;
  /** What file permission checks and FSCREDS access checks look at. */
  readonly fs: number;
}

/**
 * Who a task is: ids, capabilities, user namespace, and what prctl says about it. Part of Task.
 *
 * Numbers are those of the task's user namespace; -1 keeps an id where Linux says so.
 */
export abstract class TaskIdentity extends TaskMemory {
  get uids(): TaskIds {
    const { userNs, uid, euid, suid, fsuid } = this.struct.cred;
    const seen = (kuid: number): number => fromKuidMunged(userNs, kuid);
    return { real: seen(uid), effective: seen(euid), saved: seen(suid), fs: seen(fsuid) };
  }

  get gids(): TaskIds {
    const { userNs, gid, egid, sgid, fsgid } = this.struct.cred;
    const seen = (kgid: number): number => fromKgidMunged(userNs, kgid);
    return { real: seen(gid), effective: seen(egid), saved: seen(sgid), fs: seen(fsgid) };
  }

  /** Supplementary groups. */
  get groups(): readonly number[] {
    return sysGetgroups(this.struct);
  }

  /** Effective, permitted and inheritable capabilities, a bit each. */
  get caps(): CapSets {
    return capget(this.struct, 0);
  }

  /**
   * Sets all user ids with CAP_SETUID, else the effective one.
   *
   * @throws {LinuxError} EPERM: not permitted; EINVAL: the namespace does not map it
   */
  setuid(uid: number): void {
    this.making('setuid', (task) => sysSetuid(task, idArgument('uid', uid)));
  }

  /** Sets the real and effective user id. @throws {LinuxError} EPERM, EINVAL */
  setreuid(ruid: number, euid: number): void {
    this.making('setreuid', (task) =>
      sysSetreuid(task, idArgument('ruid', ruid), idArgument('euid', euid)),
    );
  }

  /** Sets the real, effective and saved user id. @throws {LinuxError} EPERM, EINVAL */
  setresuid(ruid: number, euid: number, suid: number): void {
    const ids = [idArgument('ruid', ruid), idArgument('euid', euid)] as const;
    this.making('setresuid', (task) => sysSetresuid(task, ...ids, idArgument('suid', suid)));
  }

  /** Sets the filesystem user id; returns the old one, whether it was permitted or not. */
  setfsuid(uid: number): number {
    return this.making('setfsuid', (task) => sysSetfsuid(task, idArgument('uid', uid)));
  }

  /**
   * Sets all group ids with CAP_SETGID, else the effective one.
   *
   * @throws {LinuxError} EPERM: not permitted; EINVAL: the namespace does not map it
   */
  setgid(gid: number): void {
    this.making('setgid', (task) => sysSetgid(task, idArgument('gid', gid)));
  }

  /** Sets the real and effective group id. @throws {LinuxError} EPERM, EINVAL */
  setregid(rgid: number, egid: number): void {
    this.making('setregid', (task) =>
      sysSetregid(task, idArgument('rgid', rgid), idArgument('egid', egid)),
    );
  }

  /** Sets the real, effective and saved group id. @throws {LinuxError} EPERM, EINVAL */
  setresgid(rgid: number, egid: number, sgid: number): void {
    const ids = [idArgument('rgid', rgid), idArgument('egid', egid)] as const;
    this.making('setresgid', (task) => sysSetresgid(task, ...ids, idArgument('sgid', sgid)));
  }

  /** Sets the filesystem group id; returns the old one, whether it was permitted or not. */
  setfsgid(gid: number): number {
    return this.making('setfsgid', (task) => sysSetfsgid(task, idArgument('gid', gid)));
  }

  /** Replaces the supplementary groups. @throws {LinuxError} EPERM: no CAP_SETGID; EINVAL */
  setgroups(gids: readonly number[]): void {
    this.making('setgroups', (task) =>
      sysSetgroups(
        task,
        arrayArgument('gids', gids).map((gid) => idArgument('gids', gid)),
      ),
    );
  }

  /** Replaces capability sets; those left out stay. @throws {LinuxError} EPERM: not permitted */
  capset(sets: Partial<CapSets>): void {
    objectArgument('sets', sets);
    for (const name of ['effective', 'permitted', 'inheritable'] as const) {
      const set = sets[name];
      if (set !== undefined && typeof set !== 'bigint')
        throw new TypeError(`${name}: not a bigint`);
    }
    this.making('capset', (task) => capset(task, 0, { ...this.caps, ...sets }));
  }

  /**
   * Makes a prctl call whose arguments and result are numbers.
   *
   * @throws {LinuxError} EINVAL: an unknown option or bad arguments; EPERM
   */
  prctl(option: number, ...args: (number | bigint)[]): number {
    intArgument('option', option, 0, 0x7fffffff);
    const registers = [0, 1, 2, 3].map((i) => BigInt(u64Argument('args', args[i] ?? 0)));
    return this.making('prctl', (task) => sysPrctl(task, option, registers));
  }

  /** Whether its user may look into it: 1, or 0 and 2 for the privileged only. */
  get dumpable(): number {
    return this.prctl(PR_GET_DUMPABLE);
  }

  /** @throws {LinuxError} EINVAL: neither 0 nor 1 */
  setDumpable(value: 0 | 1): void {
    this.prctl(PR_SET_DUMPABLE, value);
  }

  /** No later exec gives it more rights than it has. */
  setNoNewPrivs(): void {
    this.prctl(PR_SET_NO_NEW_PRIVS, 1);
  }

  /**
   * Moves into a new user namespace that its effective ids own.
   *
   * @throws {LinuxError} EINVAL: several threads; EPERM: chrooted; ENOSPC: too deep
   */
  unshareUser(): void {
    this.making('unshare', (task) => sysUnshare(task, CLONE_NEWUSER));
  }
}
