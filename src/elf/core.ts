import { ET_CORE, PT_LOAD, PT_NOTE } from './format.js';
import type { CoreMapping } from './core-mappings.js';
import { coreMappings } from './core-mappings.js';
import type { CoreProcess, CoreThread } from './core-notes.js';
import { readCoreNotes } from './core-notes.js';
import { ElfError } from './error.js';
import { readHeader } from './header.js';
import { elfMachine, type ElfMachine } from './machines.js';
import { readSegments } from './segments.js';
import type { ByteSource } from './source.js';
import { Fields, readFields } from './source.js';

/** A process as its core file describes it. */
export interface Core {
  /** Where the core was read from; dumped bytes are still there. */
  readonly source: ByteSource;
  /** The architecture of its registers. */
  readonly machine: ElfMachine;
  readonly process: CoreProcess;
  /** The thread that got the signal comes first. */
  readonly threads: readonly CoreThread[];
  /** The auxiliary vector; empty when the core has none. */
  readonly auxv: Uint8Array;
  /** In address order, without overlaps. */
  readonly mappings: readonly CoreMapping[];
}

/** The signal that ended a process. */
export interface CoreSignal {
  readonly number: number;
  /** si_code: SEGV_MAPERR, SI_USER… ; null when the core has no siginfo. */
  readonly code: number | null;
  /** The address that faulted; null for a signal that has none. */
  readonly address: bigint | null;
}

/**
 * Reads the core of a Linux process on x86-64, aarch64 or riscv64, written by the kernel, gdb or QEMU.
 *
 * Only headers and notes are read, and everything in them is checked.
 *
 * @throws {ElfError} the file is no such core, is cut short, or contradicts itself
 * @throws {TypeError} no source of bytes
 * @see fs/binfmt_elf.c, elf_core_dump()
 */
export function readCore(source: ByteSource): Core {
  if (typeof (source as ByteSource | null)?.read !== 'function') {
    throw new TypeError(
      'source: not a ByteSource; new BytesSource(name, bytes) makes one of bytes',
    );
  }
  const header = readHeader(source);
  if (header.type !== ET_CORE) {
    throw new ElfError(source.name, 16, 'this is an executable or a library, not a core file');
  }
  const segments = readSegments(source, header);
  const ofType = (type: number) => segments.filter((segment) => segment.type === type);
  const machine = elfMachine(header.machine) as ElfMachine;
  const notes = readCoreNotes(source, ofType(PT_NOTE), machine);
  return {
    source,
    machine,
    process: notes.process ?? unknownProcess(notes.threads),
    threads: notes.threads,
    auxv: notes.auxv,
    mappings: coreMappings(source.name, ofType(PT_LOAD), notes.files, machine),
  };
}

/**
 * The bytes of a mapping that are in the core.
 *
 * @param from bytes into the mapping
 * @param length at most as many as were dumped from there on
 */
export function dumpedBytes(
  core: Core,
  mapping: CoreMapping,
  from: number,
  length: number,
): Uint8Array {
  const offset = mapping.offset + from;
  return readFields(core.source, offset, Math.min(length, mapping.dumped - from), 'memory').bytes;
}

const SI_FAULTS: readonly number[] = [4, 5, 7, 8, 11]; // SIGILL SIGTRAP SIGBUS SIGFPE SIGSEGV

/**
 * The signal of the core's first thread; null for a process that was merely copied.
 *
 *     siginfo_t   0 si_signo   8 si_code   16 si_addr, when the kernel raised a fault
 */
export function coreSignal(core: Core): CoreSignal | null {
  const thread = core.threads[0];
  if (thread === undefined || thread.signal === 0) return null;
  if (thread.siginfo === null) return { number: thread.signal, code: null, address: null };
  const info = new Fields(core.source.name, 0, thread.siginfo);
  const code = info.i32(8);
  // A code above 0 says that the kernel found the fault; kill() and its like have 0 and below.
  const faulted = SI_FAULTS.includes(thread.signal) && code > 0;
  return { number: thread.signal, code, address: faulted ? info.u64(16) : null };
}

function unknownProcess(threads: readonly CoreThread[]): CoreProcess {
  const pid = threads[0]?.tid ?? 0;
  return { pid, ppid: 0, uid: 0, gid: 0, comm: 'unknown', psargs: '', nice: 0 };
}
