import { EACCES, EEXIST, EINVAL, ENOENT, ENOMEM, EPERM } from '../../assembly/abi/errno.js';
import { VM_CLOSES } from '../../assembly/abi/vma.js';
import { fail } from '../errno.js';
import { CAP_IPC_OWNER, CAP_SYS_ADMIN, capable } from '../kernel/capability.js';
import { inGroup } from '../kernel/cred.js';
import type { TaskStruct } from '../kernel/task.js';
import { PageCache } from '../mm/page-cache.js';
import { Dentry, type Path, deletedName } from '../vfs/dentry.js';
import { File, type FileOperations, FMODE_READ, FMODE_WRITE } from '../vfs/file.js';
import { O_RDONLY, O_RDWR } from '../vfs/flags.js';
import { fsOf } from '../vfs/fs-struct.js';
import { Inode } from '../vfs/inode.js';
import { S_IFREG } from '../vfs/mode.js';
import { shmemFileOperations } from '../vfs/shmem.js';
import type { Vfs } from '../vfs/vfs.js';
import { SideTable } from '../side-table.js';

// include/uapi/linux/ipc.h and shm.h
const IPC_PRIVATE = 0;
const IPC_CREAT = 0o1000;
const IPC_EXCL = 0o2000;
/** The segment goes with its last attachment. */
const SHM_DEST = 0o1000;
/** ULONG_MAX less 16 MiB: kernel.shmmax. */
const SHMMAX = 2n ** 64n - 1n - 2n ** 24n;
/** The largest file there can be, and a segment is one (mm/shmem.c, __shmem_file_setup()). */
const MAX_LFS_FILESIZE = 2n ** 63n - 1n;
/** Ids of one slot in turn differ by this (ipc/util.h, IPCMNI). */
const IPCMNI = 32768;

/** A System V shared memory segment (struct shmid_kernel). */
export class ShmSegment {
  readonly id: number;
  /** Under which others find it; IPC_PRIVATE once it is to go. */
  key: number;
  /** Bytes. */
  readonly size: number;
  /** Permission bits, and SHM_DEST. */
  mode: number;
  /** Kernel ids of owner and creator. */
  uid: number;
  gid: number;
  readonly cuid: number;
  readonly cgid: number;
  readonly creatorPid: number;
  /** Who attached or detached last; 0 for nobody. */
  lastPid = 0;
  /** Attachments that still have a mapping. */
  attached = 0;
  readonly path: Path;
  private readonly segments: ShmSegments;

  constructor(
    segments: ShmSegments,
    task: TaskStruct,
    init: { id: number; key: number; size: number; mode: number },
  ) {
    const { vfs } = fsOf(task);
    const { euid, egid } = task.cred;
    this.segments = segments;
    this.id = init.id;
    this.key = init.key;
    this.size = init.size;
    this.mode = init.mode;
    this.uid = euid;
    this.gid = egid;
    this.cuid = euid;
    this.cgid = egid;
    this.creatorPid = task.tgid;
    const inode = new Inode(vfs.shm, S_IFREG | 0o777, euid, egid, {}, shmemFileOperations, init.id);
    inode.pages = new PageCache(vfs.kernel.core, { kind: 'memory' });
    inode.pages.resize(init.size);
    inode.nlink = 0;
    inode.get(); // the segment itself
    const name = `SYSV${(init.key >>> 0).toString(16).padStart(8, '0')}`;
    this.path = {
      mnt: vfs.shmMount,
      dentry: new Dentry(name, null, inode, deletedName),
    };
  }

  /** What one attachment maps: a file of its own, so that attachments never merge. */
  openAttachment(task: TaskStruct, readOnly: boolean): File {
    const flags = readOnly ? O_RDONLY : O_RDWR;
    const mode = readOnly ? FMODE_READ : FMODE_READ | FMODE_WRITE;
    const file = new File(this.path, flags, mode, task.cred, attachmentOperations);
    file.privateData = this;
    file.vmFlags = VM_CLOSES;
    this.attached += 1;
    return file;
  }

  /** The last mapping of an attachment has gone. */
  closeAttachment(): void {
    this.attached -= 1;
    if (this.attached === 0 && (this.mode & SHM_DEST) !== 0) this.segments.destroy(this);
  }
}

