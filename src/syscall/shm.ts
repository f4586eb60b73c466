import { EINVAL, EPERM } from '../../assembly/abi/errno.js';
import {
  MAP_FIXED,
  MAP_SHARED,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
} from '../../assembly/abi/mman.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { fail } from '../errno.js';
import { CAP_IPC_LOCK, capable } from '../kernel/capability.js';
import { RLIMIT_MEMLOCK } from '../kernel/rlimit.js';
import type { TaskStruct } from '../kernel/task.js';
import { fromKgidMunged, fromKuidMunged, makeKgid, makeKuid } from '../kernel/userns.js';
import { pageAlign } from '../mm/address.js';
import type { Mm, VmaInfo } from '../mm/mm.js';
import { mmap, munmap } from '../mm/mmap.js';
import type { U64 } from '../vfs/u64.js';
import { currentMm, int, readUser, type SyscallFamily, writeUser } from './args.js';
import { mmLimits } from '../kernel/mm-limits.js';
import {
  checkIpcOwner,
  checkIpcPermission,
  segmentOf,
  type ShmSegment,
  shmSegmentsOf,
} from './shm-segments.js';

// include/uapi/linux/ipc.h and shm.h
const IPC_RMID = 0;
const IPC_SET = 1;
const IPC_STAT = 2;
const SHM_LOCK = 11;
const SHM_UNLOCK = 12;
/** Of the mode that IPC_STAT tells; as nothing is reclaimed, it holds nothing. */
const SHM_LOCKED = 0o2000;
const SHM_RDONLY = 0o10000;
const SHM_RND = 0o20000;
const SHM_REMAP = 0o40000;
const SHM_EXEC = 0o100000;
const S_IRUGO = 0o444;
const S_IWUGO = 0o222;
const S_IXUGO = 0o111;
/** struct shmid64_ds, bytes; its first 48 are struct ipc64_perm. */
const SHMID_DS_SIZE = 112;

/**
 * System V shared memory.
 *
 * @see ipc/shm.c
 */
export const shmCalls: SyscallFamily = {
  shmget: (task, key, size, flags) =>
    shmSegmentsOf(task).get(task, int(key), BigInt(size), int(flags)).id,
  shmat: (task, id, addr, flags) => attach(task, int(id), addr, int(flags)),
  shmdt: (task, addr) => detach(task, addr),
  shmctl(task, id, command, buf) {
    const segments = shmSegmentsOf(task);
    if (int(id) < 0) fail(EINVAL);
    if (int(command) === IPC_SET) {
      const wanted = readUser(task, buf, SHMID_DS_SIZE);
      setOwner(task, segments.byId(int(id)), wanted);
      return 0;
    }
    const segment = segments.byId(int(id));
    switch (int(command)) {
      case IPC_STAT:
        checkIpcPermission(task, segment, S_IRUGO);
        writeUser(task, buf, encodeSegment(task, segment));
        return 0;
      case SHM_LOCK:
      case SHM_UNLOCK:
        checkMayLockSegment(task, segment, int(command) === SHM_LOCK);
        segment.mode &= ~SHM_LOCKED;
        if (int(command) === SHM_LOCK) segment.mode |= SHM_LOCKED;
        return 0;
      case IPC_RMID:
        checkIpcOwner(task, segment);
        segments.remove(segment);
        return 0;
      default:
        return fail(EINVAL);
    }
  },
};

/**
 * May the caller lock a segment into memory, or let it go?
 *
 * @throws {LinuxError} EPERM: neither owner nor creator, or RLIMIT_MEMLOCK is 0, without CAP_IPC_LOCK
 * @see ipc/shm.c, shmctl_do_lock()
 */
function checkMayLockSegment(task: TaskStruct, segment: ShmSegment, locks: boolean): void {
  if (capable(task, task.kernel.initUserNs, CAP_IPC_LOCK)) return;
  const { euid } = task.cred;
  if (euid !== segment.uid && euid !== segment.cuid) fail(EPERM);
  if (locks && task.group.rlimits.soft(RLIMIT_MEMLOCK) === 0) fail(EPERM);
}

