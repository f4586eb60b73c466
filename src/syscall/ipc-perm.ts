import { EINVAL } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { checkIpcOwner, type IpcObject } from '../kernel/ipc/perm.js';
import type { TaskStruct } from '../kernel/task.js';
import { fromKgidMunged, fromKuidMunged, makeKgid, makeKuid } from '../kernel/userns.js';

/**
 *     struct ipc64_perm   0 key   4 uid   8 gid   12 cuid   16 cgid   20 mode   24 seq   …   48
 */
export function encodePerm({ cred }: TaskStruct, object: IpcObject, view: DataView): void {
  view.setInt32(0, object.key, true);
  view.setUint32(4, fromKuidMunged(cred.userNs, object.uid), true);
  view.setUint32(8, fromKgidMunged(cred.userNs, object.gid), true);
  view.setUint32(12, fromKuidMunged(cred.userNs, object.cuid), true);
  view.setUint32(16, fromKgidMunged(cred.userNs, object.cgid), true);
  view.setUint32(20, object.mode, true);
  view.setUint16(24, object.id >> 15, true);
}

/**
 * IPC_SET: owner and permission bits.
 *
 * @throws {LinuxError} EPERM: neither owner nor creator; EINVAL: an id without mapping
 * @see ipc/util.c, ipc_update_perm()
 */
export function setPerm(task: TaskStruct, object: IpcObject, view: DataView): void {
  checkIpcOwner(task, object);
  const uid = makeKuid(task.cred.userNs, view.getUint32(4, true));
  const gid = makeKgid(task.cred.userNs, view.getUint32(8, true));
  if (uid < 0 || gid < 0) fail(EINVAL);
  object.uid = uid;
  object.gid = gid;
  object.mode = (object.mode & ~0o777) | (view.getUint32(20, true) & 0o777);
}
