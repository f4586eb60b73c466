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
import { buildIdParse } from './build-id.js';
import { filePath, vmaFile, vmaName } from './vma-text.js';

/** _IOWR('f', 17, struct procmap_query) of include/uapi/linux/fs.h. */
const PROCMAP_QUERY = 0xc0686611;
const QUERY_SIZE = 104;
/** Up to query_addr: the least a caller may give. */
const LEAST_SIZE = 24;

const NOTHING = new Uint8Array(0);

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

/** Where a question wants text or bytes, and how many fit. */
interface Room {
  readonly addr: U64;
  readonly size: number;
}

/** @throws {LinuxError} EINVAL: a size without an address, or the reverse */
function roomAt(view: DataView, sizeAt: number, addrAt: number): Room {
  const room = { addr: toU64(view.getBigUint64(addrAt, true)), size: view.getUint32(sizeAt, true) };
  return (room.size === 0) === (room.addr === 0) ? room : fail(EINVAL);
}

/** @throws {LinuxError} ENAMETOOLONG: they do not fit where they were asked for */
function fitting(bytes: Uint8Array, room: Room): Uint8Array {
  if (room.size === 0) return NOTHING;
  return bytes.length > room.size ? fail(ENAMETOOLONG) : bytes;
}

/** The name with its NUL as it is, unlike that in maps; nothing for a mapping without one. */
function nameBytes(vma: VmaInfo): Uint8Array {
  const file = vmaFile(vma);
  const name = file === null ? vmaName(vma) : filePath(file, '');
  return name === '' ? NOTHING : bytesOf(`${name}\0`);
}

/**
 * PROCMAP_QUERY: one mapping, by address and wanted properties, with its name and the build id of
 * its file.
 * @throws {LinuxError} ENOTTY: another command; EFAULT; EINVAL, E2BIG: size, flags, or half of a
 *   buffer; ESRCH: no memory; ENOENT: no such mapping; ENAMETOOLONG: the name or the build id does
 *   not fit (K-611)
 * @see fs/proc/task_mmu.c do_procmap_query()
 */
export function procmapQuery(caller: TaskStruct, file: File, cmd: number, arg: U64): number {
  if (cmd >>> 0 !== PROCMAP_QUERY || !caller.kernel.profile.procmapQuery) fail(ENOTTY);
  const view = readQuery(caller, arg);
  const flags = toU64(view.getBigUint64(8, true));
  if (flags > VALID_FLAGS) fail(EINVAL);
  const nameRoom = roomAt(view, 80, 88);
  const idRoom = roomAt(view, 84, 96);
  const mm = file.privateData as MmStruct | null;
  if (mm === null || !mm.alive) fail(ESRCH);
  const addr = toU64(view.getBigUint64(16, true));
  const vma = typeof addr === 'number' ? findMatching(mm, addr, Number(flags)) : fail(ENOENT);
  fillAnswer(view, vma);
  const id = fitting(idRoom.size === 0 ? NOTHING : (buildIdParse(vmaFile(vma)) ?? NOTHING), idRoom);
  const name = fitting(nameBytes(vma), nameRoom);
  view.setUint32(80, name.length, true);
  view.setUint32(84, id.length, true);
  const own = caller.mm ?? fail(ESRCH);
  if (name.length > 0) copyToUser(own, nameRoom.addr, name);
  if (id.length > 0) copyToUser(own, idRoom.addr, id);
  const answer = new Uint8Array(view.buffer);
  const size = Math.min(Number(view.getBigUint64(0, true)), QUERY_SIZE);
  copyToUser(own, arg, answer.subarray(0, size));
  return 0;
}
