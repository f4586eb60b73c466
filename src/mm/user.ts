import { EFAULT, ENAMETOOLONG, ENOMEM } from '../../assembly/abi/errno.js';
import { FAULT_OOM } from '../../assembly/abi/fault.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { fail } from '../errno.js';
import { accessOk, coreAddress, type U64 } from './address.js';
import { hookedCopy, leftToHost } from './hooked.js';
import type { Mm } from './mm.js';
import { decodeName } from './name-bytes.js';
import { faultMended } from './stop.js';
import type { AccessPath } from './watch.js';

/** Where a read puts bytes and a write takes them from: an array of the host, or guest memory. */
export interface UserBuffer {
  readonly length: number;
  /** The array, when it is the host's. */
  readonly host: Uint8Array | null;
  /** The guest's memory, when it is there. */
  readonly guest: GuestBuffer | null;
  /** Stores `bytes` at `offset`; returns how many before a fault. */
  copyTo(offset: number, bytes: Uint8Array): number;
  /** Loads into `bytes` from `offset`; returns how many before a fault. */
  copyFrom(offset: number, bytes: Uint8Array): number;
  slice(offset: number, length: number): UserBuffer;
  /** access_ok(): false where the range is no user memory at all. */
  ok(): boolean;
}

const NO_BYTES = new Uint8Array(0);
/** Whether the one buffer that calls are lent is in use. */
let lent = false;

/** A buffer of the host, which cannot fault. */
export class HostBuffer implements UserBuffer {
  #host: Uint8Array;
  readonly guest = null;

  constructor(bytes: Uint8Array) {
    this.#host = bytes;
  }

  /** A buffer for one call, to be given back after it; whoever gets it keeps no hold of it. */
  static lend(bytes: Uint8Array): HostBuffer {
    if (lent) return new HostBuffer(bytes);
    lent = true;
    SPARE.#host = bytes;
    return SPARE;
  }

  /** Takes a lent buffer back, and lets go of the caller's array. */
  static giveBack(buffer: HostBuffer): void {
    buffer.#host = NO_BYTES;
    if (buffer === SPARE) lent = false;
  }

  get host(): Uint8Array {
    return this.#host;
  }

  get length(): number {
    return this.#host.length;
  }

  copyTo(offset: number, bytes: Uint8Array): number {
    this.host.set(bytes, offset);
    return bytes.length;
  }

  copyFrom(offset: number, bytes: Uint8Array): number {
    bytes.set(this.host.subarray(offset, offset + bytes.length));
    return bytes.length;
  }

  slice(offset: number, length: number): HostBuffer {
    return new HostBuffer(this.host.subarray(offset, offset + length));
  }

  ok(): boolean {
    return true;
  }
}

/** What is lent: one buffer, so that a call after another makes none. */
const SPARE = new HostBuffer(NO_BYTES);

/** A buffer in the memory of the calling task. */
export class GuestBuffer implements UserBuffer {
  readonly mm: Mm;
  readonly addr: U64;
  readonly length: number;
  readonly host = null;

  constructor(mm: Mm, addr: U64, length: number) {
    this.mm = mm;
    this.addr = addr;
    this.length = length;
  }

  get guest(): GuestBuffer {
    return this;
  }

  copyTo(offset: number, bytes: Uint8Array): number {
    return storeUser(this.mm, coreAddress(this.addr) + offset, bytes);
  }

  copyFrom(offset: number, bytes: Uint8Array): number {
    return loadUser(this.mm, coreAddress(this.addr) + offset, bytes);
  }

  slice(offset: number, length: number): GuestBuffer {
    const addr = typeof this.addr === 'number' ? this.addr + offset : this.addr + BigInt(offset);
    return new GuestBuffer(this.mm, addr, length);
  }

  ok(): boolean {
    return accessOk(this.addr, this.length);
  }
}

/** Copies between `bytes` and user memory through the core's runs; returns the bytes before a fault. */
function copyUser(mm: Mm, addr: number, bytes: Uint8Array, store: boolean, by: AccessPath): number {
  const { core } = mm;
  let done = 0;
  while (done < bytes.length) {
    const left = bytes.length - done;
    const covered = core.exports.userRuns(mm.ptr, addr + done, left, store, mm.stackLimit);
    if (covered > 0) {
      if (store) core.copyRunsIn(bytes, done);
      else core.copyRunsOut(bytes, done);
    }
    done += covered;
    if (covered === left) break;
    const fault = core.exports.lastFault();
    // 0: the list of runs was full.
    if (fault === 0) continue;
    if (leftToHost(mm)) {
      const rest = bytes.subarray(done);
      return done + hookedCopy(mm, addr + done, rest, store ? 'write' : 'read', by);
    }
    if (!faultMended(mm, fault, by === 'cpu')) break;
  }
  return done;
}

