import { EFAULT, ENOSPC, ENXIO } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { pageAlign } from '../mm/address.js';
import { PageCache } from '../mm/page-cache.js';
import type { UserBuffer } from '../mm/user.js';
import type { File, FileOperations } from './file.js';
import { nullLlseek } from './llseek.js';
import { shmemFileSetup } from './shmem-file.js';

/** Bytes made at a time for a guest buffer. */
const CHUNK_BYTES = 65536;

/** A device nobody drives: opening it fails. */
export const noDeviceOperations: FileOperations = {
  open: () => fail(ENXIO),
};

/** Fills a buffer chunk by chunk; bytes stored before a fault. */
function fillUser(buf: UserBuffer, fill: (bytes: Uint8Array) => void): number {
  if (buf.length === 0) return 0;
  if (buf.host !== null) {
    for (let at = 0; at < buf.length; at += CHUNK_BYTES) {
      fill(buf.host.subarray(at, at + CHUNK_BYTES));
    }
    return buf.length;
  }
  const chunk = new Uint8Array(Math.min(buf.length, CHUNK_BYTES));
  let done = 0;
  while (done < buf.length) {
    const bytes = chunk.subarray(0, Math.min(chunk.length, buf.length - done));
    fill(bytes);
    const stored = buf.copyTo(done, bytes);
    done += stored;
    if (stored < bytes.length) break;
  }
  if (done === 0) fail(EFAULT);
  return done;
}

const fillZero = (bytes: Uint8Array): void => {
  bytes.fill(0);
};

/**
 * The file behind a shared mapping of /dev/zero: as shared anonymous memory (mm/shmem.c
 * shmem_zero_setup()).
 */
function sharedZeros(file: File, length: number): File {
  const { vfs } = file.inode.sb;
  const pages = new PageCache(vfs.kernel.core, { kind: 'memory' });
  pages.resize(pageAlign(length));
  return shmemFileSetup(vfs, file.cred, 'dev/zero', pages);
}

/** /dev/null: nothing to read, all writes taken (drivers/char/mem.c null_fops). */
export const nullOperations: FileOperations = {
  read: () => 0,
  write: (_task, _file, buf) => buf.length,
  llseek: nullLlseek,
  iter: true,
  spliceWrite: true,
};

/**
 * /dev/zero: zeros to read and to map; private mappings are anonymous memory, shared ones a new
 * shmem file (K-148).
 * @see drivers/char/mem.c zero_fops, mmap_zero()
 */
export const zeroOperations: FileOperations = {
  read: (_task, _file, buf) => fillUser(buf, fillZero),
  write: (_task, _file, buf) => buf.length,
  llseek: nullLlseek,
  mmap: (_task, file, shared, length) => (shared ? sharedZeros(file, length) : file),
  placesHuge: (shared) => !shared,
  iter: true,
  spliceRead: true,
  spliceWrite: true,
};

/** /dev/full: zeros to read, no room to write (drivers/char/mem.c full_fops). */
export const fullOperations: FileOperations = {
  read: (_task, _file, buf) => fillUser(buf, fillZero),
  write: () => fail(ENOSPC),
  llseek: nullLlseek,
  iter: true,
  spliceRead: true,
};

/**
 * /dev/random and /dev/urandom: never empty; writes are taken (drivers/char/random.c urandom_fops).
 */
export const randomOperations: FileOperations = {
  read: ({ kernel }, _file, buf) => fillUser(buf, (bytes) => kernel.random.fill(bytes)),
  write: (_task, _file, buf) => buf.length,
  llseek: nullLlseek,
  iter: true,
  spliceRead: true,
  spliceWrite: true,
};
