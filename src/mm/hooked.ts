// Accesses by the CPU to what is watched or a device's, done here in the core's place: the same walk, the
// same faults, with a look at the bytes before and after.
import { FAULT_DEVICE, FAULT_WATCH } from '../../assembly/abi/fault.js';
import { deviceAt, deviceCopy } from './device.js';
import type { Mm } from './mm.js';
import { faultMended } from './stop.js';
import { noteAccess, touchesWatch, type AccessPath, type WatchKind } from './watch.js';

/** Did the core leave the last access to the host? */
export function leftToHost(mm: Mm): boolean {
  const fault = mm.core.exports.lastFault();
  return fault === FAULT_WATCH || fault === FAULT_DEVICE;
}

/** The runs of an access that passes over watches. */
function passingRuns(mm: Mm, addr: number, length: number, store: boolean): number {
  const { exports } = mm.core;
  exports.passWatches(true);
  const covered = exports.userRuns(mm.ptr, addr, length, store, mm.stackLimit);
  exports.passWatches(false);
  return covered;
}

/** Copies what the core's runs cover between memory and `bytes`, and tells of it. */
export function copyRunsNoted(
  mm: Mm,
  addr: number,
  bytes: Uint8Array,
  kind: WatchKind,
  by: AccessPath | null,
): void {
  const { core } = mm;
  const noted = by !== null && mm.watched && touchesWatch(mm, addr, bytes.length, kind);
  if (kind !== 'write') {
    core.copyRunsOut(bytes, 0);
    if (noted) noteAccess(mm, addr, kind, bytes, bytes, by);
    return;
  }
  if (!noted) {
    core.copyRunsIn(bytes, 0);
    return;
  }
  const before = new Uint8Array(bytes.length);
  core.copyRunsOut(before, 0);
  core.copyRunsIn(bytes, 0);
  noteAccess(mm, addr, kind, before, bytes, by);
}

/** Loads, stores or fetches `bytes` at `addr`; returns how many before a fault. */
export function hookedCopy(
  mm: Mm,
  addr: number,
  bytes: Uint8Array,
  kind: WatchKind,
  by: AccessPath,
): number {
  const { exports } = mm.core;
  let done = 0;
  while (done < bytes.length) {
    const left = bytes.length - done;
    const covered = passingRuns(mm, addr + done, left, kind === 'write');
    if (covered > 0) copyRunsNoted(mm, addr + done, bytes.subarray(done, done + covered), kind, by);
    done += covered;
    if (covered === left) break;
    const fault = exports.lastFault();
    if (fault === FAULT_DEVICE) {
      const answered = deviceCopy(mm, addr + done, bytes.subarray(done), kind, by);
      done += answered;
      if (answered > 0) continue;
      exports.failAccess(addr + done);
      break;
    }
    // 0: the list of runs was full.
    if (fault !== 0 && !faultMended(mm, fault, by === 'cpu')) break;
  }
  return done;
}

/** Can all of an access be done? Nothing is loaded, stored or asked of a device; faults are taken. */
function reachable(mm: Mm, addr: number, length: number, store: boolean): boolean {
  const { exports } = mm.core;
  let done = 0;
  while (done < length) {
    done += passingRuns(mm, addr + done, length - done, store);
    if (done >= length) break;
    const fault = exports.lastFault();
    if (fault === FAULT_DEVICE) {
      const place = deviceAt(mm, addr + done);
      if (place === null) {
        exports.failAccess(addr + done);
        return false;
      }
      done += place.room;
    } else if (!faultMended(mm, fault, true)) {
      return false;
    }
  }
  return true;
}

/** One load of an instruction: all of `bytes` or, when it faults, false. */
export function hookedLoad(mm: Mm, addr: number, bytes: Uint8Array): boolean {
  if (!reachable(mm, addr, bytes.length, false)) return false;
  return hookedCopy(mm, addr, bytes, 'read', 'cpu') === bytes.length;
}

/** One store of an instruction; one that faults stores nothing. */
export function hookedStore(mm: Mm, addr: number, bytes: Uint8Array): boolean {
  if (!reachable(mm, addr, bytes.length, true)) return false;
  return hookedCopy(mm, addr, bytes, 'write', 'cpu') === bytes.length;
}

/**
 * An instruction that loads and stores `size` aligned bytes in one: what `update` makes of those there is stored,
 * or nothing when it makes none. False when it faults, and then nothing has happened.
 *
 * @param reads whether the load is one that watches are told of
 */
export function hookedUpdate(
  mm: Mm,
  addr: number,
  size: number,
  reads: boolean,
  update: (before: Uint8Array) => Uint8Array | null,
): boolean {
  if (!reachable(mm, addr, size, true)) return false;
  const before = new Uint8Array(size);
  if (deviceAt(mm, addr) !== null) {
    if (hookedCopy(mm, addr, before, 'read', 'cpu') < size) return false;
    const after = update(before);
    return after === null || hookedCopy(mm, addr, after, 'write', 'cpu') === size;
  }
  passingRuns(mm, addr, size, true);
  mm.core.copyRunsOut(before, 0);
  const after = update(before);
  if (reads && mm.watched) noteAccess(mm, addr, 'read', before, before, 'cpu');
  if (after === null) return true;
  mm.core.copyRunsIn(after, 0);
  if (mm.watched) noteAccess(mm, addr, 'write', before, after, 'cpu');
  return true;
}
