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
import {
  checkIpcOwner,
  checkIpcPermission,
  IPC_INFO,
  IPC_RMID,
  IPC_SET,
  IPC_STAT,
  ipcSeconds,
  S_IRUGO,
  S_IWUGO,
} from '../kernel/ipc/perm.js';
import { RLIMIT_MEMLOCK } from '../kernel/rlimit.js';
import type { TaskStruct } from '../kernel/task.js';
import { pageAlign } from '../mm/address.js';
import type { Mm, VmaInfo } from '../mm/mm.js';
import { mmap, munmap } from '../mm/mmap.js';
import {
  countMappings,
  segmentOf,
  SHMMAX,
  SHMMNI,
  type ShmSegment,
  shmSegmentsOf,
} from '../vfs/shm-segments.js';
import type { U64 } from '../vfs/u64.js';
import { currentMm, int, readUser, type SyscallFamily, writeUser } from './args.js';
import { mmLimits } from '../kernel/mm-limits.js';
import { encodePerm, setPerm } from './ipc-perm.js';

// include/uapi/linux/shm.h
const SHM_LOCK = 11;
const SHM_UNLOCK = 12;
const SHM_STAT = 13;
const SHM_INFO = 14;
const SHM_STAT_ANY = 15;
/** Of the mode that IPC_STAT tells; as nothing is reclaimed, it holds nothing. */
const SHM_LOCKED = 0o2000;
const SHM_RDONLY = 0o10000;
const SHM_RND = 0o20000;
const SHM_REMAP = 0o40000;
const SHM_EXEC = 0o100000;
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
      const segment = segments.byId(int(id));
      setPerm(task, segment, wanted);
      segment.ctime = ipcSeconds(task);
      return 0;
    }
    if (int(command) === IPC_INFO || int(command) === SHM_INFO) {
      return info(task, buf, int(command) === SHM_INFO);
    }
    const bySlot = int(command) === SHM_STAT || int(command) === SHM_STAT_ANY;
    const segment = bySlot ? segments.ids.bySlot(int(id)) : segments.byId(int(id));
    switch (int(command)) {
      case SHM_STAT:
      case SHM_STAT_ANY:
      case IPC_STAT:
        if (int(command) !== SHM_STAT_ANY) checkIpcPermission(task, segment, S_IRUGO);
        writeUser(task, buf, encodeSegment(task, segment));
        return bySlot ? segment.id : 0;
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

/**
 *     struct shminfo64   0 shmmax   8 shmmin   16 shmmni   24 shmseg   32 shmall   …   72
 *     struct shm_info    0 used_ids   8 shm_tot   16 shm_rss   24 shm_swp   …   48
 *
 * @see ipc/shm.c, shmctl_ipc_info() and shmctl_shm_info()
 */
function info(task: TaskStruct, buf: U64, inUse: boolean): number {
  const { ids } = shmSegmentsOf(task);
  const pages = (bytes: number): bigint => BigInt(Math.ceil(bytes / PAGE_SIZE));
  const sizes = ids.list().map(({ size, path }) => {
    return [pages(size), BigInt(path.dentry.inode.pages?.cachedPages ?? 0)] as const;
  });
  const sum = (of: 0 | 1): bigint => sizes.reduce((all, each) => all + each[of], 0n);
  const words = inUse
    ? [BigInt(sizes.length), sum(0), sum(1), 0n, 0n, 0n]
    : [SHMMAX, 1n, BigInt(SHMMNI), BigInt(SHMMNI), SHMMAX, 0n, 0n, 0n, 0n];
  writeUser(task, buf, new Uint8Array(BigUint64Array.from(words).buffer));
  return ids.maxSlot;
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

function encodeSegment(task: TaskStruct, segment: ShmSegment): DataView {
  const view = new DataView(new ArrayBuffer(SHMID_DS_SIZE));
  encodePerm(task, segment, view);
  view.setBigUint64(48, BigInt(segment.size), true);
  view.setBigUint64(56, BigInt(segment.atime), true);
  view.setBigUint64(64, BigInt(segment.dtime), true);
  view.setBigUint64(72, BigInt(segment.ctime), true);
  view.setInt32(80, segment.creatorPid, true);
  view.setInt32(84, segment.lastPid, true);
  view.setBigUint64(88, BigInt(countMappings(task, segment)), true);
  return view;
}
