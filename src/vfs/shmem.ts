import { EFAULT, EFBIG, ENOMEM, ENXIO, EPERM } from '../../assembly/abi/errno.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import type { PageCache } from '../mm/page-cache.js';
import type { UserBuffer } from '../mm/user.js';
import { fileRemovePrivs } from './attr.js';
import type { File, FileOperations } from './file.js';
import { F_SEAL_FUTURE_WRITE, F_SEAL_GROW, F_SEAL_WRITE, SEEK_DATA, SEEK_HOLE } from './flags.js';
import { genericFileLlseek } from './llseek.js';
import { failFsize, fsizeLimit } from './truncate.js';
import { addU64, toU64 } from './u64.js';
import type { U64 } from './u64.js';

/** Bytes copied at a time between a guest buffer and the page cache. */
const BOUNCE_BYTES = 65536;

/**
 * Reads from the page cache of a file.
 * @returns bytes up to the end of the file, or to the first the buffer does not take
 * @throws {LinuxError} EFAULT: the buffer takes none; EIO, ENOMEM: a page could not be loaded
 * @see mm/shmem.c shmem_file_read_iter(), mm/filemap.c filemap_read()
 */
export function pageCacheRead(_task: TaskStruct, file: File, buf: UserBuffer, pos: U64): number {
  const { pages } = file;
  if (buf.host !== null) return pages.read(pos, buf.host);
  const bounce = new Uint8Array(Math.min(buf.length, BOUNCE_BYTES));
  let done = 0;
  while (done < buf.length) {
    const want = piece(pages, pos, done, Math.min(bounce.length, buf.length - done));
    const got = pages.read(addU64(pos, done), bounce.subarray(0, want));
    const stored = got === 0 ? 0 : buf.copyTo(done, bounce.subarray(0, got));
    if (done === 0 && stored < got && stored === 0) fail(EFAULT);
    done += stored;
    if (stored < want) break;
  }
  return done;
}

/** How much of a write the limits allow; seals and RLIMIT_FSIZE shorten or refuse it. */
function writableCount(task: TaskStruct, file: File, pos: U64, wanted: number): number {
  const { seals, size, sb } = file.inode;
  if ((seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) !== 0) fail(EPERM);
  const limit = fsizeLimit(task);
  if (pos >= limit) failFsize(task);
  if (pos >= sb.maxBytes) fail(EFBIG);
  const room = limit === Infinity ? Number(sb.maxBytes - BigInt(pos)) : limit - Number(pos);
  const count = Math.min(wanted, room);
  const grows = addU64(pos, count) > size;
  if (!grows || (seals & F_SEAL_GROW) === 0) return count;
  // The seal stops the page that would grow the file; whole pages before it are written.
  const below = Number(BigInt(size) - (BigInt(size) % BigInt(PAGE_SIZE)) - BigInt(pos));
  return below > 0 ? below : fail(EPERM);
}

/**
 * Writes to the page cache of a file in memory; it grows as needed.
 * @returns bytes up to the first the buffer does not give
 * @throws {LinuxError} EPERM: a seal (K-149); EFBIG: RLIMIT_FSIZE, or a position no file reaches;
 *   EFAULT: the buffer gives none; ENOMEM: no frame left
 * @see mm/shmem.c shmem_write_begin(), mm/filemap.c generic_perform_write()
 */
export function pageCacheWrite(task: TaskStruct, file: File, buf: UserBuffer, pos: U64): number {
  if (buf.length === 0) return 0;
  const count = writableCount(task, file, pos, buf.length);
  const { inode, pages } = file;
  fileRemovePrivs(task, inode);
  const now = inode.sb.vfs.now();
  inode.mtime = now;
  inode.ctime = now;
  if (buf.host !== null) return pages.write(pos, buf.host.subarray(0, count));
  const done = writeFrom(buf.slice(0, count), pages, pos);
  return done === 0 ? fail(EFAULT) : done;
}

/**
 * Writes what a buffer gives before it faults. In memory the page that was to take the first byte that cannot be
 * had is there nevertheless, and the file reaches to that byte.
 * @see mm/filemap.c generic_perform_write(), mm/shmem.c shmem_write_end() with nothing copied
 */
function writeFrom(buf: UserBuffer, pages: PageCache, pos: U64): number {
  const bounce = new Uint8Array(Math.min(buf.length, BOUNCE_BYTES));
  let done = 0;
  // A buffer in a mapping of the file faults in what has been made of it by then.
  const early = pages.holesAreZeros && pages.isMapped;
  while (done < buf.length) {
    const at = addU64(pos, done);
    if (early && !pages.beginWrite(at)) return done > 0 ? done : fail(ENOMEM);
    const want = piece(pages, pos, done, Math.min(bounce.length, buf.length - done));
    const got = buf.copyFrom(done, bounce.subarray(0, want));
    const put = got === 0 ? 0 : pages.write(at, bounce.subarray(0, got));
    if (got === 0 && !early && pages.holesAreZeros) pages.beginWrite(at);
    done += put;
    if (put < got || got === 0) break;
  }
  return done;
}

/**
 * Bytes to copy at once: as many as there are, and of a file that is mapped no further than a page, as the buffer
 * may be a mapping of it, where what was copied before shows.
 */
function piece(pages: PageCache, pos: U64, done: number, most: number): number {
  if (!pages.isMapped) return most;
  const offset = Number((BigInt(pos) + BigInt(done)) % BigInt(PAGE_SIZE));
  return Math.min(most, PAGE_SIZE - offset);
}

/** Index of the last page that positions below 2^63 reach. */
const LAST_PAGE = 2 ** 51 - 1;

/** The first page from `index` on that is a hole: pages in memory follow each other only so far. */
function nextHole(pages: PageCache, index: number): number {
  let at = index;
  while (pages.isCached(at)) at += 1;
  return at;
}

/**
 * Seeks in a file in memory: what no page is there for is a hole.
 * @throws {LinuxError} EINVAL; ENXIO: data or hole asked for beyond the end, or no data behind
 * @see mm/shmem.c shmem_file_llseek(), mm/filemap.c mapping_seek_hole_data()
 */
function shmemLlseek(task: TaskStruct, file: File, offset: bigint, whence: number): U64 {
  if (whence !== SEEK_DATA && whence !== SEEK_HOLE) {
    return genericFileLlseek(task, file, offset, whence);
  }
  const size = BigInt(file.inode.size);
  if (offset < 0n || offset >= size) fail(ENXIO);
  const { pages } = file;
  const index = Number(offset / BigInt(PAGE_SIZE));
  const found = whence === SEEK_DATA ? pages.nextCached(index) : nextHole(pages, index);
  // The position behind the topmost page does not fit loff_t, and Linux finds no data there.
  if (whence === SEEK_DATA && found === LAST_PAGE) fail(ENXIO);
  // Nor is it a position as the end of a hole: Linux gives the number, and the file stays where it is.
  if (whence === SEEK_HOLE && found === LAST_PAGE + 1) return 1n << 63n;
  const start = found === null ? size : BigInt(found) * BigInt(PAGE_SIZE);
  const at = start > offset ? start : offset;
  if (at < size) return toU64(at);
  return whence === SEEK_HOLE ? toU64(size) : fail(ENXIO);
}

/** A regular file whose contents are frames. */
export const shmemFileOperations: FileOperations = {
  read: pageCacheRead,
  write: pageCacheWrite,
  llseek: shmemLlseek,
  mmap: (_task, file) => file,
  fallocates: true,
  fsync: () => {},
  iter: true,
  direct: true,
  spliceRead: true,
  spliceWrite: true,
};
