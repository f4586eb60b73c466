import { EACCES, EINVAL, ENODEV, EOPNOTSUPP, EOVERFLOW, EPERM } from '../../assembly/abi/errno.js';
import * as mman from '../../assembly/abi/mman.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { VM_SECRETMEM } from '../../assembly/abi/vma.js';
import { fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import type { MapFile } from '../mm/map-file.js';
import type { MappedFile } from '../mm/mmap.js';
import type { PageCache } from '../mm/page-cache.js';
import type { File } from './file.js';
import { FMODE_READ, FMODE_WRITE } from './file.js';
import { F_SEAL_FUTURE_WRITE, F_SEAL_WRITE } from './flags.js';
import { fsOf } from './fs-struct.js';
import { isReg } from './mode.js';
import { shmemFileSetup } from './shmem-file.js';

/** MAP_HUGE_2MB and MAP_HUGE_1GB together, MAP_UNINITIALIZED among them. */
const MAP_HUGE_SIZES = 0x7c000000;

/** Flags mmap(2) had before MAP_SHARED_VALIDATE (include/linux/mman.h, LEGACY_MAP_MASK). */
const LEGACY_MAP_MASK =
  mman.MAP_SHARED |
  mman.MAP_PRIVATE |
  mman.MAP_FIXED |
  mman.MAP_ANONYMOUS |
  mman.MAP_32BIT |
  mman.MAP_DENYWRITE |
  mman.MAP_EXECUTABLE |
  mman.MAP_GROWSDOWN |
  mman.MAP_LOCKED |
  mman.MAP_NORESERVE |
  mman.MAP_POPULATE |
  mman.MAP_NONBLOCK |
  mman.MAP_STACK |
  mman.MAP_HUGETLB |
  MAP_HUGE_SIZES;

/** A mapping of a file as mmap(2) asks for it. */
export interface MmapFileRequest {
  /** PROT_*, MAP_* */
  readonly prot: number;
  readonly flags: number;
  /** Bytes. */
  readonly length: number;
  /** Page index of the first byte. */
  readonly pgoff?: number;
}

/**
 * file_mmap_ok(): regular files end at 2^63 bytes, those of /proc at 2^31, other files at 2^64.
 * @throws {LinuxError} EOVERFLOW
 */
function checkReach(file: File, request: MmapFileRequest): void {
  const { length, pgoff = 0 } = request;
  const { mode, sb } = file.inode;
  const end = !isReg(mode) ? 2 ** 52 : sb.type === 'proc' ? 2 ** 19 : 2 ** 51;
  if (pgoff + length / PAGE_SIZE >= end) fail(EOVERFLOW);
}

/** path_noexec(): nothing of /proc and of secret memory is ever executed. */
function isNoexec(file: File): boolean {
  return file.inode.sb.type === 'proc' || (file.vmFlags & VM_SECRETMEM) !== 0;
}

/** The checks of a shared mapping (the MAP_SHARED arm of do_mmap()). */
function checkShared(file: File, request: MmapFileRequest): void {
  const validate = (request.flags & mman.MAP_TYPE) === mman.MAP_SHARED_VALIDATE;
  if (validate && (request.flags & ~LEGACY_MAP_MASK) !== 0) fail(EOPNOTSUPP);
  if ((request.prot & mman.PROT_WRITE) !== 0 && (file.mode & FMODE_WRITE) === 0) fail(EACCES);
}

/**
 * The checks that a file makes of a mapping, in the order of do_mmap(), K-502; what mm's mmap()
 * takes as its `mapFile`. The result holds a reference of its own.
 * @throws {LinuxError} EOVERFLOW: beyond what the file could have; EINVAL: no type; EOPNOTSUPP: MAP_SHARED_VALIDATE and an unknown flag;
 *   EACCES: not open for reading, or for writing what shall be shared and writable; ENODEV: it
 *   cannot be mapped; EINVAL: MAP_GROWSDOWN; EPERM: sealed against writing (K-149)
 * @see mm/mmap.c do_mmap(), mm/memfd.c memfd_check_seals_mmap()
 */
export function mapFileChecked(task: TaskStruct, file: File, request: MmapFileRequest): MappedFile {
  checkReach(file, request);
  const type = request.flags & mman.MAP_TYPE;
  const shared = type === mman.MAP_SHARED || type === mman.MAP_SHARED_VALIDATE;
  if (!shared && type !== mman.MAP_PRIVATE) fail(EINVAL);
  if (shared) checkShared(file, request);
  if ((file.mode & FMODE_READ) === 0) fail(EACCES);
  const executes = (request.prot & mman.PROT_EXEC) !== 0;
  const mayExec = !isNoexec(file);
  if (!mayExec && executes) fail(EPERM);
  if (file.fops.mmap === undefined) fail(ENODEV);
  if ((request.flags & mman.MAP_GROWSDOWN) !== 0) fail(EINVAL);
  const fileWritable = (file.mode & FMODE_WRITE) !== 0;
  const sealed = (file.inode.seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) !== 0;
  if (sealed && shared && fileWritable && (request.prot & mman.PROT_WRITE) !== 0) fail(EPERM);
  // What is open for reading only is not VM_SHARED: /dev/zero gives private zeros then.
  const target = file.fops.mmap(task, file, shared && fileWritable, request.length);
  if (target === file) file.get();
  return {
    file: target,
    fileWritable,
    mayWrite: !(sealed && shared && fileWritable),
    mayExec,
  };
}

/**
 * The file behind shared anonymous memory, "/dev/zero (deleted)", around its pages: what mm's
 * mmap() takes as its `sharedZero`.
 * @see mm/shmem.c shmem_zero_setup()
 */
export function sharedZeroFile(task: TaskStruct, pages: PageCache): MapFile {
  return shmemFileSetup(fsOf(task).vfs, task.cred, 'dev/zero', pages);
}
