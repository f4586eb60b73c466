import { EINVAL } from '../../assembly/abi/errno.js';
import { fail, LinuxError } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import { acting, mustAct } from '../mm/acting.js';
import { sysChdir } from '../vfs/fs-calls.js';
import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  O_APPEND,
  O_CLOEXEC,
  O_CREAT,
  O_NONBLOCK,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
  PATH_MAX,
} from '../vfs/flags.js';
import { memfdCreate } from '../vfs/memfd.js';
import { mkdirat, unlinkat } from '../vfs/namei-modify.js';
import { openat } from '../vfs/open.js';
import { readdir } from '../vfs/readdir.js';
import { readlinkat, vfsStatat } from '../vfs/stat.js';
import { UFFD_FEATURES } from '../mm/userfaultfd.js';
import { sysUserfaultfd, UFFD_USER_MODE_ONLY } from '../vfs/userfaultfd.js';
import {
  booleanArgument,
  bytesArgument,
  functionArgument,
  intArgument,
  nameArgument,
  objectArgument,
  shown,
} from './arguments.js';
import type { FileStat } from '../vfs/file-stat.js';
import { seenStat } from './file-stat.js';
import { OpenFile } from './open-file.js';
import { TaskIdentity } from './task-identity.js';
import { Userfaultfd, type UserfaultfdOptions } from './userfaultfd.js';

/** Node's words for the usual ways to open a file. */
const OPEN_MODES = {
  r: O_RDONLY,
  'r+': O_RDWR,
  w: O_WRONLY | O_CREAT | O_TRUNC,
  'w+': O_RDWR | O_CREAT | O_TRUNC,
  a: O_WRONLY | O_CREAT | O_APPEND,
  'a+': O_RDWR | O_CREAT | O_APPEND,
} as const;

/** How to open a file: Node's words, or O_* bits. */
export type OpenMode = keyof typeof OPEN_MODES | number;

const CHUNK = 65536;

