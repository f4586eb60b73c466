import type { FileStat } from '../vfs/file-stat.js';
import type { FileDescriptor, Files } from './files.js';
import { WASI_ENOTCAPABLE, wasiErrno } from './wasi-errno.js';

/** What is used of the package @bjorn3/browser_wasi_shim. */
export interface WasiShim {
  readonly Fd: new () => object;
  readonly wasi: {
    readonly Filestat: new (ino: bigint, filetype: number, size: bigint) => object;
    readonly Fdstat: new (filetype: number, flags: number) => { fs_rights_base: bigint };
    readonly Dirent: new (next: bigint, ino: bigint, name: string, type: number) => object;
    readonly Prestat: { dir(name: string): object };
  };
}

const RIGHTS_FD_READ = 2n;
const RIGHTS_FD_WRITE = 64n;
const OFLAGS_CREAT = 1;
const OFLAGS_DIRECTORY = 2;
const OFLAGS_EXCL = 4;
const OFLAGS_TRUNC = 8;
const FDFLAGS_APPEND = 1;
const LOOKUP_SYMLINK_FOLLOW = 1;
const FILETYPE_DIRECTORY = 3;
const FILETYPES: Readonly<Record<number, number>> = {
  0o020000: 2, // character device
  0o040000: 3, // directory
  0o060000: 1, // block device
  0o100000: 4, // regular file
  0o120000: 7, // symbolic link
};

/** O_* of the machine's open, as on x86-64. */
const O_WRONLY = 1;
const O_RDWR = 2;
const O_CREAT = 0o100;
const O_EXCL = 0o200;
const O_TRUNC = 0o1000;
const O_APPEND = 0o2000;
const O_DIRECTORY = 0o200000;

/** Where a program finds the machine's files. */
export interface WasiOptions {
  /** The directory of the machine (default /proc). */
  readonly path?: string;
  /** What the program calls it (default: the same). */
  readonly name?: string;
}

/**
 * A directory of the machine as a preopened descriptor of @bjorn3/browser_wasi_shim, so that a WASI
 * program opens, reads and writes the files in it. Offsets are 64 bits wide, as those of mem are.
 *
 * @param shim the package itself: `import * as shim from '@bjorn3/browser_wasi_shim'`
 * @example
 * const fds = [stdin, stdout, stderr, wasiDirectory(shim, task)];
 */
export function wasiDirectory(shim: WasiShim, files: Files, options: WasiOptions = {}): object {
  const { path = '/proc', name = path } = options;
  const { Prestat } = shim.wasi;
  const prestat = (): object => Prestat.dir(name);
  return new (directoryClass(shim, files))(path, prestat);
}

/** What a file's attributes are to WASI. */
function filestat({ wasi }: WasiShim, stat: FileStat): object {
  return new wasi.Filestat(BigInt(stat.ino), typeOf(stat), BigInt(stat.size));
}

