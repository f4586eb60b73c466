import { EINVAL } from '../../assembly/abi/errno.js';
import { fail, LinuxError } from '../errno.js';
import { UIO_MAXIOV } from '../kernel/iovec.js';
import { enterCall } from '../kernel/syscall-entry.js';
import type { TaskStruct } from '../kernel/task.js';
import { acting, mustAct } from '../mm/acting.js';
import { HostBuffer, type UserBuffer } from '../mm/user.js';
import { sysClose, sysDup } from '../vfs/fcntl.js';
import { SEEK_SET } from '../vfs/flags.js';
import { doPreadv, doPwritev, doReadv, doWritev } from '../vfs/read-write-iter.js';
import {
  ksysLseek,
  ksysPread64,
  ksysPwrite64,
  ksysRead,
  ksysWrite,
  preadReady,
  pwriteReady,
  readReady,
  writeReady,
} from '../vfs/read-write.js';
import { vfsFstat } from '../vfs/stat.js';
import {
  arrayArgument,
  bytesArgument,
  intArgument,
  structArgument,
  u64Argument,
} from './arguments.js';
import type { U64 } from '../vfs/u64.js';
import type { FileStat } from '../vfs/file-stat.js';
import { seenStat } from './file-stat.js';

/**
 * A descriptor of a task: what `task.open()` gives. Reads and writes fill and take the caller's
 * arrays; counts may be short as in Linux, and errors are Linux's.
 *
 * @example
 * const mem = reader.open(`/proc/${target.pid}/mem`);
 * const bytes = new Uint8Array(16);
 * const count = mem.pread(bytes, 0x7fff_f7fc_0000n);
 * mem.close();
 */
export class OpenFile {
  /** The descriptor's number in its task. */
  readonly fd: number;
  /** The path it was opened by, for messages. */
  readonly path: string;
  readonly #task: TaskStruct;

  /**
   * Use task.open(), memfdCreate() or file().
   *
   * @internal
   */
  constructor(task: TaskStruct, fd: number, path: string) {
    this.#task = structArgument('task', task);
    this.fd = intArgument('fd', fd, 0, 0x7fffffff);
    this.path = path;
  }