/** @see ipc/shm.c, do_shmat() */
function attach(task: TaskStruct, id: number, hint: U64, flags: number): number {
  const addr = attachAddress(hint, flags);
  const readOnly = (flags & SHM_RDONLY) !== 0;
  const exec = (flags & SHM_EXEC) !== 0;
  const segment = shmSegmentsOf(task).byId(id);
  checkIpcPermission(task, segment, S_IRUGO | (readOnly ? 0 : S_IWUGO) | (exec ? S_IXUGO : 0));
  const mm = currentMm(task);
  const remaps = (flags & SHM_REMAP) !== 0;
  if (addr !== 0 && !remaps && isTaken(mm, addr, segment.size)) fail(EINVAL);
  const prot = PROT_READ | (readOnly ? 0 : PROT_WRITE) | (exec ? PROT_EXEC : 0);
  const file = segment.openAttachment(task, readOnly);
  const mapFile = () => ({ file, fileWritable: !readOnly, mayWrite: true, mayExec: true });
  const request = {
    addr,
    length: segment.size,
    prot,
    flags: MAP_SHARED | (addr === 0 ? 0 : MAP_FIXED),
    offset: 0,
    mapFile,
  };
  segment.lastPid = task.tgid;
  // mmap() gives up the file's first reference, whatever comes.
  return mmap(mm, request, mmLimits(task));
}

function attachAddress(hint: U64, flags: number): U64 {
  if (hint === 0) return (flags & SHM_REMAP) !== 0 ? fail(EINVAL) : 0;
  const offset = Number(BigInt.asUintN(12, BigInt(hint)));
  if (offset === 0) return hint;
  if ((flags & SHM_RND) === 0 || typeof hint === 'bigint') fail(EINVAL);
  const rounded = hint - offset;
  return rounded === 0 && (flags & SHM_REMAP) !== 0 ? fail(EINVAL) : rounded;
}

function isTaken(mm: Mm, addr: U64, size: number): boolean {
  if (typeof addr === 'bigint') return false;
  const vma = mm.findVma(addr);
  return vma !== null && vma.start < addr + size;
}

/**
 * Unmaps what is left of one attachment: the first mapping whose segment would begin at `addr`, and
 * those behind it that belong to the same file.
 *
 * @see ipc/shm.c, ksys_shmdt()
 */
function detach(task: TaskStruct, addr: U64): number {
  if (typeof addr === 'bigint' || addr % PAGE_SIZE !== 0) fail(EINVAL);
  const mm = currentMm(task);
  const parts = attachmentAt(mm, addr);
  const [first] = parts;
  if (first === undefined) fail(EINVAL);
  const segment = segmentOf(first.file);
  if (segment !== null) segment.lastPid = task.tgid;
  const limits = mmLimits(task);
  for (const { start, end } of parts) munmap(mm, start, end - start, limits);
  return 0;
}

function attachmentAt(mm: Mm, addr: number): VmaInfo[] {
  const parts: VmaInfo[] = [];
  let end = Infinity;
  for (let vma = mm.findVma(addr); vma !== null && vma.start < end; vma = mm.findVma(vma.end)) {
    const segment = segmentOf(vma.file);
    if (segment === null || vma.start - addr !== vma.pgoff * PAGE_SIZE) continue;
    if (parts.length === 0) end = addr + pageAlign(segment.size);
    else if (vma.file !== parts[0]?.file) continue;
    parts.push(vma);
  }
  return parts;
}

/** Mappings of a segment in all memories, as shm_nattch counts them. */
function countMappings(task: TaskStruct, segment: ShmSegment): number {
  const memories = new Set([...task.kernel.tasks()].map(({ mm }) => mm));
  let count = 0;
  for (const mm of memories) {
    for (const vma of mm?.vmas() ?? []) if (segmentOf(vma.file) === segment) count += 1;
  }
  return count;
}

function encodeSegment(task: TaskStruct, segment: ShmSegment): DataView {
  const view = new DataView(new ArrayBuffer(SHMID_DS_SIZE));
  const { userNs } = task.cred;
  view.setInt32(0, segment.key, true);
  view.setUint32(4, fromKuidMunged(userNs, segment.uid), true);
  view.setUint32(8, fromKgidMunged(userNs, segment.gid), true);
  view.setUint32(12, fromKuidMunged(userNs, segment.cuid), true);
  view.setUint32(16, fromKgidMunged(userNs, segment.cgid), true);
  view.setUint32(20, segment.mode, true);
  view.setBigUint64(48, BigInt(segment.size), true);
  view.setInt32(80, segment.creatorPid, true);
  view.setInt32(84, segment.lastPid, true);
  view.setBigUint64(88, BigInt(countMappings(task, segment)), true);
  return view;
}

/** IPC_SET: owner and permission bits. @throws {LinuxError} EPERM; EINVAL: an id without mapping */
function setOwner(task: TaskStruct, segment: ShmSegment, view: DataView): void {
  checkIpcOwner(task, segment);
  const uid = makeKuid(task.cred.userNs, view.getUint32(4, true));
  const gid = makeKgid(task.cred.userNs, view.getUint32(8, true));
  if (uid < 0 || gid < 0) fail(EINVAL);
  segment.uid = uid;
  segment.gid = gid;
  segment.mode = (segment.mode & ~0o777) | (view.getUint32(20, true) & 0o777);
}
