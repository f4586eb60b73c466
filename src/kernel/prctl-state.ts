import { EINVAL, ENODEV, ENXIO, EPERM, ERANGE } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { PR_MDWE_NO_INHERIT, PR_MDWE_REFUSE_EXEC_GAIN } from '../mm/mdwe.js';
import { copyToUser } from '../mm/user.js';
import { CAP_SYS_RESOURCE, capable } from './capability.js';
import { noSpareArgs, prctlMm, putInt } from './prctl-args.js';
import { SAVED_AUXV_SIZE } from './prctl-mm.js';
import { SECCOMP_MODE_FILTER, SECCOMP_MODE_STRICT, setFilter, setStrictMode } from './seccomp.js';
import type { TaskStruct } from './task.js';
import { toUserAddr } from './user-address.js';

/** A prctl option: gives its result. `args` are arguments 2 to 5, unsigned 64-bit. */
export type PrctlOption = (task: TaskStruct, args: readonly bigint[]) => number;

const PR_TSC_ENABLE = 1;
const PR_SPEC_ENABLE = 2;
const PR_SPEC_DISABLE = 4;
const PR_SPEC_FORCE_DISABLE = 8;
/** How a CPU without faults answers PR_GET_SPECULATION_CTRL: store bypass, indirect branches, L1D. */
const SPECULATION = [PR_SPEC_ENABLE, PR_SPEC_ENABLE, PR_SPEC_FORCE_DISABLE];
const PR_THP_DISABLE_EXCEPT_ADVISED = 2n;
const LONG_MAX = 2n ** 63n - 1n;

/** Only 0 is accepted, and is what there is. */
const onlyZero: PrctlOption = (_task, [value = 0n]) => (value === 0n ? 0 : fail(EINVAL));
/** What is off, and cannot be switched on. */
const alwaysOff: PrctlOption = (_task, args) => {
  noSpareArgs(args, 0);
  return 0;
};
const nothing: PrctlOption = () => 0;

/** 0 and beyond the signed numbers go back to the default. */
const setTimerslack: PrctlOption = (task, [value = 0n]) => {
  const positive = value > 0n && value <= LONG_MAX;
  task.timerSlackNs = positive ? value : task.defaultTimerSlackNs;
  return 0;
};

/** When the machine finds broken memory: tell at once (1), at the access (0), or as set up (2). */
const setMceKill: PrctlOption = (task, args) => {
  const [what = 0n, policy = 0n] = args;
  noSpareArgs(args, 2);
  if (what === 0n && policy === 0n) task.mceKill = 2;
  else if (what === 1n && policy <= 2n) task.mceKill = Number(policy);
  else fail(EINVAL);
  return 0;
};

const getMceKill: PrctlOption = (task, args) => {
  noSpareArgs(args, 0);
  return task.mceKill;
};

const setThpDisable: PrctlOption = (task, args) => {
  const [disable = 0n, flags = 0n] = args;
  noSpareArgs(args, 2);
  if (flags & ~PR_THP_DISABLE_EXCEPT_ADVISED || (disable === 0n && flags !== 0n)) fail(EINVAL);
  prctlMm(task).thpDisable = disable === 0n ? 0 : 1 | Number(flags);
  return 0;
};

const getThpDisable: PrctlOption = (task, args) => {
  noSpareArgs(args, 0);
  return prctlMm(task).thpDisable;
};

const setMemoryMerge: PrctlOption = (task, args) => {
  noSpareArgs(args, 1);
  prctlMm(task).memoryMerge = args[0] !== 0n;
  return 0;
};

const getMemoryMerge: PrctlOption = (task, args) => {
  noSpareArgs(args, 0);
  return Number(prctlMm(task).memoryMerge);
};

/** Once something is denied it stays so, and nothing more can be asked for. */
const setMdwe: PrctlOption = (task, args) => {
  noSpareArgs(args, 1);
  const [value = 0n] = args;
  const known = PR_MDWE_REFUSE_EXEC_GAIN | PR_MDWE_NO_INHERIT;
  // NO_INHERIT alone says nothing.
  if (value > BigInt(known) || value === BigInt(PR_MDWE_NO_INHERIT)) fail(EINVAL);
  const mm = prctlMm(task);
  const bits = Number(value);
  if (mm.mdwe !== 0 && mm.mdwe !== bits) fail(EPERM);
  mm.mdwe = bits;
  return 0;
};

const getMdwe: PrctlOption = (task, args) => {
  noSpareArgs(args, 0);
  return prctlMm(task).mdwe;
};

const getSpeculation: PrctlOption = (_task, args) => {
  noSpareArgs(args, 1);
  return SPECULATION[Number(args[0])] ?? fail(ENODEV);
};

