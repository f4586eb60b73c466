import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { deferError } from './acting.js';
import type { MapFile } from './map-file.js';
import type { Mm, VmaInfo } from './mm.js';
import { noteAccess, type AccessPath, type WatchKind } from './watch.js';

/** How many bytes one access of a device moves. */
export type DeviceAccessSize = 1 | 2 | 4 | 8;

/** What answers loads and stores of a mapping that has no memory behind it. */
export interface Device {
  /** Bytes it has; the rest of its last page is a bus error. */
  readonly length: number;
  /** The value at an offset, of which the low `size` bytes count. */
  read(offset: number, size: DeviceAccessSize): number | bigint;
  /** A bigint of 8 bytes, otherwise an unsigned number. */
  write(offset: number, size: DeviceAccessSize, value: number | bigint): void;
}

const devices = new WeakMap<MapFile, Device>();
const NOTHING = new Uint8Array(0);

/** Has a device answer for the mappings of a file. */
export function setDevice(file: MapFile, device: Device): void {
  devices.set(file, device);
}

/** Where an address lies in a device. */
interface DevicePlace {
  readonly device: Device;
  readonly offset: number;
  /** Bytes from there to the end of the device or of its mapping. */
  readonly room: number;
}

function offsetIn(vma: VmaInfo, addr: number): number {
  return vma.pgoff * PAGE_SIZE + (addr - vma.start);
}

/** The device at an address, and how much of it follows; null where none answers. */
export function deviceAt(mm: Mm, addr: number): DevicePlace | null {
  const vma = mm.findVma(addr);
  if (vma === null || vma.start > addr || vma.file === null) return null;
  const device = devices.get(vma.file);
  if (device === undefined) return null;
  const offset = offsetIn(vma, addr);
  const room = Math.min(device.length - offset, vma.end - addr);
  return room > 0 ? { device, offset, room } : null;
}

/** One access if that can be; otherwise the largest aligned one that fits. */
function accessSize(offset: number, length: number, whole: boolean): DeviceAccessSize {
  if (whole && (length === 1 || length === 2 || length === 4 || length === 8)) return length;
  for (const size of [8, 4, 2] as const) if (offset % size === 0 && length >= size) return size;
  return 1;
}

function readOne(device: Device, offset: number, into: Uint8Array): void {
  const size = into.length as DeviceAccessSize;
  const value: unknown = device.read(offset, size);
  if (typeof value !== 'bigint' && !Number.isInteger(value)) {
    throw new TypeError(`read: ${String(value)} is neither an integer nor a bigint`);
  }
  let rest = BigInt.asUintN(64, BigInt(value as number | bigint));
  for (let i = 0; i < size; i++) {
    into[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
}

function writeOne(device: Device, offset: number, from: Uint8Array): void {
  const size = from.length as DeviceAccessSize;
  let value = 0n;
  for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(from[i] as number);
  device.write(offset, size, size === 8 ? value : Number(value));
}

/**
 * Loads or stores as many of `bytes` as lie in the device at `addr`; returns how many it answered. An
 * error that a callback throws ends it, and comes out when the call that led here is over.
 */
export function deviceCopy(
  mm: Mm,
  addr: number,
  bytes: Uint8Array,
  kind: WatchKind,
  by: AccessPath,
): number {
  const place = deviceAt(mm, addr);
  if (place === null) return 0;
  const { device, offset } = place;
  const length = Math.min(bytes.length, place.room);
  const whole = length === bytes.length;
  let done = 0;
  const actor = mm.core.current;
  try {
    while (done < length) {
      const size = accessSize(offset + done, length - done, whole && done === 0);
      const part = bytes.subarray(done, done + size);
      if (kind === 'write') writeOne(device, offset + done, part);
      else readOne(device, offset + done, part);
      done += size;
    }
  } catch (error) {
    deferError(error);
  } finally {
    // The callbacks may have made calls of other tasks.
    mm.core.current = actor;
  }
  const moved = bytes.subarray(0, done);
  if (mm.watched && done > 0)
    noteAccess(mm, addr, kind, kind === 'write' ? NOTHING : moved, moved, by);
  return done;
}
