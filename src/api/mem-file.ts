import { EBADF, ENOENT } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { actAs } from '../kernel/rusage.js';
import type { TaskStruct } from '../kernel/task.js';
import { HostBuffer } from '../mm/user.js';
import { memOperations } from '../procfs/mem.js';
import { procPidMakeInode } from '../procfs/proc-inode.js';
import { Dentry, type Path } from '../vfs/dentry.js';
import type { File } from '../vfs/file.js';
import { O_RDONLY, O_RDWR, O_WRONLY } from '../vfs/flags.js';
import { Inode } from '../vfs/inode.js';
import { MAY_READ, MAY_WRITE, S_IFDIR, S_IFREG } from '../vfs/mode.js';
import { Mount } from '../vfs/mount.js';
import { vfsOpen } from '../vfs/open.js';
import { inodePermission } from '../vfs/permission.js';
import { filePread, filePwrite } from '../vfs/read-write.js';
import { SuperBlock } from '../vfs/super-block.js';
import type { Vfs } from '../vfs/vfs.js';
import { bytesArgument, livingArgument, oneOf, u64Argument } from './arguments.js';

const MODES = {
  r: [O_RDONLY, MAY_READ],
  w: [O_WRONLY, MAY_WRITE],
  'r+': [O_RDWR, MAY_READ | MAY_WRITE],
} as const;

/** /proc/PID/mem of a task, opened without a tree of files around it. */
export class MemFile {
  readonly #task: TaskStruct;
  readonly #file: File;
  #open = true;

  /**
   * Use CoreTask.openMem().
   *
   * @internal
   */
  constructor(task: TaskStruct, file: File) {
    this.#task = task;
    this.#file = file;
  }

  /**
   * Reads at an address; protections of private mappings do not count.
   *
   * @returns bytes read, up to the first that cannot be; 0 when the memory is gone
   * @throws {LinuxError} EIO: not one byte; EBADF: closed, or not open for reading
   */
  pread(into: Uint8Array, position: number | bigint): number {
    const buf = new HostBuffer(bytesArgument('into', into));
    return filePread(this.#caller(), this.#file, buf, u64Argument('position', position));
  }

  /**
   * Writes at an address; protections of private mappings do not count.
   *
   * @returns bytes written, up to the first that cannot be; 0 when the memory is gone
   * @throws {LinuxError} EIO: not one byte; EBADF: closed, or not open for writing
   */
  pwrite(from: Uint8Array, position: number | bigint): number {
    const buf = new HostBuffer(bytesArgument('from', from));
    return filePwrite(this.#caller(), this.#file, buf, u64Argument('position', position));
  }

  /** Closes the file. @throws {LinuxError} EBADF: it is closed */
  close(): void {
    this.#caller();
    this.#open = false;
    this.#file.put();
  }

  #caller(): TaskStruct {
    // A task's exit closes its files.
    if (!this.#open || this.#task.exited) fail(EBADF);
    actAs(this.#task);
    return this.#task;
  }
}

/** The file system that the files are in: without a tree, of which it asks no more than the time. */
const PROC = new SuperBlock({ now: Date.now } as Vfs, 'proc', 0);
const ROOT = new Dentry('/', null, new Inode(PROC, S_IFDIR | 0o555, 0, 0, {}, {}));
const MOUNT = new Mount(1, ROOT, null);

/**
 * Opens the file as a walk along /proc/PID/mem does in its last step.
 *
 * @throws {LinuxError} EACCES, ENOENT, ESRCH: see CoreTask.openMem()
 */
export function openMemFile(
  caller: TaskStruct,
  target: TaskStruct,
  mode: keyof typeof MODES,
): MemFile {
  const [flags, mask] = MODES[oneOf('mode', mode, ['r', 'w', 'r+'])];
  if (target.threadPid.task !== target) fail(ENOENT);
  const inode = procPidMakeInode(PROC, target, { mode: S_IFREG | 0o600, fops: memOperations });
  livingArgument('task', caller);
  inodePermission(caller, inode, mask);
  const path: Path = { mnt: MOUNT, dentry: new Dentry('mem', null, inode) };
  return new MemFile(caller, vfsOpen(caller, path, flags));
}