  /**
   * Reads at the file's position, which moves by the count.
   *
   * @returns bytes read: fewer than `into` holds at the end of what can be read, 0 at the end
   * @throws {LinuxError} EBADF: closed, also by the task's exit, or not open for reading; EIO: nothing
   * accessible there (mem)
   * @throws {TypeError} into is no Uint8Array
   */
  read(into: Uint8Array): number {
    if (mustAct(this.#task)) return acting(this.#task, this.read.bind(this, into));
    bytesArgument('into', into);
    const ready = readReady(this.#task, this.fd, into);
    return ready > 0 ? ready : this.#read(into);
  }

  #read(into: Uint8Array): number {
    const buf = HostBuffer.lend(into);
    try {
      const n = ksysRead(this.#calling('read'), this.fd, buf);
      HostBuffer.giveBack(buf);
      return n;
    } catch (error) {
      HostBuffer.giveBack(buf);
      throw this.#named(error, 'read');
    }
  }

  /**
   * Writes at the file's position, which moves by the count.
   *
   * @returns bytes written, fewer where Linux stops early
   * @throws {LinuxError} EBADF: closed, also by the task's exit, or not open for writing; EIO: nothing
   * accessible there (mem)
   * @throws {TypeError} from is no Uint8Array
   */
  write(from: Uint8Array): number {
    if (mustAct(this.#task)) return acting(this.#task, this.write.bind(this, from));
    bytesArgument('from', from);
    const ready = writeReady(this.#task, this.fd, from);
    return ready > 0 ? ready : this.#write(from);
  }

  #write(from: Uint8Array): number {
    const buf = HostBuffer.lend(from);
    try {
      const n = ksysWrite(this.#calling('write'), this.fd, buf);
      HostBuffer.giveBack(buf);
      return n;
    } catch (error) {
      HostBuffer.giveBack(buf);
      throw this.#named(error, 'write');
    }
  }

  /**
   * Reads at `position`, whatever the file's own is; of mem that is an address.
   *
   * @returns bytes read, as read()
   * @throws {LinuxError} as read(); EINVAL: a position from 2^63 on; ESPIPE: a pipe
   * @throws {TypeError | RangeError} into is no Uint8Array; position is no 64-bit value
   */
  pread(into: Uint8Array, position: number | bigint): number {
    if (mustAct(this.#task)) return acting(this.#task, this.pread.bind(this, into, position));
    bytesArgument('into', into);
    const pos = u64Argument('position', position);
    const ready = preadReady(this.#task, this.fd, into, pos);
    return ready > 0 ? ready : this.#pread(into, pos);
  }

  #pread(into: Uint8Array, pos: U64): number {
    const buf = HostBuffer.lend(into);
    try {
      const n = ksysPread64(this.#calling('pread64'), this.fd, buf, pos);
      HostBuffer.giveBack(buf);
      return n;
    } catch (error) {
      HostBuffer.giveBack(buf);
      throw this.#named(error, 'pread64');
    }
  }

  /**
   * Writes at `position`, whatever the file's own is.
   *
   * @returns bytes written, as write()
   * @throws {LinuxError} as write(); EINVAL: a position from 2^63 on; ESPIPE: a pipe
   * @throws {TypeError | RangeError} from is no Uint8Array; position is no 64-bit value
   */
  pwrite(from: Uint8Array, position: number | bigint): number {
    if (mustAct(this.#task)) return acting(this.#task, this.pwrite.bind(this, from, position));
    bytesArgument('from', from);
    const pos = u64Argument('position', position);
    const ready = pwriteReady(this.#task, this.fd, from, pos);
    return ready > 0 ? ready : this.#pwrite(from, pos);
  }

  #pwrite(from: Uint8Array, pos: U64): number {
    const buf = HostBuffer.lend(from);
    try {
      const n = ksysPwrite64(this.#calling('pwrite64'), this.fd, buf, pos);
      HostBuffer.giveBack(buf);
      return n;
    } catch (error) {
      HostBuffer.giveBack(buf);
      throw this.#named(error, 'pwrite64');
    }
  }

  /**
   * Reads into several arrays in turn, at `position` or, without one, at the file's own.
   *
   * @returns bytes read in all; a short array ends it, and so does an error after the first
   * @throws {LinuxError} as read() and pread()
   */
  readv(into: readonly Uint8Array[], position?: number | bigint): number {
    arrayArgument('into', into);
    const segments = (): UserBuffer[] => toSegments('into', into);
    const pos = position === undefined ? null : u64Argument('position', position);
    return this.#call('readv', () => {
      if (pos === null) return doReadv(this.#task, this.fd, segments, 0);
      return doPreadv(this.#task, this.fd, segments, pos, 0);
    });
  }

  /**
   * Writes several arrays in turn, at `position` or, without one, at the file's own.
   *
   * @returns bytes written in all
   * @throws {LinuxError} as write() and pwrite()
   */
  writev(from: readonly Uint8Array[], position?: number | bigint): number {
    arrayArgument('from', from);
    const segments = (): UserBuffer[] => toSegments('from', from);
    const pos = position === undefined ? null : u64Argument('position', position);
    return this.#call('writev', () => {
      if (pos === null) return doWritev(this.#task, this.fd, segments, 0);
      return doPwritev(this.#task, this.fd, segments, pos, 0);
    });
  }

  /**
   * Moves the file's position. Positions of mem are unsigned 64-bit addresses.
   *
   * @param whence SEEK_SET (default), SEEK_CUR or SEEK_END
   * @returns the new position
   * @throws {LinuxError} EBADF: closed; EINVAL: whence is not for this file; ESPIPE: a pipe
   */
  seek(offset: number | bigint, whence: number = SEEK_SET): bigint {
    const by = u64Argument('offset', offset);
    intArgument('whence', whence, 0, 0xffffffff);
    return this.#call('lseek', () => BigInt(ksysLseek(this.#task, this.fd, by, whence)));
  }

  /**
   * Another descriptor of the same open file: they share the position.
   *
   * @throws {LinuxError} EBADF: closed; EMFILE: over RLIMIT_NOFILE
   */
  dup(): OpenFile {
    return this.#call('dup', () => {
      return new OpenFile(this.#task, sysDup(this.#task, this.fd), this.path);
    });
  }

  /**
   * The file's attributes.
   *
   * @throws {LinuxError} EBADF: closed
   */
  stat(): FileStat {
    return this.#call('fstat', () => seenStat(this.#task, vfsFstat(this.#task, this.fd)));
  }

  /**
   * Closes the descriptor.
   *
   * @throws {LinuxError} EBADF: closed already
   */
  close(): void {
    this.#call('close', () => sysClose(this.#task, this.fd));
  }

  /**
   * Whether the number means the same file to a task: its own, or one it shares descriptors with.
   *
   * @internal
   */
  isOf(task: TaskStruct): boolean {
    return task.files !== null && task.files === this.#task.files;
  }

  /** Runs what a call does; the reads and writes of one array do the same without a closure. */
  #call<T>(syscall: string, act: () => T): T {
    if (mustAct(this.#task)) return acting(this.#task, (this.#call<T>).bind(this, syscall, act));
    try {
      this.#calling(syscall);
      return act();
    } catch (error) {
      throw this.#named(error, syscall);
    }
  }

  /** The task to make a call on this descriptor. */
  #calling(syscall: string): TaskStruct {
    const task = this.#task;
    if (task.kernel.entry !== null) enterCall(task, syscall, this.fd);
    return task;
  }

  /** An error of the kernel with the call and the path in it. */
  #named(error: unknown, syscall: string): unknown {
    if (!(error instanceof LinuxError)) return error;
    return new LinuxError(-error.errno, syscall, this.path);
  }
}

/** @throws {LinuxError} EINVAL: more than IOV_MAX segments */
function toSegments(name: string, arrays: readonly Uint8Array[]): UserBuffer[] {
  if (arrays.length > UIO_MAXIOV) fail(EINVAL);
  return arrays.map((bytes) => new HostBuffer(bytesArgument(name, bytes)));
}
