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
  ENOMSG: 'no message of desired type',
  EIDRM: 'identifier removed',
  ECHRNG: 'channel number out of range',
  EL2NSYNC: 'level 2 not synchronized',
  EL3HLT: 'level 3 halted',
  EL3RST: 'level 3 reset',
  ELNRNG: 'link number out of range',
  EUNATCH: 'protocol driver not attached',
  ENOCSI: 'no CSI structure available',
  EL2HLT: 'level 2 halted',
  EBADE: 'invalid exchange',
  EBADR: 'invalid request descriptor',
  EXFULL: 'exchange full',
  ENOANO: 'no anode',
  EBADRQC: 'invalid request code',
  EBADSLT: 'invalid slot',
  EBFONT: 'bad font file format',
  ENOSTR: 'device not a stream',
  ENODATA: 'no data available',
  ETIME: 'timer expired',
  ENOSR: 'out of streams resources',
  ENONET: 'machine is not on the network',
  ENOPKG: 'package not installed',
  EREMOTE: 'object is remote',
  ENOLINK: 'link has been severed',
  EADV: 'advertise error',
  ESRMNT: 'srmount error',
  ECOMM: 'communication error on send',
  EPROTO: 'protocol error',
  EMULTIHOP: 'multihop attempted',
  EDOTDOT: 'RFS specific error',
  EBADMSG: 'bad message',
  EOVERFLOW: 'value too large for defined data type',
  ENOTUNIQ: 'name not unique on network',
  EBADFD: 'file descriptor in bad state',
  EREMCHG: 'remote address changed',
  ELIBACC: 'can not access a needed shared library',
  ELIBBAD: 'accessing a corrupted shared library',
  ELIBSCN: '.lib section in a.out corrupted',
  ELIBMAX: 'attempting to link in too many shared libraries',
  ELIBEXEC: 'cannot exec a shared library directly',
  EILSEQ: 'invalid or incomplete multibyte or wide character',
  ERESTART: 'interrupted system call should be restarted',
  ESTRPIPE: 'streams pipe error',
  EUSERS: 'too many users',
  ENOTSOCK: 'socket operation on non-socket',
  EDESTADDRREQ: 'destination address required',
  EMSGSIZE: 'message too long',
  EPROTOTYPE: 'protocol wrong type for socket',
  ENOPROTOOPT: 'protocol not available',
  EPROTONOSUPPORT: 'protocol not supported',
  ESOCKTNOSUPPORT: 'socket type not supported',
  EOPNOTSUPP: 'operation not supported',
  EPFNOSUPPORT: 'protocol family not supported',
  EAFNOSUPPORT: 'address family not supported by protocol',
  EADDRINUSE: 'address already in use',
  EADDRNOTAVAIL: 'cannot assign requested address',
  ENETDOWN: 'network is down',
  ENETUNREACH: 'network is unreachable',
  ENETRESET: 'network dropped connection on reset',
  ECONNABORTED: 'software caused connection abort',
  ECONNRESET: 'connection reset by peer',
  ENOBUFS: 'no buffer space available',
  EISCONN: 'transport endpoint is already connected',
  ENOTCONN: 'transport endpoint is not connected',
  ESHUTDOWN: 'cannot send after transport endpoint shutdown',
  ETOOMANYREFS: 'too many references: cannot splice',
  ETIMEDOUT: 'connection timed out',
  ECONNREFUSED: 'connection refused',
  EHOSTDOWN: 'host is down',
  EHOSTUNREACH: 'no route to host',
  EALREADY: 'operation already in progress',
  EINPROGRESS: 'operation now in progress',
  ESTALE: 'stale file handle',
  EUCLEAN: 'structure needs cleaning',
  ENOTNAM: 'not a XENIX named type file',
  ENAVAIL: 'no XENIX semaphores available',
  EISNAM: 'is a named type file',
  EREMOTEIO: 'remote I/O error',
  EDQUOT: 'disk quota exceeded',
  ENOMEDIUM: 'no medium found',
  EMEDIUMTYPE: 'wrong medium type',
  ECANCELED: 'operation canceled',
  ENOKEY: 'required key not available',
  EKEYEXPIRED: 'key has expired',
  EKEYREVOKED: 'key has been revoked',
  EKEYREJECTED: 'key was rejected by service',
  EOWNERDEAD: 'owner died',
  ENOTRECOVERABLE: 'state not recoverable',
  ERFKILL: 'operation not possible due to RF-kill',
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

/** An error of Linux's that names the call it came out of, as it did or from now on; any other as it is. */
export function ofCall(error: unknown, syscall: string, path?: string): unknown {
  if (!(error instanceof LinuxError) || error.syscall !== undefined) return error;
  return new LinuxError(-error.errno, syscall, path);
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
