import { pidRevalidate, alwaysStands, procDefInodeOperations } from '../procfs/proc-inode.js';
import { attrDirStuff } from '../procfs/attr.js';
import { fdLinkOperations, fdRevalidate } from '../procfs/fd.js';
import { fdinfoFileInodeOperations, fdinfoFileOperations } from '../procfs/fdinfo.js';
import { rootFileInodeOperations } from '../procfs/generic.js';
import { mapFilesLinkOperations, mapFilesRevalidate } from '../procfs/map-files.js';
import { netDirStuff } from '../procfs/net.js';
import { nsLinkOperations } from '../procfs/ns.js';
import { socketOperations } from '../net/socket-file.js';
import type { PidEntry } from '../procfs/pid-entry.js';
import { tgidBaseStuff, tgidTaskDirectory, tidBaseStuff } from '../procfs/pid.js';
import * as sysctl from '../procfs/proc-sysctl.js';
import { fixedDirOperations, sysvipcOperations } from '../procfs/sysvipc.js';
import { rootFileOperations } from '../procfs/root-entries.js';
import * as procRoot from '../procfs/root.js';
import * as self from '../procfs/self.js';
import { ttyFileOperations } from '../procfs/tty.js';
import { attributeOperations, sysfsInodeOperations } from '../sysfs/sysfs.js';
import { anonInodeOperations } from '../syscall/anon-inode.js';
import { rulesetOperations } from '../syscall/landlock.js';
import { listenerOperations } from '../syscall/seccomp-listener.js';
import { pidfdOperations } from '../syscall/pidfd.js';
import { attachmentOperations } from '../vfs/shm-segments.js';
import { deletedName, ownName } from '../vfs/dentry.js';
import * as device from '../vfs/device.js';
import { directoryOperations } from '../vfs/directory.js';
import { epollOperations } from '../vfs/epoll.js';
import { eventfdOperations } from '../vfs/eventfd.js';
import { mqueueInodeOperations, mqueueOperations } from '../vfs/mqueue.js';
import { signalfdOperations } from '../vfs/signalfd.js';
import { timerfdOperations } from '../vfs/timerfd.js';
import {
  hostDirOperations,
  hostFileOperations,
  hostInodeOperations,
  hostRevalidate,
} from '../vfs/host-fs.js';
import {
  HOST_WRITE_TABLES,
  hostWriteFileOperations,
  hostWriteInodeOperations,
} from '../vfs/host-write.js';
import {
  lowerDirectoryOperations,
  lowerDirOperations,
  lowerFileInodeOperations,
  lowerFileOperations,
} from '../vfs/lower.js';
import { inotifyOperations } from '../vfs/inotify.js';
import { fifoOperations, pipeName, pipeOperations } from '../vfs/pipe.js';
import { secretmemInodeOperations, secretmemOperations } from '../vfs/secretmem.js';
import { shmemFileOperations } from '../vfs/shmem.js';
import { streamOperations } from '../vfs/stream-file.js';
import { ptmxOperations } from '../vfs/pty.js';
import { ttyOperations } from '../vfs/tty-file.js';
import { tmpfsDirOperations, tmpfsNodeOperations } from '../vfs/tmpfs.js';
import * as uffd from '../vfs/userfaultfd.js';

/** A function, or a table of functions, that state refers to: it is kept by its name. */
type Atom = object;