/** Nothing about the CPU's speculation can be chosen per task. */
const setSpeculation: PrctlOption = (_task, args) => {
  noSpareArgs(args, 2);
  const [which = 0n, control = 0n] = args;
  if (which > 2n) fail(ENODEV);
  if (which === 0n) fail(ENXIO);
  if (which === 2n) fail(EPERM);
  const wanted = Number(control);
  if (wanted === PR_SPEC_ENABLE) return 0;
  return fail(wanted === PR_SPEC_DISABLE || wanted === PR_SPEC_FORCE_DISABLE ? EPERM : ERANGE);
};

function checkSysResource(task: TaskStruct): void {
  if (!capable(task, task.kernel.initUserNs, CAP_SYS_RESOURCE)) fail(EPERM);
}

const setIoFlusher: PrctlOption = (task, args) => {
  checkSysResource(task);
  noSpareArgs(args, 1);
  const [value = 0n] = args;
  if (value > 1n) fail(EINVAL);
  task.ioFlusher = value === 1n;
  return 0;
};

const getIoFlusher: PrctlOption = (task, args) => {
  checkSysResource(task);
  noSpareArgs(args, 0);
  return Number(task.ioFlusher);
};

/** The vector as the kernel keeps it, zeros behind; as much as fits, and its whole size. */
const getAuxv: PrctlOption = (task, args) => {
  const [addr = 0n, size = 0n] = args;
  noSpareArgs(args, 2);
  const mm = prctlMm(task);
  const auxv = new Uint8Array(SAVED_AUXV_SIZE);
  auxv.set(mm.auxv);
  const length = size < BigInt(SAVED_AUXV_SIZE) ? Number(size) : SAVED_AUXV_SIZE;
  copyToUser(mm, toUserAddr(addr), auxv.subarray(0, length));
  return SAVED_AUXV_SIZE;
};

/** Where the kernel clears the thread's number when it ends (set_tid_address()). */
const getTidAddress: PrctlOption = (task, [addr = 0n]) => {
  const word = new Uint8Array(new BigUint64Array([BigInt(task.clearChildTid)]).buffer);
  copyToUser(prctlMm(task), toUserAddr(addr), word);
  return 0;
};

/** Filters that no supervisor is asked about (prctl_set_seccomp()). */
const setSeccomp: PrctlOption = (task, [mode, filter = 0n]) => {
  if (mode === BigInt(SECCOMP_MODE_STRICT)) setStrictMode(task);
  else if (mode === BigInt(SECCOMP_MODE_FILTER))
    setFilter(task, 0, toUserAddr(filter), () => fail(EINVAL));
  else fail(EINVAL);
  return 0;
};

/** Numbers of timers are chosen by their makers: 0 off, 1 on, 2 asks. */
const timerCreateRestoreIds: PrctlOption = (task, args) => {
  noSpareArgs(args, 1);
  const [control = 0n] = args;
  if (control > 2n) fail(EINVAL);
  if (control === 2n) return Number(task.group.timerRestoreIds);
  task.group.timerRestoreIds = control === 1n;
  return 0;
};

/**
 * Options that store something, or say what cannot be had, by number (include/uapi/linux/prctl.h).
 * @see kernel/sys.c, SYSCALL_DEFINE5(prctl)
 */
export const PRCTL_STATE: ReadonlyMap<number, PrctlOption> = new Map<number, PrctlOption>([
  [13, nothing], // PR_GET_TIMING
  [14, onlyZero], // PR_SET_TIMING
  [21, (task) => task.seccomp?.mode ?? 0], // PR_GET_SECCOMP
  [22, setSeccomp],
  [25, (task, [addr = 0n]) => putInt(task, addr, PR_TSC_ENABLE)], // PR_GET_TSC
  [26, (_task, [value]) => (value === BigInt(PR_TSC_ENABLE) ? 0 : fail(EINVAL))], // PR_SET_TSC
  [29, setTimerslack],
  [30, (task) => Number(task.timerSlackNs)],
  [31, nothing], // PR_TASK_PERF_EVENTS_DISABLE
  [32, nothing], // PR_TASK_PERF_EVENTS_ENABLE
  [33, setMceKill],
  [34, getMceKill],
  [40, getTidAddress],
  [41, setThpDisable],
  [42, getThpDisable],
  [52, getSpeculation],
  [53, setSpeculation],
  [57, setIoFlusher],
  [58, getIoFlusher],
  [59, alwaysOff], // PR_SET_SYSCALL_USER_DISPATCH
  [65, setMdwe],
  [66, getMdwe],
  [67, setMemoryMerge],
  [68, getMemoryMerge],
  [77, timerCreateRestoreIds],
  [0x41555856, getAuxv],
]);