/** Mappings of a segment: its pages, and word of the last of them. */
export const attachmentOperations: FileOperations = {
  ...shmemFileOperations,
  release: (file) => (file.privateData as ShmSegment).closeAttachment(),
};

/** The segment an open file was attached from, or null. */
export function segmentOf(file: unknown): ShmSegment | null {
  return file instanceof File && file.privateData instanceof ShmSegment ? file.privateData : null;
}

/** The segments of one machine. */
export class ShmSegments {
  private readonly segmentsById = new Map<number, ShmSegment>();
  private made = 0;

  /**
   * The segment of a key, made where IPC_CREAT asks.
   *
   * @throws {LinuxError} ENOENT: none; EEXIST: IPC_EXCL; EACCES: not permitted; EINVAL: its size;
   * ENOMEM: larger than memory
   * @see ipc/shm.c, shmget
   */
  get(task: TaskStruct, key: number, size: bigint, flags: number): ShmSegment {
    const known = key === IPC_PRIVATE ? null : this.find(key);
    if (known === null) {
      if (key !== IPC_PRIVATE && (flags & IPC_CREAT) === 0) fail(ENOENT);
      return this.make(task, key, size, flags);
    }
    if ((flags & IPC_CREAT) !== 0 && (flags & IPC_EXCL) !== 0) fail(EEXIST);
    if (size > BigInt(known.size)) fail(EINVAL);
    checkIpcPermission(task, known, flags);
    return known;
  }

  /** The segment of an id. @throws {LinuxError} EINVAL: none */
  byId(id: number): ShmSegment {
    return this.segmentsById.get(id) ?? fail(EINVAL);
  }

  /** Takes a segment away, at once or with its last attachment. */
  remove(segment: ShmSegment): void {
    segment.key = IPC_PRIVATE;
    segment.mode |= SHM_DEST;
    if (segment.attached === 0) this.destroy(segment);
  }

  destroy(segment: ShmSegment): void {
    this.segmentsById.delete(segment.id);
    segment.path.dentry.inode.put();
  }

  private find(key: number): ShmSegment | null {
    for (const segment of this.segmentsById.values()) if (segment.key === key) return segment;
    return null;
  }

  private make(task: TaskStruct, key: number, size: bigint, flags: number): ShmSegment {
    if (size < 1n || size > SHMMAX || size > MAX_LFS_FILESIZE) fail(EINVAL);
    if (size > BigInt(task.kernel.profile.totalRam)) fail(ENOMEM);
    const id = this.made++ * IPCMNI;
    const segment = new ShmSegment(this, task, {
      id,
      key,
      size: Number(size),
      mode: flags & 0o777,
    });
    this.segmentsById.set(id, segment);
    return segment;
  }
}

const segmentsByVfs = new SideTable<Vfs, ShmSegments>('shm segments', 'Vfs');

/** The segments of the machine a task runs on. */
export function shmSegmentsOf(task: TaskStruct): ShmSegments {
  const { vfs } = fsOf(task);
  const segments = segmentsByVfs.get(vfs) ?? new ShmSegments();
  segmentsByVfs.set(vfs, segments);
  return segments;
}

/**
 * @param flags wanted permissions, as bits of any of the three classes
 * @throws {LinuxError} EACCES: not granted
 * @see ipc/util.c, ipcperms()
 */
export function checkIpcPermission(task: TaskStruct, segment: ShmSegment, flags: number): void {
  const { cred, kernel } = task;
  const wanted = (flags >> 6) | (flags >> 3) | flags;
  let granted = segment.mode;
  if (cred.euid === segment.cuid || cred.euid === segment.uid) granted >>= 6;
  else if (inGroup(cred, segment.cgid) || inGroup(cred, segment.gid)) granted >>= 3;
  if ((wanted & ~granted & 0o007) === 0) return;
  if (!capable(task, kernel.initUserNs, CAP_IPC_OWNER)) fail(EACCES);
}

/**
 * Who may change or remove a segment.
 *
 * @throws {LinuxError} EPERM: neither owner nor creator, without CAP_SYS_ADMIN
 * @see ipc/util.c, ipcctl_obtain_check()
 */
export function checkIpcOwner(task: TaskStruct, segment: ShmSegment): void {
  const { euid } = task.cred;
  if (euid === segment.cuid || euid === segment.uid) return;
  if (!capable(task, task.kernel.initUserNs, CAP_SYS_ADMIN)) fail(EPERM);
}
