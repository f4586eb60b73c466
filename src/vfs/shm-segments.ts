import { EINVAL, ENOMEM } from '../../assembly/abi/errno.js';
import { VM_CLOSES } from '../../assembly/abi/vma.js';
import { fail } from '../errno.js';
import { IpcIds, IPC_PRIVATE, IpcObject, ipcSeconds } from '../kernel/ipc/perm.js';
import type { TaskStruct } from '../kernel/task.js';
import { PageCache } from '../mm/page-cache.js';
import { Dentry, type Path, deletedName } from './dentry.js';
import { File, type FileOperations, FMODE_READ, FMODE_WRITE } from './file.js';
import { O_RDONLY, O_RDWR } from './flags.js';
import { fsOf } from './fs-struct.js';
import { Inode } from './inode.js';
import { S_IFREG } from './mode.js';
import { shmemFileOperations } from './shmem.js';
import type { Vfs } from './vfs.js';
import { SideTable } from '../side-table.js';

// include/uapi/linux/shm.h
/** The segment goes with its last attachment. */
const SHM_DEST = 0o1000;
/** Segments there may be: kernel.shmmni. */
export const SHMMNI = 4096;
/** ULONG_MAX less 16 MiB: kernel.shmmax and, in pages, kernel.shmall. */
export const SHMMAX = 2n ** 64n - 1n - 2n ** 24n;
/** The largest file there can be, and a segment is one (mm/shmem.c, __shmem_file_setup()). */
const MAX_LFS_FILESIZE = 2n ** 63n - 1n;

/** A System V shared memory segment (struct shmid_kernel). */
export class ShmSegment extends IpcObject {
  /** Bytes. */
  readonly size: number;
  readonly creatorPid: number;
  /** Who attached or detached last; 0 for nobody. */
  lastPid = 0;
  /** Seconds since 1970 of the last attachment and its end; 0 for never. */
  atime = 0;
  dtime = 0;
  /** Attachments that still have a mapping. */
  attached = 0;
  readonly path: Path;
  private readonly segments: ShmSegments;

  constructor(
    segments: ShmSegments,
    task: TaskStruct,
    init: { id: number; key: number; size: number; mode: number },
  ) {
    super(task, init);
    const { vfs } = fsOf(task);
    const { euid, egid } = task.cred;
    this.segments = segments;
    this.size = init.size;
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
    this.atime = ipcSeconds(task);
    return file;
  }

  /** The last mapping of an attachment has gone. */
  closeAttachment({ kernel }: Vfs): void {
    this.dtime = Math.floor(kernel.realTime() / 1000);
    this.attached -= 1;
    if (this.attached === 0 && (this.mode & SHM_DEST) !== 0) this.segments.destroy(this);
  }
}

/** Mappings of a segment: its pages, and word of the last of them. */
export const attachmentOperations: FileOperations = {
  ...shmemFileOperations,
  release: (file) => (file.privateData as ShmSegment).closeAttachment(file.inode.sb.vfs),
};

/** The segment an open file was attached from, or null. */
export function segmentOf(file: unknown): ShmSegment | null {
  return file instanceof File && file.privateData instanceof ShmSegment ? file.privateData : null;
}

/** The segments of one machine. */
export class ShmSegments {
  readonly ids = new IpcIds<ShmSegment>();

  /**
   * The segment of a key, made where IPC_CREAT asks.
   *
   * @throws {LinuxError} EINVAL: its size; ENOMEM: larger than memory; and what IpcIds.get() throws
   * @see ipc/shm.c, shmget
   */
  get(task: TaskStruct, key: number, size: bigint, flags: number): ShmSegment {
    return this.ids.get(task, key, flags, {
      make: (id) => this.make(task, { id, key, flags }, size),
      fits: (known) => (size > BigInt(known.size) ? fail(EINVAL) : undefined),
    });
  }

  /** The segment of an id. @throws {LinuxError} EINVAL: none */
  byId(id: number): ShmSegment {
    return this.ids.byId(id);
  }

  /** Takes a segment away, at once or with its last attachment. */
  remove(segment: ShmSegment): void {
    segment.key = IPC_PRIVATE;
    segment.mode |= SHM_DEST;
    if (segment.attached === 0) this.destroy(segment);
  }

  destroy(segment: ShmSegment): void {
    this.ids.remove(segment);
    segment.path.dentry.inode.put();
  }

  private make(
    task: TaskStruct,
    { id, key, flags }: { id: number; key: number; flags: number },
    size: bigint,
  ): ShmSegment {
    if (size < 1n || size > SHMMAX || size > MAX_LFS_FILESIZE) fail(EINVAL);
    if (size > BigInt(task.kernel.profile.totalRam)) fail(ENOMEM);
    return new ShmSegment(this, task, { id, key, size: Number(size), mode: flags & 0o777 });
  }
}

const segmentsByVfs = new SideTable<Vfs, ShmSegments>('shm segments', 'Vfs');

/** The segments of the machine a task runs on. */
export function shmSegmentsOf(task: TaskStruct): ShmSegments {
  return segmentsOf(fsOf(task).vfs);
}

/** The segments of a machine. */
function segmentsOf(vfs: Vfs): ShmSegments {
  const segments = segmentsByVfs.get(vfs) ?? new ShmSegments();
  segmentsByVfs.set(vfs, segments);
  return segments;
}

/** Mappings of a segment in all memories, as shm_nattch counts them. */
export function countMappings({ kernel }: TaskStruct, segment: ShmSegment): number {
  const memories = new Set([...kernel.tasks()].map(({ mm }) => mm));
  let count = 0;
  for (const mm of memories) {
    for (const vma of mm?.vmas() ?? []) if (segmentOf(vma.file) === segment) count += 1;
  }
  return count;
}
