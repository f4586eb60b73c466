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
import { alwaysStands } from './proc-inode.js';
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

/** fs/proc/proc_sysctl.c proc_sys_file_operations */
function fileOperations(table: CtlTable): FileOperations {
  return {
    read: (caller, _file, buf, pos) => read(caller, table, buf, pos),
    write: (caller, _file, buf, pos) => write(caller, table, buf, pos),
    llseek: defaultLlseek,
    iter: true,
    spliceRead: true,
    spliceWrite: true,
  };
}

const fileIops: InodeOperations = { permission, setattr };

/** Makes the directories of /proc/sys as they are walked: settings may come with security modules. */
class SysctlDirectory {
  /** The path that is common to what is here, with its dot: `vm.`; empty for /proc/sys itself. */
  private readonly prefix: string;
  readonly iops: InodeOperations;
  readonly fops: FileOperations;

  constructor(prefix: string) {
    this.prefix = prefix;
    this.iops = {
      permission,
      setattr,
      lookup: (caller, dir, name) => this.lookup(caller, dir, name),
    };
    this.fops = {
      read: genericReadDir,
      llseek: genericFileLlseek,
      iterate: (caller, file) => this.iterate(caller, file),
    };
  }

  /** What is here, by name: a table, or null for a directory. */
  private entries(caller: TaskStruct): Map<string, CtlTable | null> {
    const found = new Map<string, CtlTable | null>();
    for (const table of ctlTables(caller.kernel)) {
      if (!table.name.startsWith(this.prefix)) continue;
      const [name = '', ...below] = table.name.slice(this.prefix.length).split('.');
      found.set(name, below.length === 0 ? table : null);
    }
    return found;
  }

  /**
   * @throws {LinuxError} ENOENT
   * @see fs/proc/proc_sysctl.c proc_sys_lookup()
   */
  private lookup(caller: TaskStruct, dir: Dentry, name: string): Dentry {
    const table = this.entries(caller).get(name);
    if (table === undefined) fail(ENOENT);
    const dentry =
      table === null
        ? new Dentry(name, dir, directoryInode(dir, `${this.prefix}${name}.`))
        : new Dentry(name, dir, fileInode(dir, table));
    dir.children.set(name, dentry);
    return dentry;
  }

  /** fs/proc/proc_sysctl.c proc_sys_readdir() */
  private *iterate(caller: TaskStruct, file: File): Generator<DirEntry, void, void> {
    const { dentry } = file.path;
    for (const name of this.entries(caller).keys()) {
      const { inode } = dentry.children.get(name) ?? this.lookup(caller, dentry, name);
      yield { name, ino: inode.ino, type: fsUmodeToDtype(inode.mode) };
    }
  }
}

function fileInode(dir: Dentry, table: CtlTable): Inode {
  const mode = S_IFREG | table.mode;
  const inode = new Inode(dir.inode.sb, mode, 0, 0, fileIops, fileOperations(table));
  inode.privateData = alwaysStands;
  return inode;
}

function directoryInode(dir: Dentry, prefix: string): Inode {
  const { iops, fops } = new SysctlDirectory(prefix);
  const inode = new Inode(dir.inode.sb, S_IFDIR | 0o555, 0, 0, iops, fops);
  inode.nlink = 1;
  inode.privateData = alwaysStands;
  return inode;
}

/**
 * Hangs /proc/sys into a proc file system.
 * @see fs/proc/proc_sysctl.c proc_sys_init()
 */
export function sysctlDirectory(root: Dentry): void {
  root.children.set('sys', new Dentry('sys', root, directoryInode(root, '')));
}
