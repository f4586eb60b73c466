// Requests about memory.
import { EFAULT, EFBIG, EINVAL } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { hexArgument, rangeArgument, sizeArgument, splitAt } from './arguments.js';
import { asciiBytes, asciiText, bytesOfHex, escapeBinary, hexNumber, hexOf } from './packet.js';
import { joinBytes, PACKET_SIZE, unescapeBinary } from './packet.js';
import type { SessionState } from './state.js';

/** Bytes of memory in one reply: two digits each. */
const MAX_READ = PACKET_SIZE / 2;
/** Bytes a search or a checksum looks at in one piece, and altogether: nobody waits longer. */
const PIECE = 0x100000;
const MAX_SCAN = 0x40000000;
const ADDRESS_END = 1n << 64n;

const PROT_BITS: Readonly<Record<string, number>> = { r: 1, w: 2, x: 4 };

/** `mADDR,LENGTH`: fewer bytes than asked for where memory ends. */
export function readHex(state: SessionState, args: string): string {
  return hexOf(readMemory(state, args));
}

/** `xADDR,LENGTH`: the same as binary, as lldb asks for it; a length of 0 asks whether it is known. */
export function readBinary(state: SessionState, args: string): string {
  const { length } = rangeArgument(args);
  return length === 0 ? 'OK' : asciiText(escapeBinary(readMemory(state, args)));
}

function readMemory(state: SessionState, args: string): Uint8Array {
  const { addr, length } = rangeArgument(args);
  const bytes = state.target.readMemory(state.pid(), addr, Math.min(length, MAX_READ));
  return bytes.length === 0 && length > 0 ? fail(EFAULT) : bytes;
}

/** `MADDR,LENGTH:HEX`. */
export function writeHex(state: SessionState, args: string): string {
  const [range, hex] = splitAt(args, ':');
  return writeMemory(state, range, bytesOfHex(hex) ?? fail(EINVAL));
}

/** `XADDR,LENGTH:BINARY`; a length of 0 asks whether it is known. */
export function writeBinary(state: SessionState, args: string): string {
  const [range, binary] = splitAt(args, ':');
  return writeMemory(state, range, unescapeBinary(asciiBytes(binary)));
}

function writeMemory(state: SessionState, range: string, bytes: Uint8Array): string {
  const { addr, length } = rangeArgument(range);
  if (length !== bytes.length) fail(EINVAL);
  const pid = state.pid();
  if (length > 0 && state.target.writeMemory(pid, addr, bytes) < length) fail(EFAULT);
  return 'OK';
}

/**
 * `qSearch:memory:ADDR;LENGTH;PATTERN`: where the pattern is first.
 *
 * @throws {LinuxError} EFAULT: unreadable memory before it is found; EFBIG: a gigabyte without it
 */
export function searchMemory(state: SessionState, args: string): string {
  const [start, rest] = splitAt(args, ';');
  const [length, binary] = splitAt(rest, ';');
  const pattern = unescapeBinary(asciiBytes(binary));
  if (pattern.length === 0) fail(EINVAL);
  const end = hexArgument(start) + hexArgument(length);
  let kept: Uint8Array = new Uint8Array(0);
  for (const { addr, bytes } of scan(state, hexArgument(start), end)) {
    const window = joinBytes(kept, bytes);
    const at = indexOfBytes(window, pattern);
    if (at >= 0) return `1,${hexNumber(addr - BigInt(kept.length) + BigInt(at))}`;
    kept = window.slice(Math.max(0, window.length - pattern.length + 1));
  }
  return '0';
}

function indexOfBytes(bytes: Uint8Array, pattern: Uint8Array): number {
  const last = bytes.length - pattern.length;
  const first = pattern[0] as number;
  for (let at = bytes.indexOf(first); at >= 0 && at <= last; at = bytes.indexOf(first, at + 1)) {
    let i = 1;
    while (i < pattern.length && bytes[at + i] === pattern[i]) i++;
    if (i === pattern.length) return at;
  }
  return -1;
}