const NAMED: Readonly<Record<string, Atom>> = {
  'anon/inode': anonInodeOperations,
  'dentry/deletedName': deletedName,
  'dentry/ownName': ownName,
  'device/full': device.fullOperations,
  'device/none': device.noDeviceOperations,
  'device/null': device.nullOperations,
  'device/random': device.randomOperations,
  'device/userfaultfd': uffd.userfaultfdDeviceOperations,
  'device/zero': device.zeroOperations,
  epoll: epollOperations,
  eventfd: eventfdOperations,
  timerfd: timerfdOperations,
  signalfd: signalfdOperations,
  'proc/fixed/dir': fixedDirOperations,
  'hostfs/dir': hostDirOperations,
  'hostfs/file': hostFileOperations,
  'hostfs/revalidate': hostRevalidate,
  'hostfs/write': HOST_WRITE_TABLES,
  'hostfs/write-file': hostWriteFileOperations,
  'hostfs/write-inode': hostWriteInodeOperations,
  'hostfs/inode': hostInodeOperations,
  'lower/dir': lowerDirectoryOperations,
  'lower/dir-inode': lowerDirOperations,
  'lower/file': lowerFileOperations,
  'lower/inode': lowerFileInodeOperations,
  inotify: inotifyOperations,
  'landlock/ruleset': rulesetOperations,
  'seccomp/notify': listenerOperations,
  pidfd: pidfdOperations,
  mqueue: mqueueOperations,
  'mqueue/inode': mqueueInodeOperations,
  'pipe/fifo': fifoOperations,
  'pipe/name': pipeName,
  'pipe/pipe': pipeOperations,
  'proc/fd/link': fdLinkOperations,
  'proc/fd/revalidate': fdRevalidate,
  'proc/fdinfo/file': fdinfoFileOperations,
  'proc/fdinfo/inode': fdinfoFileInodeOperations,
  'proc/inode': procDefInodeOperations,
  'proc/map_files/link': mapFilesLinkOperations,
  'proc/map_files/revalidate': mapFilesRevalidate,
  'proc/mounts': self.mountsLinkOperations,
  'proc/net': self.netLinkOperations,
  'proc/ns/link': nsLinkOperations,
  'proc/revalidate': procRoot.procRevalidate,
  'proc/root/dir': procRoot.rootDirOperations,
  'proc/root/file': rootFileInodeOperations,
  'proc/root/inode': procRoot.rootInodeOperations,
  'proc/self': self.selfLinkOperations,
  'proc/stands': alwaysStands.revalidate,
  'proc/sys/dir': sysctl.sysctlDirOperations,
  'proc/sys/dir-inode': sysctl.sysctlDirInodeOperations,
  'proc/sys/file': sysctl.sysctlFileOperations,
  'proc/sys/file-inode': sysctl.sysctlInodeOperations,
  'proc/task/revalidate': pidRevalidate,
  'proc/tgid/dir': procRoot.tgidFileOperations,
  'proc/tgid/inode': procRoot.tgidInodeOperations,
  'proc/thread-self': self.threadSelfLinkOperations,
  'proc/tid/dir': tgidTaskDirectory.tid.fops,
  'proc/tid/inode': tgidTaskDirectory.tid.iops,
  'secretmem/file': secretmemOperations,
  'secretmem/inode': secretmemInodeOperations,
  'shm/attachment': attachmentOperations,
  'tmpfs/dir': directoryOperations,
  'tmpfs/dir-inode': tmpfsDirOperations,
  'tmpfs/file': shmemFileOperations,
  'tmpfs/inode': tmpfsNodeOperations,
  socket: socketOperations,
  'sysfs/file': attributeOperations,
  'sysfs/inode': sysfsInodeOperations,
  stream: streamOperations,
  ptmx: ptmxOperations,
  tty: ttyOperations,
  userfaultfd: uffd.userfaultfdOperations,
};

function* entryAtoms(dir: string, entries: readonly PidEntry[]): Generator<[string, Atom]> {
  for (const { name, iops, fops } of entries) {
    if (iops !== undefined) yield [`proc/${dir}/${name}/inode`, iops];
    if (fops !== undefined) yield [`proc/${dir}/${name}/file`, fops];
  }
}

function* allAtoms(): Generator<[string, Atom]> {
  yield* Object.entries(NAMED);
  for (const [name, fops] of Object.entries({ ...rootFileOperations, ...sysvipcOperations }))
    yield [`proc/${name}/file`, fops];
  for (const [name, fops] of Object.entries(ttyFileOperations)) {
    yield [`proc/tty/${name}/file`, fops];
  }
  yield* entryAtoms('PID', tgidBaseStuff);
  yield* entryAtoms('TID', tidBaseStuff);
  yield* entryAtoms('attr', attrDirStuff);
  yield* entryAtoms('net', netDirStuff);
}

const byName = new Map<string, Atom>();
const names = new Map<Atom, string>();
for (const [name, atom] of allAtoms()) {
  byName.set(name, atom);
  // Some are used in several places: the first name is written.
  if (!names.has(atom)) names.set(atom, name);
}

/** The name of a function or table; undefined where state may not refer to it. */
export function atomName(value: object): string | undefined {
  return names.get(value);
}

/** What a name stands for. */
export function atomNamed(name: string): Atom | undefined {
  return byName.get(name);
}
