import {
  FAULT_ACCERR,
  FAULT_MAPERR,
  FAULT_OOM,
  FAULT_USERFAULT,
} from '../../assembly/abi/fault.js';
import { ENOMEM } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { coreAddress, type U64 } from './address.js';
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
  const done = loadUser(mm, addr, into, true);
  return { done, fault: done < into.length ? takeFault(mm) : null };
}

/** Stores bytes in rising order as the CPU would; what comes before a fault stays stored. */
export function cpuStore(mm: Mm, addr: U64, from: Uint8Array): CpuAccess {
  const done = storeUser(mm, addr, from, true);
  return { done, fault: done < from.length ? takeFault(mm) : null };
}

/** Did the last access fault for good? What could be mended says no: try again. */
function faulted(mm: Mm): boolean {
  const fault = mm.core.exports.lastFault();
  if (fault === 0) return false;
  return !faultMended(mm, fault, true);
}

/** An aligned or unaligned load of 1, 2 or 4 bytes; null when it faulted (see takeFault). */
export function load(mm: Mm, addr: U64, size: 1 | 2 | 4): number | null {
  const { exports } = mm.core;
  const at = coreAddress(addr);
  const one = size === 1 ? exports.load8 : size === 2 ? exports.load16 : exports.load32;
  let value = one(mm.ptr, at, mm.stackLimit);
  while (exports.lastFault() !== 0) {
    if (faulted(mm)) return null;
    value = one(mm.ptr, at, mm.stackLimit);
  }
  return value >>> 0;
}

/** A load of 8 bytes; null when it faulted. */
export function load64(mm: Mm, addr: U64): bigint | null {
  const { exports } = mm.core;
  const at = coreAddress(addr);
  let value = exports.load64(mm.ptr, at, mm.stackLimit);
  while (exports.lastFault() !== 0) {
    if (faulted(mm)) return null;
    value = exports.load64(mm.ptr, at, mm.stackLimit);
  }
  return BigInt.asUintN(64, value);
}

/** A store of 1, 2 or 4 bytes; false when it faulted, and then nothing is stored. */
export function store(mm: Mm, addr: U64, size: 1 | 2 | 4, value: number): boolean {
  const { exports } = mm.core;
  const at = coreAddress(addr);
  const one = size === 1 ? exports.store8 : size === 2 ? exports.store16 : exports.store32;
  one(mm.ptr, at, value, mm.stackLimit);
  while (exports.lastFault() !== 0) {
    if (faulted(mm)) return false;
    one(mm.ptr, at, value, mm.stackLimit);
  }
  return true;
}

/** A store of 8 bytes; false when it faulted, and then nothing is stored. */
export function store64(mm: Mm, addr: U64, value: bigint): boolean {
  const { exports } = mm.core;
  const at = coreAddress(addr);
  exports.store64(mm.ptr, at, value, mm.stackLimit);
  while (exports.lastFault() !== 0) {
    if (faulted(mm)) return false;
    exports.store64(mm.ptr, at, value, mm.stackLimit);
  }
  return true;
}
