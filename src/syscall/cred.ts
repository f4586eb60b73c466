import { EINVAL, EPERM } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { capDataWords, capget, capset, LINUX_CAPABILITY_VERSION_3 } from '../kernel/capset.js';
import {
  checkSetgroups,
  sysGetgroups,
  sysSetfsgid,
  sysSetgid,
  sysSetgroups,
  sysSetregid,
  sysSetresgid,
} from '../kernel/setgid.js';
import { sysSetfsuid, sysSetresuid, sysSetreuid, sysSetuid } from '../kernel/setuid.js';
import type { TaskStruct } from '../kernel/task.js';
import { fromKgidMunged, fromKuidMunged } from '../kernel/userns.js';
import { addU64, type U64 } from '../vfs/u64.js';
import { done, int, readUser, type SyscallFamily, uint, writeU32s, writeUser } from './args.js';

/**
 * Ids and capabilities. Numbers are those of the caller's user namespace.
 *
 * @see kernel/sys.c, kernel/groups.c, kernel/capability.c
 */
export const credCalls: SyscallFamily = {
  getuid: (task) => seenUid(task, task.cred.uid),
  geteuid: (task) => seenUid(task, task.cred.euid),
  getgid: (task) => seenGid(task, task.cred.gid),
  getegid: (task) => seenGid(task, task.cred.egid),
  getresuid(task, ruid, euid, suid) {
    const { cred } = task;
    writeU32s(task, ruid, seenUid(task, cred.uid));
    writeU32s(task, euid, seenUid(task, cred.euid));
    writeU32s(task, suid, seenUid(task, cred.suid));
    return 0;
  },
  getresgid(task, rgid, egid, sgid) {
    const { cred } = task;
    writeU32s(task, rgid, seenGid(task, cred.gid));
    writeU32s(task, egid, seenGid(task, cred.egid));
    writeU32s(task, sgid, seenGid(task, cred.sgid));
    return 0;
  },

  setuid: (task, uid) => done(sysSetuid(task, uint(uid))),
  setreuid: (task, ruid, euid) => done(sysSetreuid(task, uint(ruid), uint(euid))),
  setresuid: (task, ruid, euid, suid) =>
    done(sysSetresuid(task, uint(ruid), uint(euid), uint(suid))),
  setfsuid: (task, uid) => sysSetfsuid(task, uint(uid)),
  setgid: (task, gid) => done(sysSetgid(task, uint(gid))),
  setregid: (task, rgid, egid) => done(sysSetregid(task, uint(rgid), uint(egid))),
  setresgid: (task, rgid, egid, sgid) =>
    done(sysSetresgid(task, uint(rgid), uint(egid), uint(sgid))),
  setfsgid: (task, gid) => sysSetfsgid(task, uint(gid)),

  getgroups(task, size, list) {
    const groups = sysGetgroups(task);
    if (int(size) < 0) fail(EINVAL);
    if (int(size) === 0) return groups.length;
    if (groups.length > int(size)) fail(EINVAL);
    if (groups.length > 0) writeU32s(task, list, ...groups);
    return groups.length;
  },
  setgroups(task, size, list) {
    checkSetgroups(task, int(size));
    const view = readUser(task, list, 4 * int(size));
    const gids = Array.from({ length: int(size) }, (_, i) => view.getUint32(4 * i, true));
    return done(sysSetgroups(task, gids));
  },

  capget(task, header, data) {
    const words = capHeaderWords(task, header);
    if (words === null) return data === 0 ? 0 : fail(EINVAL);
    if (data === 0) return 0;
    const sets = capget(task, readUser(task, addU64(header, 4), 4).getInt32(0, true));
    writeUser(task, data, encodeCapData(words, sets.effective, sets.permitted, sets.inheritable));
    return 0;
  },
  capset(task, header, data) {
    const words = capHeaderWords(task, header) ?? fail(EINVAL);
    const pid = readUser(task, addU64(header, 4), 4).getInt32(0, true);
    // Somebody else's pid is refused before the sets are read.
    if (pid !== 0 && pid !== task.pid) fail(EPERM);
    const view = readUser(task, data, words * CAP_DATA_SIZE);
    const set = (offset: number): bigint =>
      BigInt(view.getUint32(offset, true)) |
      (words === 1 ? 0n : BigInt(view.getUint32(offset + CAP_DATA_SIZE, true)) << 32n);
    return done(capset(task, pid, { effective: set(0), permitted: set(4), inheritable: set(8) }));
  },
};

/** struct __user_cap_data_struct: 32 bits each of effective, permitted, inheritable. */
const CAP_DATA_SIZE = 12;

/**
 * How many such structures the version in the header has; null for an unknown one, in whose place
 * the preferred version is stored (cap_validate_magic).
 */
function capHeaderWords(task: TaskStruct, header: U64): number | null {
  const words = capDataWords(readUser(task, header, 4).getUint32(0, true));
  if (words === null) writeU32s(task, header, LINUX_CAPABILITY_VERSION_3);
  return words;
}

function encodeCapData(words: number, ...sets: readonly bigint[]): DataView {
  const view = new DataView(new ArrayBuffer(words * CAP_DATA_SIZE));
  for (let word = 0; word < words; word++) {
    sets.forEach((set, i) => {
      const bits = Number((set >> BigInt(32 * word)) & 0xffffffffn);
      view.setUint32(word * CAP_DATA_SIZE + 4 * i, bits, true);
    });
  }
  return view;
}

function seenUid(task: TaskStruct, kuid: number): number {
  return fromKuidMunged(task.cred.userNs, kuid);
}

function seenGid(task: TaskStruct, kgid: number): number {
  return fromKgidMunged(task.cred.userNs, kgid);
}
