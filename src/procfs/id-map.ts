import { EFAULT, EINVAL, EPERM } from '../../assembly/abi/errno.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { fail } from '../errno.js';
import { readIdMap, writeIdMap } from '../kernel/id-map.js';
import type { TaskStruct } from '../kernel/task.js';
import type { IdMapKind, UserNamespace } from '../kernel/userns.js';
import type { UserBuffer } from '../mm/user.js';
import { byteStringOf } from '../vfs/byte-string.js';
import type { File, FileOperations } from '../vfs/file.js';
import { singleFile } from '../vfs/seq-file.js';
import type { U64 } from '../vfs/u64.js';
import { getProcTask } from './proc-inode.js';

/**
 * Keeps the namespace the task has now.
 * @throws {LinuxError} EINVAL: the task is gone
 * @see fs/proc/base.c proc_id_map_open()
 */
function open(_caller: TaskStruct, file: File): void {
  file.privateData = getProcTask(file.inode)?.cred.userNs ?? fail(EINVAL);
}

/** The bytes of a write of less than a page. @throws {LinuxError} EFAULT; EINVAL: a page or more */
export function shortWrite(buf: UserBuffer, limit: number): string {
  if (buf.length >= limit) fail(EINVAL);
  const bytes = new Uint8Array(buf.length);
  if (buf.copyFrom(0, bytes) < bytes.length) fail(EFAULT);
  return byteStringOf(bytes);
}

function write(kind: IdMapKind, caller: TaskStruct, file: File, buf: UserBuffer, pos: U64): number {
  const ns = file.privateData as UserNamespace;
  // Who may write is judged before what is written.
  if (ns.parent === null) fail(EPERM);
  if (file.cred.userNs !== ns && file.cred.userNs !== ns.parent) fail(EPERM);
  writeIdMap(ns, kind, file.cred, caller, shortWrite(buf, PAGE_SIZE), Number(pos));
  return buf.length;
}

/**
 * /proc/PID/uid_map, gid_map or projid_map: the ids of the task's user namespace, written once (K-413).
 * @see fs/proc/base.c proc_uid_map_operations, kernel/user_namespace.c
 */
export function idMapOperations(kind: IdMapKind): FileOperations {
  const show = (_caller: TaskStruct, file: File): string =>
    readIdMap(file.privateData as UserNamespace, kind, file.cred.userNs);
  return singleFile(show, {
    open,
    write: (caller, file, buf, pos) => write(kind, caller, file, buf, pos),
  });
}