/** The files of a task: what it opens and sees. Part of Task. */
export abstract class TaskFiles extends TaskIdentity {
  /**
   * Opens a file.
   *
   * @param flags O_* bits, or `r` (default), `r+`, `w`, `w+`, `a`, `a+`
   * @param mode permission bits of a file it creates
   * @throws {LinuxError} ENOENT, EACCES, ESRCH and all that open(2) answers
   * @throws {TypeError | RangeError} flags is neither bits nor one of the words
   */
  open(path: string | Uint8Array, flags: OpenMode = 'r', mode = 0o666): OpenFile {
    const bits = openFlags(flags);
    intArgument('mode', mode, 0, 0o177777);
    return this.#call('open', path, (task, name) => {
      return new OpenFile(task, openat(task, AT_FDCWD, name, bits, mode), name);
    });
  }

  /** A handle for a descriptor that is open already: one inherited, or opened by a system call. */
  file(fd: number): OpenFile {
    return new OpenFile(this.living, intArgument('fd', fd, 0, 0x7fffffff), `fd ${fd}`);
  }

  /** Makes a file in memory without a name in any directory. @throws {LinuxError} EINVAL, EMFILE */
  memfdCreate(name: string | Uint8Array, flags = 0): OpenFile {
    const text = nameArgument('name', name);
    intArgument('flags', flags, 0, 0xffffffff);
    return this.#call('memfd_create', text, (task) => {
      return new OpenFile(task, memfdCreate(task, text, flags), `memfd:${text}`);
    });
  }

  /**
   * Opens a userfaultfd for the memory of the task.
   *
   * @throws {LinuxError} EPERM: without CAP_SYS_PTRACE only userModeOnly is to be had, unless
   *   vm.unprivileged_userfaultfd says otherwise; EINVAL: features that are not there; EMFILE
   */
  userfaultfd(options: UserfaultfdOptions = {}): Userfaultfd {
    const { features = 0, userModeOnly = false, onFault } = objectArgument('options', options);
    intArgument('features', features, 0, 0x7fffffff);
    booleanArgument('userModeOnly', userModeOnly);
    if (onFault !== undefined) functionArgument('onFault', onFault);
    return this.#call('userfaultfd', 'anon_inode:[userfaultfd]', (task) => {
      if ((features & ~UFFD_FEATURES) !== 0) fail(EINVAL);
      const flags = O_CLOEXEC | O_NONBLOCK | (userModeOnly ? UFFD_USER_MODE_ONLY : 0);
      const uffd = new Userfaultfd(task, sysUserfaultfd(task, flags));
      uffd.initialize(features);
      uffd.onFault = onFault ?? null;
      return uffd;
    });
  }

  /** A handle for a userfaultfd that the task opened by a system call. @throws {LinuxError} EBADF, EINVAL */
  userfaultfdOf(fd: number): Userfaultfd {
    return new Userfaultfd(this.living, intArgument('fd', fd, 0, 0x7fffffff));
  }

  /** The whole contents of a file. @throws {LinuxError} as open() and read() */
  readFile(path: string | Uint8Array): Uint8Array {
    const file = this.open(path);
    const chunks: Uint8Array[] = [];
    try {
      let chunk = new Uint8Array(CHUNK);
      for (let n = file.read(chunk); n > 0; n = file.read(chunk)) {
        chunks.push(chunk.subarray(0, n));
        chunk = new Uint8Array(CHUNK);
      }
    } finally {
      file.close();
    }
    return concat(chunks);
  }

  /** The whole contents of a file as UTF-8 text. @throws {LinuxError} as open() and read() */
  readText(path: string | Uint8Array): string {
    return new TextDecoder().decode(this.readFile(path));
  }

  /** Creates or replaces a file. @throws {LinuxError} as open() and write() */
  writeFile(path: string | Uint8Array, contents: Uint8Array | string, mode = 0o666): void {
    const bytes =
      typeof contents === 'string'
        ? new TextEncoder().encode(contents)
        : bytesArgument('contents', contents);
    const file = this.open(path, 'w', mode);
    try {
      for (let at = 0; at < bytes.length;) at += file.write(bytes.subarray(at));
    } finally {
      file.close();
    }
  }

  /** Attributes of a file, of a link's target. @throws {LinuxError} ENOENT, EACCES, … */
  stat(path: string | Uint8Array): FileStat {
    return this.#call('stat', path, (task, name) => {
      return seenStat(task, vfsStatat(task, AT_FDCWD, name, 0));
    });
  }

  /** Attributes of a file, of a link itself. @throws {LinuxError} ENOENT, EACCES, … */
  lstat(path: string | Uint8Array): FileStat {
    return this.#call('lstat', path, (task, name) => {
      return seenStat(task, vfsStatat(task, AT_FDCWD, name, AT_SYMLINK_NOFOLLOW));
    });
  }

  /** The text of a symbolic link. @throws {LinuxError} EINVAL: no link; ENOENT, EACCES, … */
  readlink(path: string | Uint8Array): string {
    return this.#call('readlink', path, (task, name) => {
      return readlinkat(task, AT_FDCWD, name, PATH_MAX);
    });
  }

  /** The names in a directory, without `.` and `..`. @throws {LinuxError} ENOTDIR, EACCES, … */
  readdir(path: string | Uint8Array): string[] {
    return this.#call('getdents64', path, (task, name) => {
      const names = readdir(task, name).map((entry) => entry.name);
      return names.filter((entry) => entry !== '.' && entry !== '..');
    });
  }

  /** Makes a directory. @throws {LinuxError} EEXIST, EACCES, … */
  mkdir(path: string | Uint8Array, mode = 0o777): void {
    intArgument('mode', mode, 0, 0o7777);
    this.#call('mkdir', path, (task, name) => mkdirat(task, AT_FDCWD, name, mode));
  }

  /** Removes a name of a file. @throws {LinuxError} ENOENT, EACCES, EISDIR, … */
  unlink(path: string | Uint8Array): void {
    this.#call('unlink', path, (task, name) => unlinkat(task, AT_FDCWD, name, 0));
  }

  /** Changes the working directory. @throws {LinuxError} ENOENT, ENOTDIR, EACCES, … */
  chdir(path: string | Uint8Array): void {
    this.#call('chdir', path, (task, name) => sysChdir(task, name));
  }

  /** Runs what a call does; an error of the kernel gets the call's name and the path. */
  #call<T>(
    syscall: string,
    given: string | Uint8Array,
    run: (task: TaskStruct, path: string) => T,
  ): T {
    if (mustAct(this.struct)) {
      return acting(this.struct, (this.#call<T>).bind(this, syscall, given, run));
    }
    const path = nameArgument('path', given);
    try {
      return run(this.calling(syscall), path);
    } catch (error) {
      if (!(error instanceof LinuxError)) throw error;
      throw new LinuxError(-error.errno, syscall, path);
    }
  }
}

function openFlags(flags: OpenMode): number {
  if (typeof flags === 'number') return intArgument('flags', flags, 0, 0x7fffffff);
  if (typeof flags !== 'string' || !Object.hasOwn(OPEN_MODES, flags)) {
    const words = Object.keys(OPEN_MODES).join(', ');
    throw new TypeError(`flags: ${shown(flags)} is neither O_* bits nor one of ${words}`);
  }
  return OPEN_MODES[flags];
}

function concat(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
