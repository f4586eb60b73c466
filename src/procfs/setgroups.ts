import { EACCES } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { mayOpenSetgroups, writeSetgroups } from '../kernel/id-map.js';
import type { TaskStruct } from '../kernel/task.js';
import type { UserNamespace } from '../kernel/userns.js';
import { FMODE_WRITE } from '../vfs/file.js';
import type { File, FileOperations } from '../vfs/file.js';
import { singleFile } from '../vfs/seq-file.js';
import { shortWrite } from './id-map.js';
import { procTaskOf } from './proc-inode.js';

/** Bytes a write may have, exclusive: "allow" or "deny" and white space. */
const WRITE_LIMIT = 8;

/**
 * Keeps the namespace the task has now.
 * @throws {LinuxError} ESRCH: the task is gone; EACCES: for writing without CAP_SYS_ADMIN in that
 *   namespace
 * @see fs/proc/base.c proc_setgroups_open()
 */
function open(caller: TaskStruct, file: File): void {
  const ns = procTaskOf(file).cred.userNs;
  if ((file.mode & FMODE_WRITE) !== 0 && !mayOpenSetgroups(caller, ns)) fail(EACCES);
  file.privateData = ns;
}

/**
 * /proc/PID/setgroups: whether setgroups(2) is allowed in the task's user namespace (K-413).
 * @throws {LinuxError} ESRCH; as the open above
 * @see kernel/user_namespace.c proc_setgroups_show(), proc_setgroups_write()
 */
export const setgroupsOperations: FileOperations = singleFile(
  (_caller, file) => ((file.privateData as UserNamespace).setgroupsAllowed ? 'allow\n' : 'deny\n'),
  {
    open,
    write(_caller, file, buf, pos) {
      writeSetgroups(file.privateData as UserNamespace, shortWrite(buf, WRITE_LIMIT), Number(pos));
      return buf.length;
    },
  },
);
