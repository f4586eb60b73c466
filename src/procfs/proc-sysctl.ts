import { EACCES, EFAULT, ENOENT, ENOMEM, EPERM } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import type { UserBuffer } from '../mm/user.js';
import { setattrCopy, setattrPrepare } from '../vfs/attr.js';
import { byteStringOf, bytesOf } from '../vfs/byte-string.js';
import { Dentry } from '../vfs/dentry.js';
import { genericReadDir } from '../vfs/directory.js';
import type { DirEntry, File, FileOperations } from '../vfs/file.js';
import { Inode } from '../vfs/inode.js';
import type { Iattr, InodeOperations } from '../vfs/inode.js';
import { defaultLlseek, genericFileLlseek } from '../vfs/llseek.js';
import { fsUmodeToDtype, MAY_EXEC, MAY_READ, MAY_WRITE, S_IFDIR, S_IFREG } from '../vfs/mode.js';
import { simpleReadFromBuffer } from '../vfs/seq-file.js';
import type { U64 } from '../vfs/u64.js';
import { alwaysStands, type ProcInode } from './proc-inode.js';
import { ctlTables } from './sysctl-table.js';
import type { CtlTable } from './sysctl-table.js';

/** KMALLOC_MAX_SIZE: the kernel's buffer for one read or write, bytes. */
const MAX_TRANSFER = 4 * 2 ** 20;

/** Whether the bits of a mode cover a mask, for root, its group or the others; no capability helps. */
function testPerm(caller: TaskStruct, mode: number, mask: number): boolean {
  const { euid, egid, groups } = caller.cred;
  const shift = euid === 0 ? 6 : egid === 0 || groups.includes(0) ? 3 : 0;
  return (mask & ~(mode >> shift) & (MAY_READ | MAY_WRITE | MAY_EXEC)) === 0;
}

/**
 * @throws {LinuxError} EACCES
 * @see fs/proc/proc_sysctl.c proc_sys_permission()
 */
function permission(caller: TaskStruct, inode: Inode, mask: number): void {
  if (!testPerm(caller, inode.mode, mask)) fail(EACCES);
}

/**
 * @throws {LinuxError} EPERM: mode or owner
 * @see fs/proc/proc_sysctl.c proc_sys_setattr()
 */
function setattr(task: TaskStruct, inode: Inode, attr: Iattr): void {
  if (attr.mode !== undefined || attr.uid !== undefined || attr.gid !== undefined) fail(EPERM);
  setattrPrepare(task, inode, attr);
  setattrCopy(inode, attr);
}

/** Asks again at each transfer, for whoever uses the descriptor then (proc_sys_call_handler()). */
function checkTransfer(caller: TaskStruct, table: CtlTable, buf: UserBuffer, mask: number): void {
  if (!testPerm(caller, table.mode, mask)) fail(EPERM);
  if (buf.length >= MAX_TRANSFER) fail(ENOMEM);
}

/** @throws {LinuxError} EPERM; ENOMEM: 4 MiB and more; EFAULT */
function read(caller: TaskStruct, table: CtlTable, buf: UserBuffer, pos: U64): number {
  checkTransfer(caller, table, buf, MAY_READ);
  if (!table.isText && pos !== 0) return 0;
  return simpleReadFromBuffer(buf, pos, bytesOf(`${table.show(caller.kernel)}\n`));
}

/**
 * A write at another place than the start is taken and ignored (kernel.sysctl_writes_strict).
 * @throws {LinuxError} EPERM; ENOMEM: 4 MiB and more; EFAULT; EINVAL: no value for it
 */
function write(caller: TaskStruct, table: CtlTable, buf: UserBuffer, pos: U64): number {
  checkTransfer(caller, table, buf, MAY_WRITE);
  const bytes = new Uint8Array(buf.length);
  if (buf.copyFrom(0, bytes) < bytes.length) fail(EFAULT);
  if (bytes.length === 0 || pos !== 0) return bytes.length;
  return table.store?.(caller, byteStringOf(bytes)) ?? fail(EPERM);
}

/** What an inode of /proc/sys keeps: the setting's name, or what the names below it begin with. */
interface SysctlInode extends Pick<ProcInode, 'revalidate'> {
  readonly sysctl: string;
}

function sysctlOf(inode: Inode): string {
  return (inode.privateData as SysctlInode).sysctl;
}

function tableOf(caller: TaskStruct, { inode }: File): CtlTable {
  const name = sysctlOf(inode);
  return ctlTables(caller.kernel).find((table) => table.name === name) ?? fail(ENOENT);
}

/** fs/proc/proc_sysctl.c proc_sys_file_operations */
export const sysctlFileOperations: FileOperations = {
  read: (caller, file, buf, pos) => read(caller, tableOf(caller, file), buf, pos),
  write: (caller, file, buf, pos) => write(caller, tableOf(caller, file), buf, pos),
  llseek: defaultLlseek,
  iter: true,
  spliceRead: true,
  spliceWrite: true,
};

export const sysctlInodeOperations: InodeOperations = { permission, setattr };

/** What is directly below a directory: settings, and the names of directories further down. */
function entries(caller: TaskStruct, dir: Dentry): Map<string, CtlTable | null> {
  const prefix = sysctlOf(dir.inode);
  const found = new Map<string, CtlTable | null>();
  for (const table of ctlTables(caller.kernel)) {
    if (!table.name.startsWith(prefix)) continue;
    const [name = '', ...below] = table.name.slice(prefix.length).split('.');
    found.set(name, below.length === 0 ? table : null);
  }
  return found;
}

function lookup(caller: TaskStruct, dir: Dentry, name: string): Dentry {
  const table = entries(caller, dir).get(name);
  if (table === undefined) fail(ENOENT);
  const dentry =
    table === null
      ? new Dentry(name, dir, directoryInode(dir, `${sysctlOf(dir.inode)}${name}.`))
      : new Dentry(name, dir, fileInode(dir, table));
  dir.setChild(name, dentry);
  return dentry;
}

function* iterate(caller: TaskStruct, file: File): Generator<DirEntry, void, void> {
  const { dentry } = file.path;
  for (const name of entries(caller, dentry).keys()) {
    const { inode } = dentry.child(name) ?? lookup(caller, dentry, name);
    yield { name, ino: inode.ino, type: fsUmodeToDtype(inode.mode) };
  }
}

/** Makes the directories of /proc/sys as they are walked: settings may come with security modules. */
export const sysctlDirInodeOperations: InodeOperations = { permission, setattr, lookup };

export const sysctlDirOperations: FileOperations = {
  read: genericReadDir,
  llseek: genericFileLlseek,
  iterate,
};

function fileInode(dir: Dentry, table: CtlTable): Inode {
  const mode = S_IFREG | table.mode;
  const inode = new Inode(dir.inode.sb, mode, 0, 0, sysctlInodeOperations, sysctlFileOperations);
  inode.privateData = { ...alwaysStands, sysctl: table.name } satisfies SysctlInode;
  return inode;
}

function directoryInode(dir: Dentry, prefix: string): Inode {
  const mode = S_IFDIR | 0o555;
  const inode = new Inode(dir.inode.sb, mode, 0, 0, sysctlDirInodeOperations, sysctlDirOperations);
  inode.nlink = 1;
  inode.privateData = { ...alwaysStands, sysctl: prefix } satisfies SysctlInode;
  return inode;
}

/**
 * Hangs /proc/sys into a proc file system.
 * @see fs/proc/proc_sysctl.c proc_sys_init()
 */
export function sysctlDirectory(root: Dentry): void {
  root.setChild('sys', new Dentry('sys', root, directoryInode(root, '')));
}
