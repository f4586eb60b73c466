import type { IpcObject } from '../kernel/ipc/perm.js';
import type { MsgQueue } from '../kernel/ipc/msg.js';
import type { SemSet } from '../kernel/ipc/sem.js';
import type { TaskStruct } from '../kernel/task.js';
import { fromKgidMunged, fromKuidMunged } from '../kernel/userns.js';
import { Dentry } from '../vfs/dentry.js';
import { genericReadDir } from '../vfs/directory.js';
import type { FileOperations } from '../vfs/file.js';
import { Inode } from '../vfs/inode.js';
import { genericFileLlseek } from '../vfs/llseek.js';
import { fsUmodeToDtype, S_IFDIR } from '../vfs/mode.js';
import { countMappings, type ShmSegment, shmSegmentsOf } from '../vfs/shm-segments.js';
import { procCreateSingle, procSingle, rootFileInodeOperations } from './generic.js';
import { alwaysStands } from './proc-inode.js';

const left = (width: number) => (value: number | string) => String(value).padStart(width);
const [five, ten, long] = [left(5), left(10), left(21)];

/** Key, number and permissions, as all three begin. */
const head = ({ key, id, mode }: IpcObject): string =>
  `${ten(key)} ${ten(id)}  ${mode.toString(8).padStart(4)}`;

function owners({ cred: { userNs } }: TaskStruct, { uid, gid, cuid, cgid }: IpcObject): string {
  const ids = [
    fromKuidMunged(userNs, uid),
    fromKgidMunged(userNs, gid),
    fromKuidMunged(userNs, cuid),
    fromKgidMunged(userNs, cgid),
  ];
  return ids.map(five).join(' ');
}

const SEM =
  '       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n';
const MSG =
  '       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid      stime' +
  '      rtime      ctime\n';
const SHM =
  '       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid' +
  '      atime      dtime      ctime                   rss                  swap\n';

/** @see ipc/sem.c sysvipc_sem_proc_show() */
function semLine(task: TaskStruct, set: SemSet): string {
  const times = [set.otime, set.ctime].map(ten).join(' ');
  return `${head(set)} ${ten(set.sems.length)} ${owners(task, set)} ${times}\n`;
}

/** @see ipc/msg.c sysvipc_msg_proc_show() */
function msgLine(task: TaskStruct, queue: MsgQueue): string {
  const { cbytes, messages, lspid, lrpid, stime, rtime, ctime } = queue;
  const contents = `${ten(cbytes)} ${ten(messages.length)} ${five(lspid)} ${five(lrpid)}`;
  return `${head(queue)}  ${contents} ${owners(task, queue)} ${[stime, rtime, ctime].map(ten).join(' ')}\n`;
}

/** @see ipc/shm.c sysvipc_shm_proc_show() */
function shmLine(task: TaskStruct, segment: ShmSegment): string {
  const { size, creatorPid, lastPid, atime, dtime, ctime } = segment;
  const users = `${five(creatorPid)} ${five(lastPid)}  ${five(countMappings(task, segment))}`;
  const resident = (segment.path.dentry.inode.pages?.cachedPages ?? 0) * 4096;
  const times = [atime, dtime, ctime].map(ten).join(' ');
  return `${head(segment)} ${long(size)} ${users} ${owners(task, segment)} ${times} ${long(resident)} ${long(0)}\n`;
}

/** The files, each a table of what there is. */
export const sysvipcOperations: Readonly<Record<string, FileOperations>> = {
  shm: procSingle((task) => SHM + lines(task, shmSegmentsOf(task).ids.list(), shmLine)),
  sem: procSingle((task) => SEM + lines(task, task.kernel.ipc.sems.list(), semLine)),
  msg: procSingle((task) => MSG + lines(task, task.kernel.ipc.msgs.list(), msgLine)),
};

function lines<T>(
  task: TaskStruct,
  objects: readonly T[],
  show: (task: TaskStruct, object: T) => string,
): string {
  return objects.map((object) => show(task, object)).join('');
}

/** A directory of the root that holds what hangs below it. */
export const fixedDirOperations: FileOperations = {
  read: genericReadDir,
  llseek: genericFileLlseek,
  *iterate(_caller, file) {
    for (const { name, inode } of file.path.dentry.children.values()) {
      yield { name, ino: inode.ino, type: fsUmodeToDtype(inode.mode) };
    }
  },
};

/**
 * /proc/sysvipc: what there is of System V.
 * @see ipc/util.c ipc_init_proc_interface()
 */
export function sysvipcDirectory(root: Dentry): void {
  const { sb } = root.inode;
  const inode = new Inode(sb, S_IFDIR | 0o555, 0, 0, rootFileInodeOperations, fixedDirOperations);
  inode.privateData = alwaysStands;
  inode.nlink = 2;
  const directory = new Dentry('sysvipc', root, inode);
  root.setChild('sysvipc', directory);
  for (const [name, fops] of Object.entries(sysvipcOperations)) {
    procCreateSingle(directory, name, fops);
  }
}