/** `qCRC:ADDR,LENGTH`: the checksum by which gdb compares sections with its file. */
export function checksumMemory(state: SessionState, args: string): string {
  const { addr, length } = rangeArgument(args);
  let crc = 0xffffffff;
  for (const { bytes } of scan(state, addr, addr + BigInt(length))) {
    for (const byte of bytes) crc = (crc << 8) ^ (CRC[((crc >>> 24) ^ byte) & 0xff] as number);
  }
  return `C${hexNumber(crc >>> 0, 8)}`;
}

/** CRC-32 with the polynomial 0x04c11db7, the highest bit first: libiberty's xcrc32(). */
const CRC = Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24;
  for (let bit = 0; bit < 8; bit++) crc = crc < 0 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  return crc;
});

/** The bytes from `start` to `end`, piece by piece. */
function* scan(
  state: SessionState,
  start: bigint,
  end: bigint,
): Generator<{ addr: bigint; bytes: Uint8Array }> {
  const pid = state.pid();
  const stop = end < ADDRESS_END ? end : ADDRESS_END;
  for (let addr = start; addr < stop;) {
    if (addr - start >= MAX_SCAN) fail(EFBIG);
    const wanted = stop - addr < PIECE ? Number(stop - addr) : PIECE;
    const bytes = state.target.readMemory(pid, addr, wanted);
    if (bytes.length === 0) fail(EFAULT);
    yield { addr, bytes };
    addr += BigInt(bytes.length);
  }
}

/** `_MLENGTH,PERMISSIONS`: maps memory for lldb's expressions. */
export function allocate(state: SessionState, args: string): string {
  const [length, perms] = splitAt(args, ',');
  if (!/^[rwx]*$/.test(perms)) fail(EINVAL);
  const prot = [...perms].reduce((bits, letter) => bits | (PROT_BITS[letter] ?? 0), 0);
  const pid = state.pid();
  const bytes = hexArgument(length);
  const addr = state.target.allocate(pid, bytes, prot);
  state.allocations.set(addr, { pid, length: bytes });
  return hexNumber(addr);
}

/** `_mADDR`: unmaps it again. @throws {LinuxError} EINVAL: it was not mapped by `_M` */
export function deallocate(state: SessionState, args: string): string {
  const addr = hexArgument(args);
  const entry = state.allocations.get(addr);
  if (entry === undefined) return fail(EINVAL);
  state.allocations.delete(addr);
  state.target.deallocate(entry.pid, addr, entry.length);
  return 'OK';
}

/** `qMemoryRegionInfo:ADDR`: the mapping that holds an address, or the hole. */
export function regionInfo(state: SessionState, args: string): string {
  const addr = hexArgument(args);
  let start = 0n;
  for (const region of state.target.regions(state.pid())) {
    if (region.start > addr) return describeRegion(start, region.start);
    if (addr < region.end) {
      const name = hexOf(new TextEncoder().encode(region.name));
      const perms = region.perms.replaceAll('-', '');
      const named = name === '' ? '' : `name:${name};`;
      return `${describeRegion(region.start, region.end)}permissions:${perms};${named}`;
    }
    start = region.end;
  }
  return describeRegion(start, ADDRESS_END);
}

function describeRegion(start: bigint, end: bigint): string {
  // A hole up to the end of the addresses has a size that still fits.
  const size = end - start < ADDRESS_END ? end - start : ADDRESS_END - 1n;
  return `start:${hexNumber(start)};size:${hexNumber(size)};`;
}

/** Memory the client mapped in a process and no longer needs to know of. */
export function forgetAllocations(state: SessionState, pid: number): void {
  for (const [addr, entry] of state.allocations) {
    if (entry.pid === pid) state.allocations.delete(addr);
  }
}

/** A count of bytes of which each may take two in a packet. @throws {LinuxError} EINVAL: no count */
export function packetCount(text: string | undefined): number {
  return Math.min(sizeArgument(text), MAX_READ / 2);
}
