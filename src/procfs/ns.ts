import { EACCES, EINVAL, ENOENT } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { PTRACE_MODE_READ_FSCREDS, ptraceMayAccess } from '../kernel/ptrace.js';
import type { TaskStruct } from '../kernel/task.js';
import { UserNamespace } from '../kernel/userns.js';
import { Dentry, ownName } from '../vfs/dentry.js';
import type { Path } from '../vfs/dentry.js';
import { genericReadDir } from '../vfs/directory.js';
import type { File, FileOperations } from '../vfs/file.js';
import { Inode } from '../vfs/inode.js';
import type { InodeOperations } from '../vfs/inode.js';
import { genericFileLlseek } from '../vfs/llseek.js';
import { S_IFDIR, S_IFLNK, S_IFREG } from '../vfs/mode.js';
import { Mount } from '../vfs/mount.js';
import type { Vfs } from '../vfs/vfs.js';
import { pidGetattr } from './hidepid.js';
import { fillDirectory } from './pid-entry.js';
import { getProcTask, procInstantiate, procSetattr } from './proc-inode.js';
import { SideTable } from '../side-table.js';

/** A namespace as files name it: its type and inode number. */
interface NsRef {
  readonly type: string;
  readonly inum: number;
  /** The namespace itself, of the only type that has more than one. */
  readonly user: UserNamespace | null;
}

/** One entry of the directory ns: what a link leads to. Null: the task has left that namespace. */
type NsOf = (task: TaskStruct) => NsRef | null;

const init = (type: string, inum: number): NsRef => ({ type, inum, user: null });
/** Namespaces a zombie has left (nsproxy) show nothing. */
const ofLiving =
  (type: string, inum: number): NsOf =>
  (task) =>
    task.exited ? null : init(type, inum);

/** The entries, in Linux's order, with the inode numbers of include/uapi/linux/nsfs.h. */
const NS_ENTRIES: ReadonlyMap<string, NsOf> = new Map<string, NsOf>([
  ['net', ofLiving('net', 4026531833)],
  ['uts', ofLiving('uts', 4026531838)],
  ['ipc', ofLiving('ipc', 4026531839)],
  ['pid', () => init('pid', 4026531836)],
  ['pid_for_children', ofLiving('pid', 4026531836)],
  ['user', ({ cred }) => ({ type: 'user', inum: cred.userNs.inum, user: cred.userNs })],
  ['mnt', ofLiving('mnt', 4026531832)],
  ['cgroup', ofLiving('cgroup', 4026531835)],
  ['time', ofLiving('time', 4026531834)],
  ['time_for_children', ofLiving('time', 4026531834)],
]);

/** A namespace as an open file: nothing to read. */
const nsFileOperations: FileOperations = {};

/** nsfs of one machine: a mount outside the tree and its files, one a namespace. */
interface Nsfs {
  readonly mount: Mount;
  readonly dentries: Map<number, Dentry>;
}

const nsfsByVfs = new SideTable<Vfs, Nsfs>('nsfs', 'Vfs');

function nsfsOf(vfs: Vfs): Nsfs {
  let nsfs = nsfsByVfs.get(vfs);
  if (nsfs === undefined) {
    const sb = vfs.newSuperBlock('nsfs');
    const root = new Dentry('', null, new Inode(sb, S_IFDIR | 0o555, 0, 0, {}, nsFileOperations));
    nsfs = { mount: new Mount(0, root, null), dentries: new Map() };
    nsfsByVfs.set(vfs, nsfs);
  }
  return nsfs;
}

/** Where a link to a namespace leads (fs/nsfs.c ns_get_path()). */
function nsPath(vfs: Vfs, ns: NsRef): Path {
  const { mount, dentries } = nsfsOf(vfs);
  let dentry = dentries.get(ns.inum);
  if (dentry === undefined) {
    const { sb } = mount.root.inode;
    const inode = new Inode(sb, S_IFREG | 0o444, 0, 0, {}, nsFileOperations, ns.inum);
    inode.privateData = ns.user;
    inode.immutable = true;
    dentry = new Dentry(`${ns.type}:[${ns.inum}]`, null, inode, ownName);
    dentries.set(ns.inum, dentry);
  }
  return { mnt: mount, dentry };
}

/**
 * The user namespace an open file stands for: what setns(2) is given.
 * @throws {LinuxError} EINVAL: no file of a namespace, or of another type
 */
export function userNsOfFile(file: File): UserNamespace {
  const ns = file.inode.privateData;
  return file.inode.sb.type === 'nsfs' && ns instanceof UserNamespace ? ns : fail(EINVAL);
}

/** @throws {LinuxError} EACCES: may not, or the task is gone; ENOENT: it has left the namespace */
function nsOf(caller: TaskStruct, inode: Inode, name: string): NsRef {
  const task = getProcTask(inode);
  if (task === null || !ptraceMayAccess(caller, task, PTRACE_MODE_READ_FSCREDS)) fail(EACCES);
  return NS_ENTRIES.get(name)?.(task) ?? fail(ENOENT);
}

/** fs/proc/namespaces.c proc_ns_link_inode_operations */
export const nsLinkOperations: InodeOperations = {
  getLink: (caller, inode, dentry) => nsPath(inode.sb.vfs, nsOf(caller, inode, dentry.name)),
  readlink(caller, inode, dentry) {
    const { type, inum } = nsOf(caller, inode, dentry.name);
    return `${type}:[${inum}]`;
  },
  setattr: procSetattr,
};

/** /proc/PID/ns as a directory to search (fs/proc/namespaces.c proc_ns_dir_inode_operations). */
export const nsInodeOperations: InodeOperations = {
  lookup(_caller, dir, name) {
    const task = getProcTask(dir.inode) ?? fail(ENOENT);
    if (!NS_ENTRIES.has(name)) fail(ENOENT);
    return procInstantiate(dir, name, task, { mode: S_IFLNK | 0o777, iops: nsLinkOperations });
  },
  getattr: pidGetattr,
  setattr: procSetattr,
};

/** /proc/PID/ns as a directory to list (fs/proc/namespaces.c proc_ns_dir_operations). */
export const nsOperations: FileOperations = {
  read: genericReadDir,
  llseek: genericFileLlseek,
  iterate(caller, file) {
    if (getProcTask(file.inode) === null) fail(ENOENT);
    return fillDirectory(caller, file, NS_ENTRIES.keys());
  },
};
