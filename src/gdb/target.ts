// What the protocol needs of the machine behind it. Numbers of processes and threads are Linux's.

import type { FileStat } from '../vfs/file-stat.js';

/** Where a register's bytes lie: in the general registers, or in those of the floating point unit. */
export type RegisterBlock = 'general' | 'float';

/** The processors whose registers the protocol can describe. */
export type TargetArch = 'x86_64' | 'aarch64' | 'riscv64';

/** A process. */
export interface TargetProcess {
  readonly pid: number;
  readonly ppid: number;
  readonly arch: TargetArch;
  /** The user's name or number. */
  readonly user: string;
  /** The command line, its parts separated by blanks. */
  readonly command: string;
}

/** A thread. */
export interface TargetThread {
  readonly tid: number;
  readonly name: string;
  /** Linux's number of the signal that stopped it; 0 when none did. */
  readonly signal: number;
}

/** A range of a process's memory, or a hole. */
export interface TargetRegion {
  readonly start: bigint;
  /** Exclusive. */
  readonly end: bigint;
  /** `rwx` with `-` where a permission is missing; empty for a hole. */
  readonly perms: string;
  /** Path, `[stack]` and its like; empty without one. */
  readonly name: string;
}

/** An open file of the target. Every method throws LinuxError as its system call does. */
export interface TargetFile {
  pread(into: Uint8Array, position: bigint): number;
  pwrite(from: Uint8Array, position: bigint): number;
  stat(): FileStat;
  close(): void;
}

/** The target's files. Every method throws LinuxError as its system call does. */
export interface TargetFiles {
  /** @param flags Linux's O_* bits */
  open(path: string, flags: number, mode: number): TargetFile;
  stat(path: string): FileStat;
  lstat(path: string): FileStat;
  readlink(path: string): string;
  unlink(path: string): void;
}

/** Accesses that a watchpoint sees: writes, reads, or both. */
export type TargetWatchKind = 'write' | 'read' | 'access';

/** What became of a thread that ran. */
export type TargetRun =
  /** All the instructions that were allowed were executed. */
  | { readonly kind: 'fuel' }
  /** The instruction at pc raised a signal, by Linux's number, that was not delivered. */
  | { readonly kind: 'signal'; readonly signal: number }
  /** It has exited, with a status as wait(2) gives it. */
  | { readonly kind: 'gone'; readonly status: number };

/** A watchpoint that is set. */
export interface TargetWatch {
  remove(): void;
}

/**
 * The processes that a debugger looks at: a machine's tasks, a core, an array. Nothing waits; every
 * method answers at once. Whatever fails throws LinuxError unless said otherwise.
 */
export interface Target {
  /** The process a client finds attached when it connects; null for none. */
  readonly initial: number | null;
  readonly files: TargetFiles;
  /** Every process that has memory. */
  processes(): readonly TargetProcess[];
  /** Threads of a process that have not exited, the one that tells most first; empty without. */
  threads(pid: number): readonly TargetThread[];
  /**
   * Reads memory whatever its protection.
   *
   * @returns the bytes up to the first that cannot be read; empty when none can
   */
  readMemory(pid: number, addr: bigint, length: number): Uint8Array;
  /**
   * Writes memory whatever its protection, as a debugger does.
   *
   * @returns bytes written
   */
  writeMemory(pid: number, addr: bigint, bytes: Uint8Array): number;
  /** Mappings in address order. */
  regions(pid: number): readonly TargetRegion[];
  /**
   * The registers of a thread in the layout of the notes of a core of its processor; null where they
   * are not known.
   */
  registers(tid: number, block: RegisterBlock): Uint8Array | null;
  setRegisters(tid: number, block: RegisterBlock, bytes: Uint8Array): void;
  /** The auxiliary vector; empty when there is none. */
  auxv(pid: number): Uint8Array;
  /** The path of the program; empty when there is none. */
  execFile(pid: number): string;
  /** siginfo_t of the signal that stopped a thread, 128 bytes; null when none did. */
  siginfo(tid: number): Uint8Array | null;
  /** Maps anonymous memory. @param prot PROT_* bits */
  allocate(pid: number, length: bigint, prot: number): bigint;
  /** Unmaps what `allocate` mapped. */
  deallocate(pid: number, addr: bigint, length: bigint): void;
  /** Ends a process. */
  kill(pid: number): void;
  /**
   * Executes at most `fuel` instructions of a thread; a target without it has no CPU, and a thread that
   * runs on none gives null.
   */
  run?(tid: number, fuel: number): TargetRun | null;
  /**
   * Watches a range of a process's memory; a target without it has no watchpoints. `onHit` is called
   * after an access by anyone but the debugger itself, with the first watched byte it touched and
   * the thread whose memory it is.
   */
  watch?(
    pid: number,
    kind: TargetWatchKind,
    range: { readonly start: bigint; readonly length: number },
    onHit: (hit: { readonly addr: bigint; readonly tid: number }) => void,
  ): TargetWatch;
}
