import { EINVAL, EIO, ENOSYS, EPROTO } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { Path } from '../vfs/dentry.js';
import { AT_FDCWD } from '../vfs/flags.js';
import { filenameLookup, LOOKUP_DIRECTORY } from '../vfs/namei.js';
import type { Vfs } from '../vfs/vfs.js';
import * as abi from './abi.js';
import { type CallerOptions, Callers } from './callers.js';
import * as files from './file-operations.js';
import * as nodes from './node-operations.js';
import { ANSWERABLE, parseRequest, type Request } from './request.js';
import { errnoOf, NO_REPLY, type Operation, Session } from './session.js';

/** Bytes of one read or write, at most: what the kernel asks for with FUSE_MAX_PAGES_LIMIT pages. */
const MAX_WRITE = 1024 * 1024;
const MAX_PAGES = MAX_WRITE / 4096;
/** The first minor version whose answer to INIT has its present size. */
const OLDEST_MINOR = 23;

/** Bytes that the biggest request has: a WRITE with its headers, and room for what may be added. */
export const REQUEST_BYTES = MAX_WRITE + 4096;

/** Every request that means something here; to others the kernel hears that they do not exist. */
const OPERATIONS: ReadonlyMap<number, Operation> = new Map([
  [abi.FUSE_LOOKUP, nodes.lookup],
  [abi.FUSE_FORGET, nodes.forget],
  [abi.FUSE_BATCH_FORGET, nodes.batchForget],
  [abi.FUSE_GETATTR, nodes.getattr],
  [abi.FUSE_SETATTR, nodes.setattr],
  [abi.FUSE_READLINK, nodes.readlink],
  [abi.FUSE_ACCESS, nodes.access],
  [abi.FUSE_STATFS, nodes.statfs],
  [abi.FUSE_SYMLINK, nodes.symlink],
  [abi.FUSE_MKNOD, nodes.mknod],
  [abi.FUSE_MKDIR, nodes.mkdir],
  [abi.FUSE_LINK, nodes.link],
  [abi.FUSE_UNLINK, nodes.refuse],
  [abi.FUSE_RMDIR, nodes.refuse],
  [abi.FUSE_RENAME, nodes.rename],
  [abi.FUSE_RENAME2, nodes.rename2],
  [abi.FUSE_OPEN, files.open],
  [abi.FUSE_OPENDIR, files.opendir],
  [abi.FUSE_CREATE, files.create],
  [abi.FUSE_READ, files.read],
  [abi.FUSE_WRITE, files.write],
  [abi.FUSE_READDIR, files.readdir],
  [abi.FUSE_RELEASE, files.release],
  [abi.FUSE_RELEASEDIR, files.release],
  [abi.FUSE_FSYNC, files.fsync],
  [abi.FUSE_FSYNCDIR, files.fsync],
  [abi.FUSE_IOCTL, files.ioctl],
  [abi.FUSE_INTERRUPT, () => NO_REPLY],
  [abi.FUSE_DESTROY, () => 0],
]);

/** How a proc file system is served. */
export interface FuseServerOptions extends CallerOptions {
  /** The directory of the machine that is served (default /proc). */
  readonly path?: string;
  /** The process that /proc/self is for every caller (default: each caller's own). */
  readonly self?: number | null;
  /** Hears of what no request should be able to cause. */
  readonly onError?: (error: unknown) => void;
}

/**
 * The FUSE protocol over a machine's own /proc: requests of the kernel in, answers out. It knows of no
 * device, so that anything can carry it.
 *
 * @example
 * const server = new FuseServer(machine.vfs);
 * const reply = server.handle(request); // to be written to /dev/fuse, unless it is null
 */
export class FuseServer {
  readonly session: Session;
  readonly #out = new Uint8Array(abi.OUT_HEADER.size + MAX_WRITE);
  readonly #body = this.#out.subarray(abi.OUT_HEADER.size);
  readonly #onError: (error: unknown) => void;
  #ready = false;