/** The class of descriptors of files that are open. */
function fileClass(shim: WasiShim) {
  return class MachineFile extends shim.Fd {
    readonly #file: FileDescriptor;

    constructor(file: FileDescriptor) {
      super();
      this.#file = file;
    }

    fd_close(): number {
      return attempt({}, () => (this.#file.close(), {})).ret;
    }

    fd_fdstat_get() {
      return attempt({ fdstat: null as object | null }, () => {
        const fdstat = new shim.wasi.Fdstat(typeOf(this.#file.stat()), 0);
        fdstat.fs_rights_base = RIGHTS_FD_READ | RIGHTS_FD_WRITE;
        return { fdstat };
      });
    }

    fd_filestat_get() {
      const failed = { filestat: null as object | null };
      return attempt(failed, () => ({ filestat: filestat(shim, this.#file.stat()) }));
    }

    fd_read(size: number) {
      return readInto(size, (into) => this.#file.read(into));
    }

    fd_pread(size: number, offset: bigint) {
      return readInto(size, (into) => this.#file.pread(into, offset));
    }

    fd_write(data: Uint8Array) {
      return attempt({ nwritten: 0 }, () => ({ nwritten: this.#file.write(data) }));
    }

    fd_pwrite(data: Uint8Array, offset: bigint) {
      return attempt({ nwritten: 0 }, () => ({ nwritten: this.#file.pwrite(data, offset) }));
    }

    /** WASI's whence are SET, CUR and END, as in Linux. */
    fd_seek(offset: bigint, whence: number) {
      const by = BigInt.asUintN(64, offset);
      return attempt({ offset: 0n }, () => ({ offset: this.#file.seek(by, whence) }));
    }

    fd_tell() {
      return this.fd_seek(0n, 1);
    }
  };
}

/** The class of descriptors of directories, from which names are walked. */
function directoryClass(shim: WasiShim, files: Files) {
  const MachineFile = fileClass(shim);
  const { Dirent, Fdstat } = shim.wasi;

  return class MachineDirectory extends shim.Fd {
    readonly #path: string;
    /** Of a preopened one, what it is called. */
    readonly #prestat: (() => object) | null;

    constructor(path: string, prestat: (() => object) | null) {
      super();
      this.#path = path;
      this.#prestat = prestat;
    }

    fd_prestat_get() {
      if (this.#prestat === null) return { ret: wasiErrno({ code: 'EBADF' }), prestat: null };
      return { ret: 0, prestat: this.#prestat() };
    }

    fd_fdstat_get() {
      return { ret: 0, fdstat: new Fdstat(FILETYPE_DIRECTORY, 0) };
    }

    fd_filestat_get() {
      return this.path_filestat_get(LOOKUP_SYMLINK_FOLLOW, '.');
    }

    fd_readdir_single(cookie: bigint) {
      return attempt({ dirent: null as object | null }, () => {
        const name = files.readdir(this.#path)[Number(cookie)];
        if (name === undefined) return { dirent: null };
        const stat = files.lstat(`${this.#path}/${name}`);
        return { dirent: new Dirent(cookie + 1n, BigInt(stat.ino), name, typeOf(stat)) };
      });
    }

    path_filestat_get(flags: number, name: string) {
      const follow = (flags & LOOKUP_SYMLINK_FOLLOW) !== 0;
      return beneath(this.#path, name, { filestat: null as object | null }, (path) => ({
        filestat: filestat(shim, follow ? files.stat(path) : files.lstat(path)),
      }));
    }

    path_readlink(name: string) {
      const failed = { data: null as string | null };
      return beneath(this.#path, name, failed, (path) => ({ data: files.readlink(path) }));
    }

    path_open(
      _flags: number,
      name: string,
      oflags: number,
      rights: bigint,
      _: bigint,
      fdflags: number,
    ) {
      return beneath(this.#path, name, { fd_obj: null as object | null }, (path) => {
        const file = files.open(path, openFlags(oflags, rights, fdflags));
        if (typeOf(file.stat()) !== FILETYPE_DIRECTORY) return { fd_obj: new MachineFile(file) };
        file.close();
        return { fd_obj: new MachineDirectory(path, null) };
      });
    }
  };
}

function readInto(size: number, read: (into: Uint8Array) => number) {
  return attempt({ data: new Uint8Array(0) }, () => {
    const bytes = new Uint8Array(size);
    return { data: bytes.subarray(0, read(bytes)) };
  });
}

/** WASI lets no name lead out of the directory it begins in. */
function beneath<T extends object>(
  directory: string,
  name: string,
  failed: T,
  act: (path: string) => T,
): T & Ret {
  let depth = name.startsWith('/') ? -1 : 0;
  for (const part of name.split('/')) {
    if (depth < 0) break;
    depth += part === '..' ? -1 : part === '' || part === '.' ? 0 : 1;
  }
  if (depth < 0) return { ...failed, ret: WASI_ENOTCAPABLE };
  return attempt(failed, () => act(`${directory}/${name}`));
}

interface Ret {
  readonly ret: number;
}

/** What an operation gives, or its error as WASI's number beside what stands for nothing. */
function attempt<T extends object>(failed: T, act: () => T): T & Ret {
  try {
    return { ...act(), ret: 0 };
  } catch (error) {
    return { ...failed, ret: wasiErrno(error) };
  }
}

function typeOf({ mode }: FileStat): number {
  return FILETYPES[mode & 0o170000] ?? 0;
}

function openFlags(oflags: number, rights: bigint, fdflags: number): number {
  const writes = (rights & RIGHTS_FD_WRITE) !== 0n && (oflags & OFLAGS_DIRECTORY) === 0;
  const reads = (rights & RIGHTS_FD_READ) !== 0n;
  return (
    (writes ? (reads ? O_RDWR : O_WRONLY) : 0) |
    ((oflags & OFLAGS_CREAT) !== 0 ? O_CREAT : 0) |
    ((oflags & OFLAGS_DIRECTORY) !== 0 ? O_DIRECTORY : 0) |
    ((oflags & OFLAGS_EXCL) !== 0 ? O_EXCL : 0) |
    ((oflags & OFLAGS_TRUNC) !== 0 ? O_TRUNC : 0) |
    ((fdflags & FDFLAGS_APPEND) !== 0 ? O_APPEND : 0)
  );
}
