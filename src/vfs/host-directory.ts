import {
  EACCES,
  EEXIST,
  EFBIG,
  EIO,
  EISDIR,
  EMLINK,
  ENAMETOOLONG,
  ENOENT,
  ENOSPC,
  ENOTEMPTY,
  EPERM,
  EROFS,
  EXDEV,
} from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';

/** What the host says of one of its files; links are not followed. */
export interface HostStat {
  readonly kind: 'file' | 'dir' | 'link' | 'other';
  /** Bytes. */
  readonly size: number;
  /** Permission bits, set-user-id and the like too. */
  readonly mode: number;
  /** Milliseconds since the epoch. */
  readonly mtimeMs: number;
  /** Which file of the host it is, by whatever name; absent: nobody can tell. */
  readonly id?: string;
}

/**
 * A directory of the host as a machine may see it. Paths are relative to it, '' is itself; names
 * are separated by '/', and none is '.' or '..'. Nothing is ever followed out of it: links are the
 * machine's to walk.
 */
export interface HostDirectory {
  /** null: there is no such entry. */
  lstat(path: string): HostStat | null;
  readdir(path: string): readonly string[];
  readlink(path: string): string;
  /** Bytes read at `pos` into `into`; fewer only at the end. */
  read(path: string, pos: number, into: Uint8Array): number;
  /**
   * Opens a file, which no link may lead to, to read, and to write with `writes`. Without it every access
   * goes by name.
   */
  open?(path: string, writes: boolean): HostFile;
}

/** One that the machine may write, too. Each may throw; an error with a `code` of Linux's keeps it. */
export interface WritableHostDirectory extends HostDirectory {
  /**
   * Makes an empty file, which must not be there; gives it, open to read and to write whatever `mode` says,
   * where files can be opened.
   */
  create(path: string, mode: number): HostFile | null;
  write(path: string, pos: number, bytes: Uint8Array): void;
  truncate(path: string, size: number): void;
  chmod(path: string, mode: number): void;
  /** Times of the entry itself, milliseconds since the epoch. */
  utimes(path: string, atimeMs: number, mtimeMs: number): void;
  mkdir(path: string, mode: number): void;
  rmdir(path: string): void;
  unlink(path: string): void;
  symlink(target: string, path: string): void;
  /** A file or an empty directory that is there is replaced. */
  rename(from: string, to: string): void;
  link(from: string, to: string): void;
}

/** Who owns all that a mount shows. */
export interface HostOwner {
  readonly uid: number;
  readonly gid: number;
}

export function isWritable(host: HostDirectory): host is WritableHostDirectory {
  return 'write' in host && typeof host.write === 'function';
}

/** A file of the host that was opened: the same one whatever happens to its names. Each may throw. */
export interface HostFile {
  stat(): HostStat;
  /** Bytes read at `pos` into `into`; fewer only at the end. */
  read(pos: number, into: Uint8Array): number;
  write(pos: number, bytes: Uint8Array): void;
  truncate(size: number): void;
  /** No call follows. */
  close(): void;
}

/** What the host's own errors say when something is no longer there. */
const GONE: ReadonlySet<unknown> = new Set(['ENOENT', 'ENOTDIR']);

/** Errors of the host that are the machine's too. */
const PASSED_ON: Readonly<Record<string, number>> = {
  ...{
    EACCES,
    EPERM,
    EEXIST,
    ENOSPC,
    ENOTEMPTY,
    EROFS,
    EXDEV,
    ENAMETOOLONG,
    EISDIR,
    EFBIG,
    EMLINK,
  },
};

/**
 * Asks the host. Whatever it throws becomes an error of the machine, without the host's paths.
 * @param gone what it is when the host no longer has it
 * @throws {LinuxError} `gone`; what the host says of rights and room; EIO: any other failure
 */
export function askHost<T>(question: () => T, gone = ENOENT): T {
  try {
    return question();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (GONE.has(code)) return fail(gone);
    return fail((typeof code === 'string' ? PASSED_ON[code] : undefined) ?? EIO);
  }
}

/** Whether a directory can have an entry of that name. */
export function isEntryName(name: unknown): name is string {
  if (typeof name !== 'string' || name === '' || name === '.' || name === '..') return false;
  return !/[/\0]/.test(name);
}
