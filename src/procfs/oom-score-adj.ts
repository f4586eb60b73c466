import { EACCES, EINVAL } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { CAP_SYS_RESOURCE, capable } from '../kernel/capability.js';
import type { TaskStruct, ThreadGroup } from '../kernel/task.js';
import type { UserBuffer } from '../mm/user.js';
import { bytesOf } from '../vfs/byte-string.js';
import type { FileOperations } from '../vfs/file.js';
import { defaultLlseek, genericFileLlseek } from '../vfs/llseek.js';
import { simpleReadFromBuffer } from '../vfs/seq-file.js';
import { INT, kstrto, strstrip, textFromUser } from './kstrtox.js';
import { procTaskOf } from './proc-inode.js';

/** Bytes looked at: PROC_NUMBUF without its NUL. */
const MAX_BYTES = 12;
/** include/uapi/linux/oom.h */
const OOM_SCORE_ADJ_MIN = -1000;
const OOM_SCORE_ADJ_MAX = 1000;
const OOM_DISABLE = -17;
const OOM_ADJUST_MIN = -16;
const OOM_ADJUST_MAX = 15;

/** Processes that share the memory of a group, itself included, take the value with it. */
function groupsSharing(group: ThreadGroup): Set<ThreadGroup> {
  const groups = new Set([group]);
  const mm = group.threads.find((thread) => thread.mm !== null)?.mm ?? null;
  if (mm === null || !mm.shared) return groups;
  for (const task of group.leader.kernel.tasks()) {
    if (task.mm === mm && !task.isKthread && !task.group.unkillable) groups.add(task.group);
  }
  return groups;
}

/**
 * Sets how ready the out-of-memory killer is to choose a process.
 * @throws {LinuxError} EACCES: lower than allowed, without CAP_SYS_RESOURCE
 * @see fs/proc/base.c __set_oom_adj()
 */
function setOomAdj(caller: TaskStruct, group: ThreadGroup, value: number, legacy: boolean): void {
  const resource = capable(caller, caller.kernel.initUserNs, CAP_SYS_RESOURCE);
  if (value < (legacy ? group.oomScoreAdj : group.oomScoreAdjMin) && !resource) fail(EACCES);
  for (const each of groupsSharing(group)) {
    each.oomScoreAdj = value;
    if (!legacy && resource) each.oomScoreAdjMin = value;
  }
}

function writtenInt(buf: UserBuffer): number {
  return Number(kstrto(strstrip(textFromUser(buf, MAX_BYTES)), 0, INT));
}

function readInt(buf: UserBuffer, pos: number | bigint, value: number): number {
  return simpleReadFromBuffer(buf, pos, bytesOf(`${value}\n`));
}

/**
 * /proc/PID/oom_score_adj: -1000 to 1000.
 * @see fs/proc/base.c proc_oom_score_adj_operations
 */
export const oomScoreAdjOperations: FileOperations = {
  read: (_caller, file, buf, pos) => readInt(buf, pos, procTaskOf(file).group.oomScoreAdj),
  writeStays: true,
  write(caller, file, buf) {
    const value = writtenInt(buf);
    if (value < OOM_SCORE_ADJ_MIN || value > OOM_SCORE_ADJ_MAX) fail(EINVAL);
    setOomAdj(caller, procTaskOf(file).group, value, false);
    return Math.min(buf.length, MAX_BYTES);
  },
  llseek: defaultLlseek,
};

/**
 * /proc/PID/oom_adj: the same on the old scale, -17 to 15.
 * @see fs/proc/base.c proc_oom_adj_operations
 */
export const oomAdjOperations: FileOperations = {
  read(_caller, file, buf, pos) {
    const { oomScoreAdj } = procTaskOf(file).group;
    const scaled = Math.trunc((oomScoreAdj * -OOM_DISABLE) / OOM_SCORE_ADJ_MAX);
    const shown = oomScoreAdj === OOM_SCORE_ADJ_MAX ? OOM_ADJUST_MAX : scaled;
    return readInt(buf, pos, Math.min(shown, OOM_ADJUST_MAX));
  },
  writeStays: true,
  write(caller, file, buf) {
    const value = writtenInt(buf);
    const known = value >= OOM_ADJUST_MIN && value <= OOM_ADJUST_MAX;
    if (!known && value !== OOM_DISABLE) fail(EINVAL);
    const scaled = Math.trunc((value * OOM_SCORE_ADJ_MAX) / -OOM_DISABLE);
    const wanted = value === OOM_ADJUST_MAX ? OOM_SCORE_ADJ_MAX : scaled;
    setOomAdj(caller, procTaskOf(file).group, wanted, true);
    return Math.min(buf.length, MAX_BYTES);
  },
  llseek: genericFileLlseek,
};
