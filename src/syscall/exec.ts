import { EACCES, EBUSY, ENOENT, ETXTBSY } from '../../assembly/abi/errno.js';
import { fail, LinuxError } from '../errno.js';
import type { ExecFile } from '../kernel/exec-creds.js';
import { execve } from '../kernel/exec.js';
import type { TaskStruct } from '../kernel/task.js';
import { ExeFile } from '../vfs/exe-file.js';
import { filesOf } from '../vfs/fdtable.js';
import { File } from '../vfs/file.js';
import { AT_FDCWD, O_RDONLY } from '../vfs/flags.js';
import type { Inode } from '../vfs/inode.js';
import { isReg, MAY_EXEC, MAY_OPEN, MAY_READ } from '../vfs/mode.js';
import { filenameLookup, LOOKUP_FOLLOW } from '../vfs/namei.js';
import { vfsOpen } from '../vfs/open.js';
import { inodePermission } from '../vfs/permission.js';
import { loadProgram } from './program.js';

/**
 * Opens a file to run it.
 *
 * @throws {LinuxError} ENOENT, ENOTDIR, ELOOP: no such path; EACCES: no file, or not executable; ETXTBSY: open
 *   to be written
 * @see fs/exec.c, do_open_execat()
 */
export function openExec(task: TaskStruct, path: string): File {
  if (path === '') fail(ENOENT);
  const found = filenameLookup(task, AT_FDCWD, path, LOOKUP_FOLLOW);
  const { inode } = found.dentry;
  inodePermission(task, inode, MAY_OPEN | MAY_EXEC);
  if (!isReg(inode.mode)) fail(EACCES);
  if (inode.writers > 0) fail(ETXTBSY);
  return vfsOpen(task, found, O_RDONLY);
}

/** An open file as exec sees it: owner, mode, and whether the caller could read it. */
export class ExecutableFile extends ExeFile implements ExecFile {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
  readonly readable: boolean;
  /** The attribute `security.capability` is not looked at. */
  readonly caps = null;
  readonly nosuid = false;

  constructor(task: TaskStruct, file: File) {
    super(file);
    const { inode } = file;
    this.uid = inode.uid;
    this.gid = inode.gid;
    this.mode = inode.mode;
    this.readable = isReadable(task, inode);
  }
}

function isReadable(task: TaskStruct, inode: Inode): boolean {
  try {
    inodePermission(task, inode, MAY_READ);
    return true;
  } catch (error) {
    if (error instanceof LinuxError) return false;
    throw error;
  }
}

/**
 * Replaces a task's memory by a program's, with the effects on credentials, dumpable and
 * descriptors that follow from its owner and mode; see loadProgram() for what is mapped.
 *
 * @throws {LinuxError} what openExec() refuses; EPERM: see execCreds(); ENOMEM: no memory
 * @see fs/exec.c, do_execveat_common()
 */
export function execProgram(
  task: TaskStruct,
  path: string,
  argv: readonly string[],
  env: readonly string[],
): void {
  const file = openExec(task, path);
  try {
    execve(task, new ExecutableFile(task, file), (mm, { secureexec }) => {
      // A program without arguments gets an empty one (K-608).
      const adds = argv.length === 0 && task.kernel.profile.execAddsArgument;
      loadProgram(task, mm, { file, argv: adds ? [''] : argv, env, secureexec });
    });
  } finally {
    file.put(); // the memory has references of its own
  }
}

/**
 * The program that PR_SET_MM_EXE_FILE gives the caller's memory, with a reference.
 *
 * @throws {LinuxError} EBADF: no descriptor; EACCES: not a program the caller may run; EBUSY: the
 * old one is still mapped
 * @see kernel/sys.c, prctl_set_mm_exe_file(), and kernel/fork.c, replace_mm_exe_file()
 */
export function exeFileOf(task: TaskStruct, fd: number): ExeFile {
  const file = filesOf(task).get(fd);
  const { inode } = file;
  if (!isReg(inode.mode)) fail(EACCES);
  inodePermission(task, inode, MAY_EXEC);
  const old = task.mm?.exeFile;
  for (const vma of task.mm?.vmas() ?? []) {
    const mapped = vma.file instanceof File && vma.file.inode;
    if (old instanceof ExeFile && mapped === old.file.inode) fail(EBUSY);
  }
  file.get();
  return new ExeFile(file);
}