/** Stores `bytes` at `addr` as the task's own instructions would; returns how many before a fault. */
export function storeUser(
  mm: Mm,
  addr: U64,
  bytes: Uint8Array,
  by: AccessPath = 'syscall',
): number {
  return copyUser(mm, coreAddress(addr), bytes, true, by);
}

/** Fills `bytes` from `addr` as the task's own instructions would; returns how many before a fault. */
export function loadUser(mm: Mm, addr: U64, bytes: Uint8Array, by: AccessPath = 'syscall'): number {
  return copyUser(mm, coreAddress(addr), bytes, false, by);
}

/** Words of one loadUserWords() at most without a new array. */
const FEW_WORDS = 64;
const fewWords = new Uint32Array(FEW_WORDS);

/**
 * Loads `count` little-endian 32-bit words, to be looked at before anything else is called; fewer in the
 * array than `count` when a fault came before.
 */
export function loadUserWords(mm: Mm, addr: U64, count: number): Uint32Array {
  const { core } = mm;
  const length = 4 * count;
  if (count <= FEW_WORDS) {
    const at = coreAddress(addr);
    const n = core.exports.copyFromUser(mm.ptr, at, core.bounce, length, mm.stackLimit);
    if (n === length) {
      const words = core.u32;
      const first = core.bounce >>> 2;
      for (let i = 0; i < count; i++) fewWords[i] = words[first + i] as number;
      return fewWords;
    }
  }
  const bytes = new Uint8Array(length);
  const readable = loadUser(mm, addr, bytes);
  return new Uint32Array(bytes.buffer, 0, readable >>> 2);
}

/** The errno of a user copy that came up short. */
function shortCopy(mm: Mm): never {
  return fail(mm.core.exports.lastFault() === FAULT_OOM ? ENOMEM : EFAULT);
}

/**
 * The `length` bytes at `addr`.
 * @throws {LinuxError} EFAULT: part of them cannot be read
 * @see include/linux/uaccess.h, copy_from_user()
 */
export function copyFromUser(mm: Mm, addr: U64, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  if (!accessOk(addr, length)) fail(EFAULT);
  if (loadUser(mm, addr, bytes) < length) shortCopy(mm);
  return bytes;
}

/**
 * Stores `bytes` at `addr`; what comes before a fault stays stored.
 * @throws {LinuxError} EFAULT: part of the range cannot be written
 * @see include/linux/uaccess.h, copy_to_user()
 */
export function copyToUser(mm: Mm, addr: U64, bytes: Uint8Array): void {
  if (!accessOk(addr, bytes.length)) fail(EFAULT);
  if (storeUser(mm, addr, bytes) < bytes.length) shortCopy(mm);
}

/**
 * The string at `addr` up to its NUL (see decodeName()), at most `max` bytes with the NUL.
 * @throws {LinuxError} EFAULT: unreadable before its end; ENAMETOOLONG: no NUL in `max` bytes
 * @see lib/strncpy_from_user.c
 */
export function strncpyFromUser(mm: Mm, addr: U64, max: number): string {
  const bytes = new Uint8Array(max);
  if (!accessOk(addr, 0)) fail(EFAULT);
  const start = coreAddress(addr);
  let length = 0;
  while (length < max) {
    // A page at a time: what lies behind the NUL may be unreadable.
    const count = Math.min(max - length, PAGE_SIZE - ((start + length) % PAGE_SIZE));
    const part = bytes.subarray(length, length + count);
    const got = loadUser(mm, start + length, part);
    const nul = part.subarray(0, got).indexOf(0);
    if (nul >= 0) return decodeName(bytes.subarray(0, length + nul));
    if (got < count) shortCopy(mm);
    length += count;
  }
  return fail(ENAMETOOLONG);
}

/** @throws {LinuxError} EFAULT */
export function getUserU32(mm: Mm, addr: U64): number {
  return new DataView(copyFromUser(mm, addr, 4).buffer).getUint32(0, true);
}

/** @throws {LinuxError} EFAULT */
export function getUserU64(mm: Mm, addr: U64): U64 {
  const value = new DataView(copyFromUser(mm, addr, 8).buffer).getBigUint64(0, true);
  return value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}

/** @throws {LinuxError} EFAULT */
export function putUserU32(mm: Mm, addr: U64, value: number): void {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  copyToUser(mm, addr, bytes);
}

/** @throws {LinuxError} EFAULT */
export function putUserU64(mm: Mm, addr: U64, value: U64): void {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, BigInt(value)), true);
  copyToUser(mm, addr, bytes);
}
