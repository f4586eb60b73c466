import type { CoreFileRange } from './core-notes.js';
import { NT_FILE, NT_PRPSINFO, NT_PRSTATUS } from './format.js';

/**
 * A note in its file format: lengths, type, owner and description, each padded to 4 bytes.
 *
 * @see fs/binfmt_elf.c, writenote()
 */
export function encodeNote(owner: string, type: number, description: Uint8Array): Uint8Array {
  const name = new TextEncoder().encode(`${owner}\0`);
  const start = 12 + align4(name.length);
  const bytes = new Uint8Array(start + align4(description.length));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, name.length, true);
  view.setUint32(4, description.length, true);
  view.setUint32(8, type, true);
  bytes.set(name, 12);
  bytes.set(description, start);
  return bytes;
}

/** What NT_PRSTATUS says of a thread. */
export interface ThreadStatus {
  readonly tid: number;
  readonly ppid: number;
  readonly pgrp: number;
  readonly sid: number;
  /** The signal the process is dumped for; the kernel gives every thread the same. */
  readonly signal: number;
  /** Masks: signal n is bit n - 1. */
  readonly pending: bigint;
  readonly blocked: bigint;
  /** General registers as the architecture's elf_gregset_t. */
  readonly regs: Uint8Array;
  /** Whether a note with the floating point registers follows. */
  readonly hasFpregs: boolean;
}

/**
 * NT_PRSTATUS.
 *
 *     struct elf_prstatus   0 si_signo   12 cursig   16 sigpend   24 sighold   32 pid   36 ppid   40 pgrp
 *                           44 sid   48 four times of 16 bytes   112 regs   then fpvalid, to 8 bytes
 *
 * @see fs/binfmt_elf.c, fill_prstatus()
 */
export function encodePrstatus(status: ThreadStatus): Uint8Array {
  const bytes = new Uint8Array(112 + status.regs.length + 8);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, status.signal, true);
  view.setInt16(12, status.signal, true);
  view.setBigUint64(16, status.pending, true);
  view.setBigUint64(24, status.blocked, true);
  view.setInt32(32, status.tid, true);
  view.setInt32(36, status.ppid, true);
  view.setInt32(40, status.pgrp, true);
  view.setInt32(44, status.sid, true);
  bytes.set(status.regs, 112);
  view.setInt32(112 + status.regs.length, status.hasFpregs ? 1 : 0, true);
  return encodeNote('CORE', NT_PRSTATUS, bytes);
}

/** What NT_PRPSINFO says of a process. */
export interface ProcessInfo {
  /** The letter of its state: R S D T Z W. */
  readonly state: string;
  readonly nice: number;
  /** PF_* */
  readonly flags: number;
  readonly uid: number;
  readonly gid: number;
  readonly pid: number;
  readonly ppid: number;
  readonly pgrp: number;
  readonly sid: number;
  /** At most 15 bytes. */
  readonly comm: Uint8Array;
  /** The arguments as they are in memory, each ended by NUL; 79 bytes of them are kept. */
  readonly args: Uint8Array;
}

const STATES = 'RSDTZW';
const ARGS_SIZE = 80;

/**
 * NT_PRPSINFO.
 *
 *     struct elf_prpsinfo   0 state, sname, zomb, nice   8 flag   16 uid   20 gid   24 pid   28 ppid
 *                           32 pgrp   36 sid   40 fname[16]   56 psargs[80]
 *
 * @see fs/binfmt_elf.c, fill_psinfo()
 */
export function encodePrpsinfo(info: ProcessInfo): Uint8Array {
  const bytes = new Uint8Array(136);
  const view = new DataView(bytes.buffer);
  bytes[0] = Math.max(STATES.indexOf(info.state), 0);
  bytes[1] = info.state.charCodeAt(0);
  bytes[2] = info.state === 'Z' ? 1 : 0;
  view.setInt8(3, info.nice);
  view.setBigUint64(8, BigInt(info.flags), true);
  view.setUint32(16, info.uid, true);
  view.setUint32(20, info.gid, true);
  view.setInt32(24, info.pid, true);
  view.setInt32(28, info.ppid, true);
  view.setInt32(32, info.pgrp, true);
  view.setInt32(36, info.sid, true);
  bytes.set(info.comm.subarray(0, 15), 40);
  const args = info.args.subarray(0, ARGS_SIZE - 1);
  bytes.set(
    args.map((byte) => (byte === 0 ? 0x20 : byte)),
    56,
  );
  return encodeNote('CORE', NT_PRPSINFO, bytes);
}

/** A row of NT_FILE to be written; `path` is the bytes of it. */
export interface FileRow extends Pick<CoreFileRange, 'start' | 'end'> {
  /** Page index of `start` in the file. */
  readonly pgoff: number;
  readonly path: Uint8Array;
}

/**
 * NT_FILE: count and page size, a row for each mapping of a file, then the paths.
 *
 * @see fs/binfmt_elf.c, fill_files_note()
 */
export function encodeFiles(rows: readonly FileRow[]): Uint8Array {
  const names = rows.reduce((sum, { path }) => sum + path.length + 1, 0);
  const bytes = new Uint8Array(16 + rows.length * 24 + names);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(rows.length), true);
  view.setBigUint64(8, 4096n, true);
  let name = 16 + rows.length * 24;
  rows.forEach(({ start, end, pgoff, path }, i) => {
    view.setBigUint64(16 + i * 24, BigInt(start), true);
    view.setBigUint64(24 + i * 24, BigInt(end), true);
    view.setBigUint64(32 + i * 24, BigInt(pgoff), true);
    bytes.set(path, name);
    name += path.length + 1;
  });
  return encodeNote('CORE', NT_FILE, bytes);
}

function align4(n: number): number {
  return Math.ceil(n / 4) * 4;
}
