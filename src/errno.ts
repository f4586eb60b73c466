import * as abi from '../assembly/abi/errno.js';

/** A name of errno.h, such as `EIO`. */
export type ErrnoName = keyof typeof abi;

/** The texts of strerror(3), lower-cased as Node prints them. */
const TEXTS: Partial<Record<ErrnoName, string>> = {
  EPERM: 'operation not permitted',
  ENOENT: 'no such file or directory',
  ESRCH: 'no such process',
  EINTR: 'interrupted system call',
  EIO: 'input/output error',
  ENXIO: 'no such device or address',
  E2BIG: 'argument list too long',
  ENOEXEC: 'exec format error',
  EBADF: 'bad file descriptor',
  ECHILD: 'no child processes',
  EAGAIN: 'resource temporarily unavailable',
  ENOMEM: 'cannot allocate memory',
  EACCES: 'permission denied',
  EFAULT: 'bad address',
  ENOTBLK: 'block device required',
  EBUSY: 'device or resource busy',
  EEXIST: 'file exists',
  EXDEV: 'invalid cross-device link',
  ENODEV: 'no such device',
  ENOTDIR: 'not a directory',
  EISDIR: 'is a directory',
  EINVAL: 'invalid argument',
  ENFILE: 'too many open files in system',
  EMFILE: 'too many open files',
  ENOTTY: 'inappropriate ioctl for device',
  ETXTBSY: 'text file busy',
  EFBIG: 'file too large',
  ENOSPC: 'no space left on device',
  ESPIPE: 'illegal seek',
  EROFS: 'read-only file system',
  EMLINK: 'too many links',
  EPIPE: 'broken pipe',
  EDOM: 'numerical argument out of domain',
  ERANGE: 'numerical result out of range',
  EDEADLK: 'resource deadlock avoided',
  ENAMETOOLONG: 'file name too long',
  ENOLCK: 'no locks available',
  ENOSYS: 'function not implemented',
  ENOTEMPTY: 'directory not empty',
  ELOOP: 'too many levels of symbolic links',
  ENODATA: 'no data available',
  EPROTO: 'protocol error',
  EOVERFLOW: 'value too large for defined data type',
  EILSEQ: 'invalid or incomplete multibyte or wide character',
  EUSERS: 'too many users',
  EDESTADDRREQ: 'destination address required',
  EOPNOTSUPP: 'operation not supported',
  EAFNOSUPPORT: 'address family not supported by protocol',
  EADDRINUSE: 'address already in use',
  ENOBUFS: 'no buffer space available',
  ETIMEDOUT: 'connection timed out',
  EALREADY: 'operation already in progress',
  EINPROGRESS: 'operation now in progress',
  ESTALE: 'stale file handle',
  ECANCELED: 'operation canceled',
  EHWPOISON: 'memory page has hardware error',
  ERESTARTSYS: 'interrupted system call should be restarted',
};

const NAMES = new Map(Object.entries(abi).map(([name, errno]) => [errno as number, name]));

/**
 * Gives the name of a positive errno; one this library never returns is named `E<number>`.
 * @see include/uapi/asm-generic/errno.h
 */
export function errnoName(errno: number): string {
  return NAMES.get(errno) ?? `E${errno}`;
}

/** Gives the text of an errno by its name, as strerror(3) has it but in lower case. */
export function errnoText(name: string): string {
  return (Object.hasOwn(TEXTS, name) && TEXTS[name as ErrnoName]) || 'unknown error';
}

function describe(code: string, syscall?: string, path?: string): string {
  const where = path === undefined ? '' : ` '${path}'`;
  const what = syscall === undefined ? where : `, ${syscall}${where}`;
  return `${code}: ${errnoText(code)}${what}`;
}

/**
 * An error of the emulated kernel, in the shape of Node's `ErrnoException`.
 *
 * @example
 * try {
 *   file.read(buffer);
 * } catch (error) {
 *   if (error instanceof LinuxError && error.code === 'EIO') console.log('nothing mapped there');
 * }
 */
export class LinuxError extends Error {
  /** Linux's name of the error, such as `EIO`. */
  readonly code: string;
  /** The negative errno, such as -5. */
  readonly errno: number;
  /** The system call that failed, where it is known. */
  declare readonly syscall?: string;
  /** The path it was given, where there was one. */
  declare readonly path?: string;

  /** Makes an error of a positive errno. */
  constructor(errno: number, syscall?: string, path?: string) {
    const code = errnoName(errno);
    super(describe(code, syscall, path));
    this.code = code;
    this.errno = -errno;
    if (syscall !== undefined) this.syscall = syscall;
    if (path !== undefined) this.path = path;
  }

  static {
    this.prototype.name = 'LinuxError';
  }
}

/**
 * Fails with a positive errno.
 * @throws {LinuxError} always
 */
export function fail(errno: number, syscall?: string, path?: string): never {
  throw new LinuxError(errno, syscall, path);
}

/**
 * Passes a count on; a negative errno becomes an exception.
 * @throws {LinuxError} the error `n` stands for, when it is negative
 */
export function checked(n: number): number {
  if (n < 0) throw new LinuxError(-n);
  return n;
}
