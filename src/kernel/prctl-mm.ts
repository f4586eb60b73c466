import { EFAULT, EINVAL, EPERM } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { TASK_SIZE } from '../mm/address.js';
import { copyFromUser, putUserU32 } from '../mm/user.js';
import { CAP_CHECKPOINT_RESTORE, CAP_SYS_ADMIN, CAP_SYS_RESOURCE, capable } from './capability.js';
import type { ExeFile, MmStruct } from './mm-struct.js';
import { RLIMIT_DATA } from './rlimit.js';
import type { TaskStruct } from './task.js';
import { toUserAddr } from './user-address.js';

// include/uapi/linux/prctl.h
const PR_SET_MM_AUXV = 12;
const PR_SET_MM_EXE_FILE = 13;
const PR_SET_MM_MAP = 14;
const PR_SET_MM_MAP_SIZE = 15;

/** struct prctl_mm_map, and the auxiliary vector the kernel keeps, bytes. */
const MM_MAP_SIZE = 104;
export const SAVED_AUXV_SIZE = 448;
const NO_EXE_FD = 0xffffffff;

/** The addresses a memory remembers of its program, in the order of struct prctl_mm_map. */
const MAP_FIELDS = [
  'startCode',
  'endCode',
  'startData',
  'endData',
  'startBrk',
  'brk',
  'startStack',
  'argStart',
  'argEnd',
  'envStart',
  'envEnd',
] as const;

type MapField = (typeof MAP_FIELDS)[number];
type MmMap = Record<MapField, number>;

/** The field each option of one address sets. */
const OPTION_FIELD: ReadonlyMap<number, MapField> = new Map([
  ...MAP_FIELDS.slice(0, 4).map((field, i) => [1 + i, field] as const),
  [5, 'startStack'],
  [6, 'startBrk'],
  [7, 'brk'],
  ...MAP_FIELDS.slice(7).map((field, i) => [8 + i, field] as const),
]);

/** Fields whose address must be mapped, or below something that is. */
const NEED_VMA: ReadonlySet<MapField> = new Set([
  'startStack',
  'argStart',
  'argEnd',
  'envStart',
  'envEnd',
]);

/** Gives the program of a descriptor as one a memory may take, with a reference for the taker. */
export type ExeFileOf = (fd: number) => ExeFile;

/** @see kernel/sys.c, validate_prctl_map_addr() */
function validate(task: TaskStruct, map: MmMap): void {
  const lowest = task.kernel.sysctl.get('vm.mmap_min_addr');
  for (const field of MAP_FIELDS) {
    if (map[field] >= TASK_SIZE || map[field] < lowest) fail(EINVAL);
  }
  const ordered =
    map.startCode < map.endCode &&
    map.startData <= map.endData &&
    map.startBrk <= map.brk &&
    map.argStart <= map.argEnd &&
    map.envStart <= map.envEnd;
  if (!ordered) fail(EINVAL);
  const data = map.brk - map.startBrk + (map.endData - map.startData);
  if (data > task.group.rlimits.soft(RLIMIT_DATA)) fail(EINVAL);
}

function current(mm: MmStruct): MmMap {
  return Object.fromEntries(MAP_FIELDS.map((field) => [field, mm[field]])) as MmMap;
}

/** The last entry of a vector is AT_NULL, whatever was given. */
function readAuxv(mm: MmStruct, addr: bigint, size: number): Uint8Array {
  const auxv = new Uint8Array(SAVED_AUXV_SIZE);
  auxv.set(copyFromUser(mm, toUserAddr(addr), size));
  auxv.fill(0, SAVED_AUXV_SIZE - 16);
  return auxv;
}

function setAuxv(mm: MmStruct, addr: bigint, size: bigint): void {
  if (size > BigInt(SAVED_AUXV_SIZE)) fail(EINVAL);
  mm.auxv = readAuxv(mm, addr, Number(size));
}

function setExeFile(mm: MmStruct, fd: number, exeFileOf: ExeFileOf): void {
  const file = exeFileOf(fd);
  mm.setExeFile(file);
  file.put();
}

