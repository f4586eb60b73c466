import { EINVAL, EPERM } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { CAP_AUDIT_CONTROL, capable } from '../kernel/capability.js';
import type { TaskStruct } from '../kernel/task.js';
import { fromKuid, INVALID_UID, makeKuid } from '../kernel/userns.js';
import { bytesOf } from '../vfs/byte-string.js';
import type { File, FileOperations } from '../vfs/file.js';
import { genericFileLlseek } from '../vfs/llseek.js';
import { simpleReadFromBuffer } from '../vfs/seq-file.js';
import { kstrto, textFromUser, UINT } from './kstrtox.js';
import { getProcTask, procTaskOf } from './proc-inode.js';
import { SideTable } from '../side-table.js';
import type { Kernel } from '../kernel/kernel.js';

/** Bytes of a number looked at (lib/kstrtox.c, kstrtou32_from_user()). */
const MAX_BYTES = 34;
const UNSET = 0xffffffff;

/** The kuid and session a task logged in with; absent: none. */
interface Login {
  readonly uid: number;
  readonly session: number;
}

const logins = new SideTable<TaskStruct, Login>('logins', 'TaskStruct');
/** The last session of a machine. */
const sessions = new SideTable<Kernel, number>('login sessions', 'Kernel');

/**
 * Who may log a task in: itself once, later only with CAP_AUDIT_CONTROL (kernel/auditsc.c
 * audit_set_loginuid_perm()).
 */
function mayLogin(caller: TaskStruct): boolean {
  return !logins.has(caller) || capable(caller, caller.kernel.initUserNs, CAP_AUDIT_CONTROL);
}

function write(caller: TaskStruct, file: File, text: string, pos: number | bigint): void {
  if (getProcTask(file.inode) !== caller) fail(EPERM);
  if (pos !== 0) fail(EINVAL);
  const uid = Number(kstrto(text, 10, UINT));
  const kuid = uid === UNSET ? INVALID_UID : makeKuid(file.cred.userNs, uid);
  if (uid !== UNSET && kuid === INVALID_UID) fail(EINVAL);
  if (!mayLogin(caller)) fail(EPERM);
  if (kuid === INVALID_UID) {
    logins.delete(caller);
    return;
  }
  const session = (sessions.get(caller.kernel) ?? 0) + 1;
  sessions.set(caller.kernel, session);
  logins.set(caller, { uid: kuid, session });
}

/**
 * /proc/PID/loginuid: who logged the task in, 4294967295 for nobody.
 * @throws {LinuxError} writing: EPERM: another's, or a second time; EINVAL: an id without a mapping
 * @see fs/proc/base.c proc_loginuid_operations
 */
export const loginuidOperations: FileOperations = {
  read(_caller, file, buf, pos) {
    const login = logins.get(procTaskOf(file));
    const uid = login === undefined ? INVALID_UID : fromKuid(file.cred.userNs, login.uid);
    return simpleReadFromBuffer(buf, pos, bytesOf(String(uid >>> 0)));
  },
  writeStays: true,
  write(caller, file, buf, pos) {
    write(caller, file, textFromUser(buf, MAX_BYTES), pos);
    return buf.length;
  },
  llseek: genericFileLlseek,
};

/** /proc/PID/sessionid: the session of that login (fs/proc/base.c proc_sessionid_operations). */
export const sessionidOperations: FileOperations = {
  read(_caller, file, buf, pos) {
    const session = logins.get(procTaskOf(file))?.session ?? UNSET;
    return simpleReadFromBuffer(buf, pos, bytesOf(String(session)));
  },
  llseek: genericFileLlseek,
};
