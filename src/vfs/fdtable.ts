import { EBADF, EMFILE } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { RLIMIT_NOFILE } from '../kernel/rlimit.js';
import type { TaskStruct } from '../kernel/task.js';
import type { TaskFiles } from '../kernel/task-files.js';
import { FMODE_PATH } from './file.js';
import type { File } from './file.js';
import { locksRemovePosix } from './locks.js';

/** The descriptors of a task (struct files_struct); tasks made with CLONE_FILES share one. */
export class FdTable implements TaskFiles {
  users = 1;
  private readonly files: (File | null)[] = [];
  private readonly cloexec: boolean[] = [];
  /** Every descriptor below it is taken. */
  private nextFd = 0;
  /** Slots allocated, as FDSize shows: never less than 64, doubled when full. */
  private slots = 64;

  /** Slots allocated (FDSize of status). */
  get size(): number {
    return this.slots;
  }

  /** A copy for a child without CLONE_FILES: the same open files under the same numbers. */
  dup(): FdTable {
    const copy = new FdTable();
    for (const fd of this.openFds()) {
      const file = this.files[fd] as File;
      file.get();
      copy.setSlot(fd, file, this.cloexec[fd] === true);
    }
    copy.nextFd = this.nextFd;
    return copy;
  }

  /** The last task that used it has gone: closes everything. */
  release(): void {
    for (const fd of this.openFds()) this.close(fd);
  }

  /** Closes what exec closes. */
  closeOnExec(): void {
    for (const fd of this.openFds()) if (this.cloexec[fd] === true) this.close(fd);
  }

  /** The open descriptors in rising order. */
  openFds(): number[] {
    const fds: number[] = [];
    for (let fd = 0; fd < this.files.length; fd++) if (this.files[fd] != null) fds.push(fd);
    return fds;
  }

  /** The lowest open descriptor from `fd` on, or null. */
  nextOpen(fd: number): number | null {
    for (let at = fd; at < this.files.length; at++) if (this.files[at] != null) return at;
    return null;
  }

  /** The open file of a descriptor, O_PATH ones too, or null (fdget_raw). */
  getRaw(fd: number): File | null {
    return this.files[fd] ?? null;
  }

  /**
   * The open file of a descriptor, O_PATH ones too.
   * @throws {LinuxError} EBADF: no such descriptor
   */
  rawFile(fd: number): File {
    return this.files[fd] ?? fail(EBADF);
  }

  /**
   * The open file of a descriptor, for calls that use its contents.
   * @throws {LinuxError} EBADF: no such descriptor, or opened with O_PATH
   * @see fs/file.c fdget()
   */
  get(fd: number): File {
    const file = this.files[fd];
    if (file == null || (file.mode & FMODE_PATH) !== 0) fail(EBADF);
    return file;
  }

  /**
   * The lowest free descriptor from `start`, not yet taken.
   * @throws {LinuxError} EMFILE: it would reach `limit`
   * @see fs/file.c alloc_fd()
   */
  lowestFree(limit: number, start = 0): number {
    let fd = Math.max(start, this.nextFd);
    while (this.files[fd] != null) fd += 1;
    if (fd >= limit) fail(EMFILE);
    return fd;
  }

  /** Puts an open file, whose reference passes to the table, under a free descriptor. */
  install(fd: number, file: File, cloexec: boolean): void {
    if (fd === this.nextFd) this.nextFd = fd + 1;
    this.setSlot(fd, file, cloexec);
  }

  /** Puts an open file under a descriptor, closing what was there (dup2). */
  replace(fd: number, file: File, cloexec: boolean): void {
    const old = this.files[fd] ?? null;
    this.setSlot(fd, file, cloexec);
    if (old !== null) this.filpClose(old);
  }

  /**
   * Closes a descriptor.
   * @throws {LinuxError} EBADF: not open
   */
  close(fd: number): void {
    const file = this.files[fd];
    if (file == null) fail(EBADF);
    this.files[fd] = null;
    this.nextFd = Math.min(this.nextFd, fd);
    this.filpClose(file);
  }

  /** A descriptor of an open file goes (fs/open.c filp_close()). */
  private filpClose(file: File): void {
    locksRemovePosix(file, this);
    file.put();
  }

  /** Whether exec closes the descriptor. */
  isCloexec(fd: number): boolean {
    return this.cloexec[fd] === true;
  }

  /** Sets whether exec closes the descriptor. */
  setCloexec(fd: number, cloexec: boolean): void {
    this.cloexec[fd] = cloexec;
  }

  private setSlot(fd: number, file: File, cloexec: boolean): void {
    while (this.files.length < fd) this.files.push(null);
    while (this.slots <= fd) this.slots *= 2;
    this.files[fd] = file;
    this.cloexec[fd] = cloexec;
  }
}

/**
 * The task's descriptor table.
 * @throws {LinuxError} EBADF: it has none, having exited
 * @see fs/file.c fget_task()
 */
export function filesOf(task: TaskStruct): FdTable {
  return task.files instanceof FdTable ? task.files : fail(EBADF);
}

/** Descriptors the task may reach, exclusive: the soft limit of RLIMIT_NOFILE. */
export function nofileLimit(task: TaskStruct): number {
  return task.group.rlimits.soft(RLIMIT_NOFILE);
}
