import {
  FAULT_ACCERR,
  FAULT_MAPERR,
  FAULT_OOM,
  FAULT_USERFAULT,
} from '../../assembly/abi/fault.js';
import { ENOMEM } from '../../assembly/abi/errno.js';
import { VM_EXEC } from '../../assembly/abi/vma.js';
import { fail } from '../errno.js';
import { acting } from './acting.js';
import { coreAddress, type U64 } from './address.js';
import { hookedCopy, hookedLoad, hookedStore, leftToHost } from './hooked.js';
import type { Mm } from './mm.js';
import { faultMended } from './stop.js';
import { loadUser, storeUser } from './user.js';

/** The signal that a load or store would raise; none while it waits for a userfaultfd. */
export interface Fault {
  readonly signal: 'SIGSEGV' | 'SIGBUS' | null;
  readonly code: 'SEGV_MAPERR' | 'SEGV_ACCERR' | 'BUS_ADRERR' | 'USERFAULT';
  /** The byte that faulted. */
  readonly address: number;
}

/** How far a run of one-byte accesses in rising order came. */
export interface CpuAccess {
  readonly done: number;
  readonly fault: Fault | null;
}

/**
 * The fault that stopped the last access.
 * @throws {LinuxError} ENOMEM: it was stopped by a lack of frames, which no signal tells
 */
export function takeFault(mm: Mm): Fault {
  const { exports } = mm.core;
  const address = exports.lastFaultAddr();
  const fault = exports.lastFault();
  if (fault === FAULT_OOM) fail(ENOMEM);
  if (fault === FAULT_MAPERR) return { signal: 'SIGSEGV', code: 'SEGV_MAPERR', address };
  if (fault === FAULT_ACCERR) return { signal: 'SIGSEGV', code: 'SEGV_ACCERR', address };
  if (fault === FAULT_USERFAULT) return { signal: null, code: 'USERFAULT', address };
  // Beyond the end of a file, a page that UFFDIO_POISON marked, or a page of the host's file that could not be read.
  return { signal: 'SIGBUS', code: 'BUS_ADRERR', address };
}

/** Loads bytes in rising order as the CPU would. */
export function cpuLoad(mm: Mm, addr: U64, into: Uint8Array): CpuAccess {
  const done = loadUser(mm, addr, into, 'cpu');
  return { done, fault: done < into.length ? takeFault(mm) : null };
}

/**
 * Fetches bytes as a CPU does that is about to execute them: from executable mappings only.
 * @see arch/x86/mm/fault.c, access_error()
 */
export function cpuFetch(mm: Mm, addr: U64, into: Uint8Array): CpuAccess {
  const at = coreAddress(addr);
  let allowed = 0;
  while (allowed < into.length) {
    const vma = mm.findVma(at + allowed);
    const there = vma !== null && vma.start <= at + allowed;
    if (there && !(vma.flags & VM_EXEC)) break;
    // What is not mapped faults below, unless a stack grows: into memory that is not executable.
    allowed = there ? Math.min(into.length, vma.end - at) : into.length;
  }
  const done = hookedCopy(mm, at, into.subarray(0, allowed), 'execute', 'cpu');
  if (done < allowed) return { done, fault: takeFault(mm) };
  if (done === into.length) return { done, fault: null };
  return { done, fault: { signal: 'SIGSEGV', code: 'SEGV_ACCERR', address: at + done } };
}

/** Stores bytes in rising order as the CPU would; what comes before a fault stays stored. */
export function cpuStore(mm: Mm, addr: U64, from: Uint8Array): CpuAccess {
  const done = storeUser(mm, addr, from, 'cpu');
  return { done, fault: done < from.length ? takeFault(mm) : null };
}

/** Did the last access fault for good? What could be mended says no: try again. */
function faulted(mm: Mm): boolean {
  const fault = mm.core.exports.lastFault();
  if (fault === 0) return false;
  return !faultMended(mm, fault, true);
}

/** The load that the core left to the host; null when it faulted. */
function loadLeft(mm: Mm, at: number, size: number, task: object | null): DataView | null {
  const bytes = new Uint8Array(size);
  const done = acting(task, () => hookedLoad(mm, at, bytes));
  return done ? new DataView(bytes.buffer) : null;
}

/** The store that the core left to the host; false when it faulted. */
function storeLeft(mm: Mm, at: number, size: number, value: bigint, task: object | null): boolean {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, value), true);
  return acting(task, () => hookedStore(mm, at, bytes.subarray(0, size)));
}

/**
 * An aligned or unaligned load of 1, 2 or 4 bytes; null when it faulted (see takeFault). `task` is whose
 * CPU it is, for those who watch.
 */
export function load(
  mm: Mm,
  addr: U64,
  size: 1 | 2 | 4,
  task: object | null = null,
): number | null {
  const { exports } = mm.core;
  const at = coreAddress(addr);
  const one = size === 1 ? exports.load8 : size === 2 ? exports.load16 : exports.load32;
  let value = one(mm.ptr, at, mm.stackLimit);
  while (exports.lastFault() !== 0) {
    if (leftToHost(mm)) return narrow(loadLeft(mm, at, size, task), size);
    if (faulted(mm)) return null;
    value = one(mm.ptr, at, mm.stackLimit);
  }
  return value >>> 0;
}

/** The value of a load that the host did. */
function narrow(bytes: DataView | null, size: 1 | 2 | 4): number | null {
  if (bytes === null) return null;
  if (size === 1) return bytes.getUint8(0);
  return size === 2 ? bytes.getUint16(0, true) : bytes.getUint32(0, true);
}

/** A load of 8 bytes; null when it faulted. */
export function load64(mm: Mm, addr: U64, task: object | null = null): bigint | null {
  const { exports } = mm.core;
  const at = coreAddress(addr);
  let value = exports.load64(mm.ptr, at, mm.stackLimit);
  while (exports.lastFault() !== 0) {
    if (leftToHost(mm)) return loadLeft(mm, at, 8, task)?.getBigUint64(0, true) ?? null;
    if (faulted(mm)) return null;
    value = exports.load64(mm.ptr, at, mm.stackLimit);
  }
  return BigInt.asUintN(64, value);
}

/** A store of 1, 2 or 4 bytes; false when it faulted, and then nothing is stored. */
export function store(
  mm: Mm,
  addr: U64,
  size: 1 | 2 | 4,
  value: number,
  task: object | null = null,
): boolean {
  const { exports } = mm.core;
  const at = coreAddress(addr);
  const one = size === 1 ? exports.store8 : size === 2 ? exports.store16 : exports.store32;
  one(mm.ptr, at, value, mm.stackLimit);
  while (exports.lastFault() !== 0) {
    if (leftToHost(mm)) return storeLeft(mm, at, size, BigInt(value), task);
    if (faulted(mm)) return false;
    one(mm.ptr, at, value, mm.stackLimit);
  }
  return true;
}

/** A store of 8 bytes; false when it faulted, and then nothing is stored. */
export function store64(mm: Mm, addr: U64, value: bigint, task: object | null = null): boolean {
  const { exports } = mm.core;
  const at = coreAddress(addr);
  exports.store64(mm.ptr, at, value, mm.stackLimit);
  while (exports.lastFault() !== 0) {
    if (leftToHost(mm)) return storeLeft(mm, at, 8, value, task);
    if (faulted(mm)) return false;
    exports.store64(mm.ptr, at, value, mm.stackLimit);
  }
  return true;
}
