import type { TaskStruct } from '../kernel/task.js';
import { fromKgidMunged, fromKuidMunged } from '../kernel/userns.js';
import type { FileStat } from '../vfs/file-stat.js';
import type { Kstat } from '../vfs/stat.js';

/** The attributes with kernel ids turned into those of the caller's user namespace. */
export function seenStat(task: TaskStruct, stat: Kstat): FileStat {
  const { userNs } = task.cred;
  const uid = fromKuidMunged(userNs, stat.uid);
  return { ...stat, size: Number(stat.size), uid, gid: fromKgidMunged(userNs, stat.gid) };
}
