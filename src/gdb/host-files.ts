// The files of the target that a client opens: packets that begin with `vFile:`.
import { EBADF, EINVAL, EMFILE } from '../../assembly/abi/errno.js';
import { fail, LinuxError } from '../errno.js';
import { hexArgument, sizeArgument, splitAt } from './arguments.js';
import { asciiBytes, asciiText, bytesOfHex, escapeBinary, PACKET_SIZE } from './packet.js';
import { hexNumber, unescapeBinary } from './packet.js';
import type { FileStat } from '../vfs/file-stat.js';
import type { TargetFile, TargetFiles } from './target.js';

/** Files a client may have open at once. */
const MAX_OPEN = 256;
/** Bytes given in one reply: each may take two when it is escaped. */
const MAX_READ = PACKET_SIZE / 4;

/** O_* bits of the protocol and Linux's. @see gdb's include/gdb/fileio.h */
const OPEN_FLAGS: readonly (readonly [protocol: number, linux: number])[] = [
  [0x1, 0o1],
  [0x2, 0o2],
  [0x8, 0o2000],
  [0x200, 0o100],
  [0x400, 0o1000],
  [0x800, 0o200],
];

/** Errors that have the same number in the protocol as in Linux; two have another. */
const SAME_ERRNO = [1, 2, 4, 5, 9, 13, 14, 16, 17, 19, 20, 21, 22, 23, 24, 27, 28, 29, 30];
const OTHER_ERRNO = new Map([
  [36, 91],
  [38, 88],
]);
const FILEIO_EUNKNOWN = 9999;

/** The open files of a client, and the requests about files. */
export class HostFiles {
  readonly #files: TargetFiles;
  readonly #open = new Map<number, TargetFile>();

  constructor(files: TargetFiles) {
    this.#files = files;
  }

  /**
   * Answers `vFile:CALL:…`.
   *
   * @param request what follows `vFile:`
   * @returns the reply; empty for a call that is not known
   */
  answer(request: string): string {
    const colon = request.indexOf(':');
    const call = colon < 0 ? request : request.slice(0, colon);
    const args = colon < 0 ? '' : request.slice(colon + 1);
    try {
      return this.#call(call, args);
    } catch (error) {
      if (!(error instanceof LinuxError)) throw error;
      return `F-1,${hexNumber(protocolErrno(-error.errno))}`;
    }
  }

  /** Closes what the client left open. */
  closeAll(): void {
    for (const file of this.#open.values()) file.close();
    this.#open.clear();
  }

  #call(call: string, args: string): string {
    switch (call) {
      case 'setfs':
        // Every process of a target sees the same files.
        return 'F0';
      case 'open':
        return this.#openFile(args);
      case 'close':
        return this.#close(fdArgument(args));
      case 'pread':
        return this.#pread(args);
      case 'pwrite':
        return this.#pwrite(args);
      case 'fstat':
        return attachment(encodeStat(this.#file(fdArgument(args)).stat()));
      case 'stat':
        return attachment(encodeStat(this.#files.stat(pathArgument(args))));
      case 'lstat':
        return attachment(encodeStat(this.#files.lstat(pathArgument(args))));
      case 'readlink':
        return attachment(new TextEncoder().encode(this.#files.readlink(pathArgument(args))));
      case 'unlink':
        this.#files.unlink(pathArgument(args));
        return 'F0';
      default:
        return '';
    }
  }

  #openFile(args: string): string {
    const [path = '', flags, mode, ...more] = args.split(',');
    if (more.length > 0) fail(EINVAL);
    let fd = 0;
    while (this.#open.has(fd)) fd++;
    if (fd >= MAX_OPEN) fail(EMFILE);
    const bits = linuxFlags(sizeArgument(flags));
    const file = this.#files.open(pathArgument(path), bits, sizeArgument(mode) & 0o7777);
    this.#open.set(fd, file);
    return `F${hexNumber(fd)}`;
  }

  #close(fd: number): string {
    const file = this.#file(fd);
    this.#open.delete(fd);
    file.close();
    return 'F0';
  }

  #pread(args: string): string {
    const [fd, count, offset, ...more] = args.split(',');
    if (more.length > 0) fail(EINVAL);
    const into = new Uint8Array(Math.min(sizeArgument(count), MAX_READ));
    const done = this.#file(fdArgument(fd)).pread(into, hexArgument(offset));
    return attachment(into.subarray(0, done));
  }

  #pwrite(args: string): string {
    const [fd, rest] = splitAt(args, ',');
    const [offset, data] = splitAt(rest, ',');
    const from = unescapeBinary(asciiBytes(data));
    return `F${hexNumber(this.#file(fdArgument(fd)).pwrite(from, hexArgument(offset)))}`;
  }

  #file(fd: number): TargetFile {
    return this.#open.get(fd) ?? fail(EBADF);
  }
}

function fdArgument(text: string | undefined): number {
  return sizeArgument(text);
}

/** @throws {LinuxError} EINVAL: no hexadecimal text, or a NUL in it */
function pathArgument(text: string): string {
  const bytes = bytesOfHex(text);
  if (bytes === null || bytes.includes(0)) return fail(EINVAL);
  return new TextDecoder().decode(bytes);
}

function linuxFlags(protocol: number): number {
  return OPEN_FLAGS.reduce((flags, [from, to]) => flags | (protocol & from ? to : 0), 0);
}

function protocolErrno(errno: number): number {
  if (SAME_ERRNO.includes(errno)) return errno;
  return OTHER_ERRNO.get(errno) ?? FILEIO_EUNKNOWN;
}

/** A reply with data: how many bytes, and the bytes. */
function attachment(data: Uint8Array): string {
  return `F${hexNumber(data.length)};${asciiText(escapeBinary(data))}`;
}

/**
 * struct fio_stat, big endian:
 *
 *     0 dev  4 ino  8 mode  12 nlink  16 uid  20 gid  24 rdev   each 32 bits
 *     28 size  36 blksize  44 blocks                            each 64 bits
 *     52 atime  56 mtime  60 ctime                              seconds, each 32 bits
 */
function encodeStat(stat: FileStat): Uint8Array {
  const bytes = new Uint8Array(64);
  const view = new DataView(bytes.buffer);
  const { dev, ino, mode, nlink, uid, gid, rdev, size, blksize, blocks } = stat;
  [dev, ino, mode, nlink, uid, gid, rdev].forEach((value, i) => view.setUint32(4 * i, value));
  [size, blksize, blocks].forEach((value, i) => view.setBigUint64(28 + 8 * i, BigInt(value)));
  const { atime, mtime, ctime } = stat;
  [atime, mtime, ctime].forEach((ms, i) => view.setUint32(52 + 4 * i, Math.floor(ms / 1000)));
  return bytes;
}
