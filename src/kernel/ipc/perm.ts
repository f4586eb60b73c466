import { EACCES, EEXIST, EINVAL, ENOENT, ENOSPC, EPERM } from '../../../assembly/abi/errno.js';
import { fail } from '../../errno.js';
import { CAP_IPC_OWNER, CAP_SYS_ADMIN, capable } from '../capability.js';
import { inGroup } from '../cred.js';
import type { TaskStruct } from '../task.js';

// include/uapi/linux/ipc.h
export const IPC_PRIVATE = 0;
export const IPC_CREAT = 0o1000;
export const IPC_EXCL = 0o2000;
export const IPC_NOWAIT = 0o4000;
export const IPC_RMID = 0;
export const IPC_SET = 1;
export const IPC_STAT = 2;
export const IPC_INFO = 3;
export const S_IRUGO = 0o444;
export const S_IWUGO = 0o222;

/** Ids are | how often slots were used up | slot 15 |, ipc/util.h. */
const IPCMNI = 32768;
/** Slots that are used in turn at least, so that a number does not come again at once. */
const IPC_MIN_CYCLE = 64;
const SEQ_MAX = 0xffff;

/** How an object of System V is made. */
export interface IpcInit {
  readonly id: number;
  readonly key: number;
  /** Permission bits, and what a kind of object keeps beside them. */
  readonly mode: number;
}

/** What all System V objects have (struct kern_ipc_perm); who makes one owns it. */
export abstract class IpcObject {
  readonly id: number;
  /** Under which others find it; IPC_PRIVATE for nobody. */
  key: number;
  mode: number;
  /** Kernel ids of owner and creator. */
  uid: number;
  gid: number;
  readonly cuid: number;
  readonly cgid: number;
  /** Seconds since 1970 of the last change. */
  ctime: number;

  constructor(task: TaskStruct, { id, key, mode }: IpcInit) {
    const { euid, egid } = task.cred;
    this.id = id;
    this.key = key;
    this.mode = mode;
    this.uid = this.cuid = euid;
    this.gid = this.cgid = egid;
    this.ctime = ipcSeconds(task);
  }
}

/** The objects of one kind, by number (struct ipc_ids). */
export class IpcIds<T extends IpcObject> {
  /** By slot. */
  readonly slots = new Map<number, T>();
  private lastSlot = -1;
  private seq = 0;

  /** The object of a number. @throws {LinuxError} EINVAL: none (ipc_obtain_object_check()) */
  byId(id: number): T {
    const found = this.slots.get(id % IPCMNI);
    return found !== undefined && found.id === id ? found : fail(EINVAL);
  }

  /** The object in a slot. @throws {LinuxError} EINVAL: none (ipc_obtain_object_idr()) */
  bySlot(slot: number): T {
    return this.slots.get(slot % IPCMNI) ?? fail(EINVAL);
  }

  /** The highest slot in use; 0 without any. */
  get maxSlot(): number {
    return Math.max(0, ...this.slots.keys());
  }

  /** All, by slot. */
  list(): T[] {
    return [...this.slots].sort(([a], [b]) => a - b).map(([, object]) => object);
  }

  /**
   * The object of a key, made where IPC_CREAT asks.
   *
   * @param fits asked of one that is there before its permissions are
   * @throws {LinuxError} ENOENT: none; EEXIST: IPC_EXCL; EACCES: not permitted; ENOSPC: too many; what `make` and
   * `fits` throw
   * @see ipc/util.c, ipcget()
   */
  get(
    task: TaskStruct,
    key: number,
    flags: number,
    { make, fits }: { make(id: number): T; fits(object: T): void },
  ): T {
    const known = key === IPC_PRIVATE ? undefined : this.list().find((each) => each.key === key);
    if (known === undefined) {
      if (key !== IPC_PRIVATE && (flags & IPC_CREAT) === 0) fail(ENOENT);
      return this.add(make);
    }
    if ((flags & IPC_CREAT) !== 0 && (flags & IPC_EXCL) !== 0) fail(EEXIST);
    fits(known);
    checkIpcPermission(task, known, flags);
    return known;
  }

  /** Makes an object with the next number (ipc_addid()). */
  private add(make: (id: number) => T): T {
    if (this.slots.size >= IPCMNI - 768) fail(ENOSPC);
    const cycle = Math.max(Math.floor((this.slots.size * 3) / 2), IPC_MIN_CYCLE);
    let slot = (this.lastSlot + 1) % cycle;
    while (this.slots.has(slot)) slot = (slot + 1) % cycle;
    const seq = slot <= this.lastSlot ? (this.seq + 1) & SEQ_MAX : this.seq;
    const object = make(seq * IPCMNI + slot);
    this.lastSlot = slot;
    this.seq = seq;
    this.slots.set(slot, object);
    return object;
  }

  /** Takes an object's number away. */
  remove(object: T): void {
    this.slots.delete(object.id % IPCMNI);
  }
}

/**
 * @param flags wanted permissions, as bits of any of the three classes
 * @throws {LinuxError} EACCES: not granted
 * @see ipc/util.c, ipcperms()
 */
export function checkIpcPermission(task: TaskStruct, object: IpcObject, flags: number): void {
  const { cred, kernel } = task;
  const wanted = (flags >> 6) | (flags >> 3) | flags;
  let granted = object.mode;
  if (cred.euid === object.cuid || cred.euid === object.uid) granted >>= 6;
  else if (inGroup(cred, object.cgid) || inGroup(cred, object.gid)) granted >>= 3;
  if ((wanted & ~granted & 0o007) === 0) return;
  if (!capable(task, kernel.initUserNs, CAP_IPC_OWNER)) fail(EACCES);
}

/**
 * Who may change or remove an object.
 *
 * @throws {LinuxError} EPERM: neither owner nor creator, without CAP_SYS_ADMIN
 * @see ipc/util.c, ipcctl_obtain_check()
 */
export function checkIpcOwner(task: TaskStruct, object: IpcObject): void {
  const { euid } = task.cred;
  if (euid === object.cuid || euid === object.uid) return;
  if (!capable(task, task.kernel.initUserNs, CAP_SYS_ADMIN)) fail(EPERM);
}

/** Seconds since 1970, as objects note what was done with them. */
export function ipcSeconds({ kernel }: TaskStruct): number {
  return Math.floor(kernel.realTime() / 1000);
}
