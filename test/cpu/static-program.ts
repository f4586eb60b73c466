// Small static programs for the hart: made into ELF files that qemu runs, and mapped into an address space.
import { spawnSync } from 'node:child_process';
import { MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE } from '../../assembly/abi/mman.js';
import { Hart, type HartStop } from '../../src/mm/hart.js';
import type { Mm } from '../../src/mm/mm.js';
import { mmap } from '../../src/mm/mmap.js';
import { copyFromUser, copyToUser } from '../../src/mm/user.js';

const PAGE = 4096;
/** Where programs made here lie: no address of theirs depends on who runs them. */
export const IMAGE_BASE = 0x400000;
const HEADERS = 120;
/** Where the first instruction of one lies. */
export const ENTRY = IMAGE_BASE + HEADERS;
const PROT_ALL = 7;
const SYS_WRITE = 64n;
const SYS_EXIT = 93n;
const SYS_EXIT_GROUP = 94n;

/** The program whose one segment, of all permissions, is this image, headers included by us. */
export function makeElf(image: Uint8Array): Uint8Array {
  const file = new Uint8Array(HEADERS + image.length);
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 2, true); // ET_EXEC
  view.setUint16(18, 243, true); // EM_RISCV
  view.setUint32(20, 1, true);
  view.setBigUint64(24, BigInt(ENTRY), true);
  view.setBigUint64(32, 64n, true);
  view.setUint32(48, 5, true); // RVC, double-precision float ABI
  view.setUint16(52, 64, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, 1, true);
  view.setUint32(64, 1, true); // PT_LOAD
  view.setUint32(68, PROT_ALL, true);
  view.setBigUint64(80, BigInt(IMAGE_BASE), true);
  view.setBigUint64(88, BigInt(IMAGE_BASE), true);
  view.setBigUint64(96, BigInt(file.length), true);
  view.setBigUint64(104, BigInt(file.length), true);
  view.setBigUint64(112, BigInt(PAGE), true);
  file.set(image, HEADERS);
  return file;
}

/** Maps the segments of a static program, and gives its entry. */
export function loadElf(mm: Mm, file: Uint8Array): number {
  const view = new DataView(file.buffer, file.byteOffset);
  const first = Number(view.getBigUint64(32, true));
  for (let i = 0; i < view.getUint16(56, true); i++) {
    const header = first + 56 * i;
    if (view.getUint32(header, true) !== 1) continue;
    const offset = Number(view.getBigUint64(header + 8, true));
    const addr = Number(view.getBigUint64(header + 16, true));
    const bytes = Number(view.getBigUint64(header + 32, true));
    const size = Number(view.getBigUint64(header + 40, true));
    mapAt(mm, addr, size);
    copyToUser(mm, addr, file.subarray(offset, offset + bytes));
  }
  return Number(view.getBigUint64(24, true));
}

/** Maps anonymous memory of all permissions over [addr, addr + size). */
export function mapAt(mm: Mm, addr: number, size: number): void {
  const start = addr - (addr % PAGE);
  const length = Math.ceil((addr + size - start) / PAGE) * PAGE;
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  mmap(mm, { addr: start, length, prot: PROT_ALL, flags, offset: 0 });
}

/** What a program came to. */
export interface Outcome {
  readonly output: Uint8Array;
  /** Its exit code; -1 when something else stopped it. */
  readonly exitCode: number;
  readonly stop: HartStop;
  readonly instructions: number;
}

const STACK_TOP = 0x7ff000000;
const STACK_SIZE = 64 * PAGE;

/** Runs a static program of write() and exit() to its end, `fuel` instructions at a time. */
export function runProgram(mm: Mm, file: Uint8Array, fuel: () => number): Outcome {
  const entry = loadElf(mm, file);
  mapAt(mm, STACK_TOP - STACK_SIZE, STACK_SIZE);
  return runLoaded(mm, entry, fuel);
}

/** Runs one that is loaded, with its stack. */
export function runLoaded(mm: Mm, entry: number, fuel: () => number): Outcome {
  const hart = new Hart();
  hart.pc = BigInt(entry);
  hart.setX(2, BigInt(STACK_TOP - 256));
  const output: Uint8Array[] = [];
  while (true) {
    const stop = hart.run(mm, fuel());
    if (stop.reason === 'fuel') continue;
    const call = hart.x(17);
    if (stop.reason === 'ecall' && call === SYS_WRITE) {
      output.push(copyFromUser(mm, Number(hart.x(11)), Number(hart.x(12))));
      hart.setX(10, hart.x(12));
      continue;
    }
    const exits = stop.reason === 'ecall' && (call === SYS_EXIT || call === SYS_EXIT_GROUP);
    const exitCode = exits ? Number(hart.x(10) & 0xffn) : -1;
    return { output: concat(output), exitCode, stop, instructions: Number(hart.instret) };
  }
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Why programs cannot be compared with qemu here; null when they can. */
export function missingQemu(): string | null {
  const { error } = spawnSync('qemu-riscv64', ['--version']);
  return error === undefined ? null : 'qemu-riscv64 (Debian: qemu-user) is not here';
}