  /** @throws {LinuxError} ENOENT, ENOTDIR: there is no such directory */
  constructor(vfs: Vfs, options: FuseServerOptions = {}) {
    const { path = '/proc', self = null, onError = (): void => {}, ...callers } = options;
    const init = vfs.kernel.init;
    const root: Path = filenameLookup(init, AT_FDCWD, path, LOOKUP_DIRECTORY);
    const numbers = { sameNumbers: self === null, ...callers };
    this.session = new Session(vfs, root, new Callers(vfs.kernel, numbers), self);
    this.#onError = onError;
  }

  /**
   * Answers one request. Whatever it is made of, this does not throw.
   *
   * @returns the answer, valid until the next request; null where the kernel waits for none
   */
  handle(bytes: Uint8Array): Uint8Array | null {
    if (bytes.length < ANSWERABLE) return null;
    const unique = bytes.slice(8, ANSWERABLE);
    let length = 0;
    let error = 0;
    try {
      const request = parseRequest(bytes);
      length = this.#perform(request);
    } catch (problem) {
      error = errnoOf(problem) ?? EIO;
      if (errnoOf(problem) === null) this.#onError(problem);
    }
    if (length === NO_REPLY || isForget(bytes)) return null;
    return this.#reply(unique, error, length);
  }

  /** Closes what is open and ends the tasks of callers: the mount is gone. */
  release(): void {
    this.session.release();
  }

  #perform(request: Request): number {
    if (request.opcode === abi.FUSE_INIT) return this.#init(request);
    if (!this.#ready) fail(EPROTO);
    const operation = OPERATIONS.get(request.opcode) ?? fail(ENOSYS);
    return operation(this.session, request, this.#body);
  }

  /**
   * INIT: agrees on a version and on sizes.
   *
   * @throws {LinuxError} EPROTO: a version too old, or a second time
   */
  #init({ body }: Request): number {
    const { major, minor, maxReadahead, flags } = abi.INIT_IN.decode(body);
    if (this.#ready || major < abi.FUSE_KERNEL_VERSION) fail(EPROTO);
    const version = {
      major: abi.FUSE_KERNEL_VERSION,
      minor: abi.FUSE_KERNEL_MINOR_VERSION,
    };
    // A newer major version asks again with this one.
    if (major > abi.FUSE_KERNEL_VERSION) return abi.INIT_OUT.encode(version, this.#body);
    if (minor < OLDEST_MINOR) fail(EPROTO);
    this.#ready = true;
    const wanted =
      abi.FUSE_ASYNC_READ |
      abi.FUSE_ATOMIC_O_TRUNC |
      abi.FUSE_BIG_WRITES |
      abi.FUSE_PARALLEL_DIROPS |
      abi.FUSE_MAX_PAGES;
    const sizes = { maxReadahead, maxWrite: MAX_WRITE, maxPages: MAX_PAGES, timeGran: 1 };
    return abi.INIT_OUT.encode({ ...version, ...sizes, flags: flags & wanted }, this.#body);
  }

  #reply(unique: Uint8Array, error: number, length: number): Uint8Array {
    const size = abi.OUT_HEADER.size + (error === 0 ? length : 0);
    abi.OUT_HEADER.encode({ len: size, error: -error }, this.#out);
    this.#out.set(unique, 8);
    return this.#out.subarray(0, size);
  }
}

/** Whether the request is one that has no answer, not even an error. */
function isForget(bytes: Uint8Array): boolean {
  const opcode = new DataView(bytes.buffer, bytes.byteOffset).getUint32(4, true);
  return (
    opcode === abi.FUSE_FORGET || opcode === abi.FUSE_BATCH_FORGET || opcode === abi.FUSE_INTERRUPT
  );
}

/** An error answer to a request whose own answer the kernel did not take. */
export function errorReply(reply: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(abi.OUT_HEADER.size);
  abi.OUT_HEADER.encode({ len: bytes.length, error: -EINVAL }, bytes);
  bytes.set(reply.subarray(8, ANSWERABLE), 8);
  return bytes;
}
