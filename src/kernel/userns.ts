/** No user: what (uid_t)-1 is in Linux. Kernel ids are numbers from 0 to 2^32 - 2. */
export const INVALID_UID = -1;
/** No group: what (gid_t)-1 is in Linux. */
export const INVALID_GID = -1;
/** What an id without a mapping looks like to the reader (fs.overflowuid, fs.overflowgid). */
const OVERFLOW_ID = 65534;

const ALL_IDS = 0xffffffff;

/** One line of a uid_map: ids from `first` in the namespace are kernel ids from `lowerFirst`. */
export interface IdExtent {
  readonly first: number;
  readonly lowerFirst: number;
  readonly count: number;
}

/** PROC_USER_INIT_INO: the inode number of the initial namespace (include/uapi/linux/nsfs.h). */
const USER_NS_INIT_INO = 0xeffffffd;

/** Which of the three maps of a namespace. */
export type IdMapKind = 'uid' | 'gid' | 'projid';

/**
 * A user namespace: a scope of capabilities and of ids.
 * @see include/linux/user_namespace.h, struct user_namespace
 */
export class UserNamespace {
  /** Null for the initial namespace only. */
  readonly parent: UserNamespace | null;
  /** Depth below the initial namespace, 0 there. */
  readonly level: number;
  /**
   * Effective kuid of its creator, who has all capabilities here from the parent namespace (K-050).
   */
  readonly owner: number;
  /** Effective kgid of its creator. */
  readonly group: number;
  /** Extents in the order they were written; null until the one write (K-413). */
  uidMap: readonly IdExtent[] | null = null;
  /** As uidMap. */
  gidMap: readonly IdExtent[] | null = null;
  /** As uidMap, of project ids, which no file here has. */
  projidMap: readonly IdExtent[] | null = null;
  /** Cleared by writing "deny" to /proc/PID/setgroups, never set again. */
  setgroupsAllowed: boolean;
  /**
   * Whether the creator had CAP_SETFCAP effective: without it nobody inside may map the parent's id
   * 0.
   */
  readonly parentCouldSetfcap: boolean;
  /** Inode number of /proc/PID/ns/user. */
  readonly inum: number;

  /** Makes a namespace without maps; it inherits its parent's setgroups policy. */
  constructor(
    parent: UserNamespace | null,
    creator: { owner: number; group: number; couldSetfcap: boolean },
    inum: number,
  ) {
    this.parent = parent;
    this.level = parent === null ? 0 : parent.level + 1;
    this.owner = creator.owner;
    this.group = creator.group;
    this.setgroupsAllowed = parent?.setgroupsAllowed ?? true;
    this.parentCouldSetfcap = creator.couldSetfcap;
    this.inum = inum;
  }
}

/**
 * Makes the initial user namespace, where every id is itself.
 * @see kernel/user.c, init_user_ns
 */
export function makeInitUserNs(): UserNamespace {
  const creator = { owner: 0, group: 0, couldSetfcap: true };
  const ns = new UserNamespace(null, creator, USER_NS_INIT_INO);
  ns.uidMap = [{ first: 0, lowerFirst: 0, count: ALL_IDS }];
  ns.gidMap = [{ first: 0, lowerFirst: 0, count: ALL_IDS }];
  ns.projidMap = [{ first: 0, lowerFirst: 0, count: ALL_IDS }];
  return ns;
}

/**
 * Maps a range of ids of a namespace to kernel ids; -1 unless one extent holds all of it.
 * @see kernel/user_namespace.c, map_id_range_down()
 */
export function mapIdRangeDown(map: readonly IdExtent[] | null, id: number, count: number): number {
  for (const extent of map ?? []) {
    if (id >= extent.first && id + count <= extent.first + extent.count) {
      return extent.lowerFirst + (id - extent.first);
    }
  }
  return INVALID_UID;
}

/** Maps a kernel id to the namespace's; -1 without a mapping (map_id_up()). */
function mapIdUp(map: readonly IdExtent[] | null, kid: number): number {
  for (const extent of map ?? []) {
    if (kid >= extent.lowerFirst && kid < extent.lowerFirst + extent.count) {
      return extent.first + (kid - extent.lowerFirst);
    }
  }
  return INVALID_UID;
}

/**
 * Gives the kernel id of a uid (taken as 32 bits) of a namespace; -1 without a mapping
 * (make_kuid()).
 */
export function makeKuid(ns: UserNamespace, uid: number): number {
  return mapIdRangeDown(ns.uidMap, uid >>> 0, 1);
}

/**
 * Gives the kernel id of a gid (taken as 32 bits) of a namespace; -1 without a mapping
 * (make_kgid()).
 */
export function makeKgid(ns: UserNamespace, gid: number): number {
  return mapIdRangeDown(ns.gidMap, gid >>> 0, 1);
}

/** Gives a kuid as a namespace sees it; -1 without a mapping (from_kuid()). */
export function fromKuid(ns: UserNamespace, kuid: number): number {
  return mapIdUp(ns.uidMap, kuid);
}

/** Gives a kgid as a namespace sees it; -1 without a mapping (from_kgid()). */
function fromKgid(ns: UserNamespace, kgid: number): number {
  return mapIdUp(ns.gidMap, kgid);
}

/** Gives a kuid as a namespace sees it; 65534 without a mapping (from_kuid_munged()). */
export function fromKuidMunged(ns: UserNamespace, kuid: number): number {
  const uid = fromKuid(ns, kuid);
  return uid === INVALID_UID ? OVERFLOW_ID : uid;
}

/** Gives a kgid as a namespace sees it; 65534 without a mapping (from_kgid_munged()). */
export function fromKgidMunged(ns: UserNamespace, kgid: number): number {
  const gid = fromKgid(ns, kgid);
  return gid === INVALID_GID ? OVERFLOW_ID : gid;
}

/** Tells whether a namespace maps a kuid (kuid_has_mapping()). */
export function kuidHasMapping(ns: UserNamespace, kuid: number): boolean {
  return fromKuid(ns, kuid) !== INVALID_UID;
}

/** Tells whether a namespace maps a kgid (kgid_has_mapping()). */
export function kgidHasMapping(ns: UserNamespace, kgid: number): boolean {
  return fromKgid(ns, kgid) !== INVALID_GID;
}
