import { E2BIG, EINVAL, ENAMETOOLONG, ENOENT, ENOTTY, ESRCH } from '../../assembly/abi/errno.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { VM_EXEC, VM_MAYSHARE, VM_READ, VM_WRITE } from '../../assembly/abi/vma.js';
import { fail } from '../errno.js';
import type { MmStruct } from '../kernel/mm-struct.js';
import type { TaskStruct } from '../kernel/task.js';
import type { VmaInfo } from '../mm/mm.js';
import { copyFromUser, copyToUser } from '../mm/user.js';
import { bytesOf } from '../vfs/byte-string.js';
import type { File } from '../vfs/file.js';
import { major, minor } from '../vfs/super-block.js';
import { toU64 } from '../vfs/u64.js';
import type { U64 } from '../vfs/u64.js';
import { vmaFile, vmaName } from './vma-text.js';

/** _IOWR('f', 17, struct procmap_query) of include/uapi/linux/fs.h. */
const PROCMAP_QUERY = 0xc0686611;
const QUERY_SIZE = 104;
/** Up to query_addr: the least a caller may give. */
const LEAST_SIZE = 24;

const COVERING_OR_NEXT_VMA = 0x10;
const FILE_BACKED_VMA = 0x20;
const VALID_FLAGS = 0x3f;
/** What the four lowest flags ask of a mapping. */
const WANTED_VM: readonly (readonly [number, number])[] = [
  [1, VM_READ],
  [2, VM_WRITE],
  [4, VM_EXEC],
  [8, VM_MAYSHARE],
];

/*
 * struct procmap_query, little-endian:
 *
 *   0 size   8 query_flags  16 query_addr | 24 vma_start  32 vma_end  40 vma_flags  48 vma_page_size
 *   56 vma_offset  64 inode  72 dev_major  76 dev_minor  80 vma_name_size  84 build_id_size
 *   88 vma_name_addr  96 build_id_addr
 */

function readQuery(caller: TaskStruct, arg: U64): DataView {
  const { mm } = caller;
  if (mm === null) fail(ESRCH);
  const size = new DataView(copyFromUser(mm, arg, 8).buffer).getBigUint64(0, true);
  if (size > PAGE_SIZE) fail(E2BIG);
  if (size < LEAST_SIZE) fail(EINVAL);
  const given = copyFromUser(mm, arg, Number(size));
  if (given.subarray(QUERY_SIZE).some((byte) => byte !== 0)) fail(E2BIG);
  const bytes = new Uint8Array(QUERY_SIZE);
  bytes.set(given.subarray(0, QUERY_SIZE));
  return new DataView(bytes.buffer);
}

function satisfies(vma: VmaInfo, flags: number): boolean {
  if ((flags & FILE_BACKED_VMA) !== 0 && vmaFile(vma) === null) return false;
  return WANTED_VM.every(([flag, bit]) => (flags & flag) === 0 || (vma.flags & bit) !== 0);
}

/** The mapping asked for (fs/proc/task_mmu.c query_matching_vma()). */
function findMatching(mm: MmStruct, addr: number, flags: number): VmaInfo {
  const next = (flags & COVERING_OR_NEXT_VMA) !== 0;
  let vma = mm.findVma(addr);
  while (vma !== null) {
    if (satisfies(vma, flags)) return next || vma.start <= addr ? vma : fail(ENOENT);
    if (!next) break;
    vma = mm.findVma(vma.end);
  }
  return fail(ENOENT);
}

/** The flags of a mapping as the answer shows them: those of the question. */
function shownFlags(vma: VmaInfo): number {
  return WANTED_VM.reduce((sum, [flag, bit]) => ((vma.flags & bit) !== 0 ? sum | flag : sum), 0);
}

function fillAnswer(view: DataView, vma: VmaInfo): void {
  const file = vmaFile(vma);
  const u64s: readonly (readonly [number, number])[] = [
    [24, vma.start],
    [32, vma.end],
    [40, shownFlags(vma)],
    [48, PAGE_SIZE],
    [56, file === null ? 0 : vma.pgoff * PAGE_SIZE],
    [64, file === null ? 0 : file.inode.ino],
  ];
  for (const [at, value] of u64s) view.setBigUint64(at, BigInt(value), true);
  const dev = file?.inode.sb.dev ?? 0;
  view.setUint32(72, major(dev), true);
  view.setUint32(76, minor(dev), true);
}

/**
 * PROCMAP_QUERY: one mapping, by address and wanted properties. There are no build ids: their size
 * comes back 0.
 * @throws {LinuxError} ENOTTY: another command; EFAULT; EINVAL, E2BIG: size, flags, or half of a
 *   buffer; ESRCH: no memory; ENOENT: no such mapping; ENAMETOOLONG: the name does not fit (K-611)
 * @see fs/proc/task_mmu.c do_procmap_query()
 */
export function procmapQuery(caller: TaskStruct, file: File, cmd: number, arg: U64): number {
  if (cmd >>> 0 !== PROCMAP_QUERY) fail(ENOTTY);
  const view = readQuery(caller, arg);
  const flags = toU64(view.getBigUint64(8, true));
  if (flags > VALID_FLAGS) fail(EINVAL);
  const nameSize = view.getUint32(80, true);
  const nameAddr = toU64(view.getBigUint64(88, true));
  if ((nameSize === 0) !== (nameAddr === 0)) fail(EINVAL);
  if ((view.getUint32(84, true) === 0) !== (view.getBigUint64(96, true) === 0n)) fail(EINVAL);
  const mm = file.privateData as MmStruct | null;
  if (mm === null || !mm.alive) fail(ESRCH);
  const addr = toU64(view.getBigUint64(16, true));
  const vma = typeof addr === 'number' ? findMatching(mm, addr, Number(flags)) : fail(ENOENT);
  fillAnswer(view, vma);
  view.setUint32(84, 0, true);
  const name = nameSize === 0 ? '' : vmaName(vma);
  const bytes = bytesOf(name === '' ? '' : `${name}\0`);
  if (bytes.length > nameSize) fail(ENAMETOOLONG);
  view.setUint32(80, bytes.length, true);
  const own = caller.mm ?? fail(ESRCH);
  if (bytes.length > 0) copyToUser(own, nameAddr, bytes);
  const answer = new Uint8Array(view.buffer);
  copyToUser(
    own,
    arg,
    answer.subarray(0, Math.min(Number(view.getBigUint64(0, true)), QUERY_SIZE)),
  );
  return 0;
}