/** @see kernel/sys.c, prctl_set_mm_map() */
function setMap(task: TaskStruct, mm: MmStruct, addr: bigint, size: bigint, exe: ExeFileOf): void {
  if (size !== BigInt(MM_MAP_SIZE)) fail(EINVAL);
  const bytes = copyFromUser(mm, toUserAddr(addr), MM_MAP_SIZE);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const word = (i: number): number => Number(view.getBigUint64(8 * i, true));
  const map = Object.fromEntries(MAP_FIELDS.map((field, i) => [field, word(i)])) as MmMap;
  validate(task, map);
  const auxvSize = view.getUint32(96, true);
  const auxvAddr = view.getBigUint64(88, true);
  if (auxvSize > 0 && (auxvAddr === 0n || auxvSize > SAVED_AUXV_SIZE)) fail(EINVAL);
  const auxv = auxvSize > 0 ? readAuxv(mm, auxvAddr, auxvSize) : null;
  const exeFd = view.getUint32(100, true);
  if (exeFd !== NO_EXE_FD) {
    const may = [CAP_CHECKPOINT_RESTORE, CAP_SYS_ADMIN];
    if (!may.some((cap) => capable(task, task.cred.userNs, cap))) fail(EPERM);
    setExeFile(mm, exeFd | 0, exe);
  }
  Object.assign(mm, map);
  if (auxv !== null) mm.auxv = auxv;
}

/** One address: it and what the memory has otherwise must make sense together. */
function setField(task: TaskStruct, mm: MmStruct, option: number, addr: bigint): void {
  if (addr >= BigInt(TASK_SIZE)) fail(EINVAL);
  if (addr < BigInt(task.kernel.sysctl.get('vm.mmap_min_addr'))) fail(EINVAL);
  const field = OPTION_FIELD.get(option) ?? fail(EINVAL);
  const map = { ...current(mm), [field]: Number(addr) };
  validate(task, map);
  if (NEED_VMA.has(field) && mm.findVma(Number(addr)) === null) fail(EFAULT);
  mm[field] = Number(addr);
}

/**
 * Changes what a memory remembers of its program: PR_SET_MM. `args` are arguments 2 to 5.
 * @throws {LinuxError} EINVAL: an unknown option, spare arguments, or addresses that make no sense
 * @throws {LinuxError} EPERM: without CAP_SYS_RESOURCE, but for PR_SET_MM_MAP and its size
 * @throws {LinuxError} EFAULT: a bad address, or one for stack and strings that nothing is above of
 * @throws {LinuxError} EBADF, EACCES, EBUSY: the file of PR_SET_MM_EXE_FILE
 * @see kernel/sys.c, prctl_set_mm()
 */
export function prctlSetMm(
  task: TaskStruct,
  mm: MmStruct,
  args: readonly bigint[],
  exeFileOf: ExeFileOf,
): void {
  const [what = 0n, addr = 0n, arg4 = 0n, arg5 = 0n] = args;
  const option = Number(BigInt.asIntN(32, what));
  const sized = [PR_SET_MM_AUXV, PR_SET_MM_MAP, PR_SET_MM_MAP_SIZE].includes(option);
  if (arg5 !== 0n || (arg4 !== 0n && !sized)) fail(EINVAL);
  if (option === PR_SET_MM_MAP_SIZE) return putUserU32(mm, toUserAddr(addr), MM_MAP_SIZE);
  if (option === PR_SET_MM_MAP) return setMap(task, mm, addr, arg4, exeFileOf);
  if (!capable(task, task.kernel.initUserNs, CAP_SYS_RESOURCE)) fail(EPERM);
  if (option === PR_SET_MM_EXE_FILE)
    return setExeFile(mm, Number(addr & 0xffffffffn) | 0, exeFileOf);
  if (option === PR_SET_MM_AUXV) return setAuxv(mm, addr, arg4);
  setField(task, mm, option, addr);
}
