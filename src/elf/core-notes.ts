import {
  EM_RISCV,
  EM_X86_64,
  NT_AUXV,
  NT_FILE,
  NT_FPREGSET,
  NT_PRPSINFO,
  NT_PRSTATUS,
  NT_SIGINFO,
  NT_X86_XSTATE,
} from './format.js';
import { ElfError } from './error.js';
import type { ElfMachine } from './machines.js';
import type { Note } from './notes.js';
import { noteFields, readNotes } from './notes.js';
import type { Segment } from './segments.js';
import type { ByteSource } from './source.js';

/** One thread of a core. */
export interface CoreThread {
  readonly tid: number;
  /** The signal that the process died of: the kernel gives it to every thread, others to one. */
  readonly signal: number;
  /** General registers as NT_PRSTATUS has them: see ElfMachine. */
  readonly regs: Uint8Array;
  /** Floating point registers, on x86-64 the 512 bytes of fxsave; null when the core has none. */
  fpregs: Uint8Array | null;
  /** The xsave area; null when the core has none. */
  xstate: Uint8Array | null;
  /** siginfo_t, 128 bytes; the kernel writes it for the first thread only. */
  siginfo: Uint8Array | null;
}

/** What a core says of its process as a whole. */
export interface CoreProcess {
  readonly pid: number;
  readonly ppid: number;
  readonly uid: number;
  readonly gid: number;
  /** The name of the executable, at most 15 bytes. */
  readonly comm: string;
  /** The first 80 bytes of the command line. */
  readonly psargs: string;
  /** From -20 to 19. */
  readonly nice: number;
}

/** One row of NT_FILE: a range of memory and the part of a file it maps. */
export interface CoreFileRange {
  readonly start: number;
  readonly end: number;
  /** Byte offset in the file. */
  readonly offset: number;
  readonly path: string;
  /** Where the row is in the core, for errors. */
  readonly at: number;
}

/** The notes of a core, decoded. */
export interface CoreNotes {
  /** In the core's order: the one that got the signal comes first. */
  readonly threads: CoreThread[];
  process: CoreProcess | null;
  /** Empty when the core has none. */
  auxv: Uint8Array;
  files: CoreFileRange[];
}

/** Four notes for each of 32,768 threads are 131,072; more than this is a lie. */
const MAX_NOTES = 1 << 20;
const MAX_AUXV = 4096;
const [MIN_NICE, MAX_NICE] = [-20, 19];
const MAX_XSTATE = 65536;
/** struct __riscv_q_ext_state and its like. */
const MAX_FPREGS = 1024;
/** fs/binfmt_elf.c, fill_files_note(): the kernel itself gives up near 4 MiB. */
const MAX_FILE_NOTE = 64 * 1024 * 1024;

/**
 * Decodes the notes of a core; types it does not know are passed over.
 *
 * @throws {ElfError} a note is malformed, or no thread is described
 * @see fs/binfmt_elf.c, fill_note_info()
 */
export function readCoreNotes(
  source: ByteSource,
  segments: readonly Segment[],
  machine: ElfMachine,
): CoreNotes {
  const notes: CoreNotes = { threads: [], process: null, auxv: new Uint8Array(0), files: [] };
  let count = 0;
  for (const segment of segments) {
    for (const note of readNotes(source, segment)) {
      if (++count > MAX_NOTES) throw new ElfError(source.name, note.offset, 'too many notes');
      takeNote(source, note, machine, notes);
    }
  }
  if (notes.threads.length === 0) {
    throw new ElfError(source.name, 0, 'no thread: the core has no NT_PRSTATUS note');
  }
  return notes;
}

function takeNote(source: ByteSource, note: Note, machine: ElfMachine, into: CoreNotes): void {
  if (note.name === 'CORE' && takeProcessNote(source, note, machine, into)) return;
  const thread = into.threads.at(-1);
  if (thread === undefined) return;
  // A thread's other registers follow its NT_PRSTATUS.
  if (note.name === 'CORE' && note.type === NT_FPREGSET) {
    thread.fpregs = readFpregs(source, note, machine);
  } else if (note.name === 'CORE' && note.type === NT_SIGINFO) {
    thread.siginfo = noteFields(source, note, 'NT_SIGINFO', 128).bytes;
  } else if (note.name === 'LINUX' && note.type === NT_X86_XSTATE && machine.em === EM_X86_64) {
    thread.xstate = noteFields(source, note, 'NT_X86_XSTATE', 576, MAX_XSTATE).bytes;
  }
}

/** That of RISC-V depends on its extensions. */
function readFpregs(source: ByteSource, note: Note, machine: ElfMachine): Uint8Array {
  const most = machine.em === EM_RISCV ? MAX_FPREGS : machine.fpregsSize;
  return noteFields(source, note, 'NT_FPREGSET', machine.fpregsSize, most).bytes;
}

function takeProcessNote(
  source: ByteSource,
  note: Note,
  machine: ElfMachine,
  into: CoreNotes,
): boolean {
  if (note.type === NT_PRSTATUS) into.threads.push(readPrstatus(source, note, machine));
  else if (note.type === NT_PRPSINFO) into.process = readPrpsinfo(source, note);
  else if (note.type === NT_AUXV)
    into.auxv = noteFields(source, note, 'NT_AUXV', 0, MAX_AUXV).bytes;
  else if (note.type === NT_FILE) into.files = readFileNote(source, note);
  else return false;
  return true;
}

/**
 *     struct elf_prstatus   12 cursig (16 bits)   32 pid   112 regs   then fpvalid, to 8 bytes
 */
function readPrstatus(source: ByteSource, note: Note, { regsSize }: ElfMachine): CoreThread {
  const fields = noteFields(source, note, 'NT_PRSTATUS', 112 + regsSize + 8);
  return {
    tid: fields.i32(32),
    signal: fields.u16(12),
    regs: fields.bytes.slice(112, 112 + regsSize),
    fpregs: null,
    xstate: null,
    siginfo: null,
  };
}

/**
 *     struct elf_prpsinfo   3 nice (8 bits)   16 uid   20 gid   24 pid   28 ppid   40 fname[16]   56 psargs[80]
 */
function readPrpsinfo(source: ByteSource, note: Note): CoreProcess {
  const fields = noteFields(source, note, 'NT_PRPSINFO', 136);
  return {
    uid: fields.u32(16),
    gid: fields.u32(20),
    pid: fields.i32(24),
    ppid: fields.i32(28),
    comm: fields.text(40, 16),
    psargs: fields.text(56, 80).trimEnd(),
    nice: Math.max(MIN_NICE, Math.min(MAX_NICE, ((fields.bytes[3] ?? 0) << 24) >> 24)),
  };
}

/**
 *     0 count   8 page size   16 count x { start, end, offset in pages }   count x path and NUL
 */
function readFileNote(source: ByteSource, note: Note): CoreFileRange[] {
  const fields = noteFields(source, note, 'NT_FILE', 16, MAX_FILE_NOTE);
  const count = fields.size(0, 'the number of mapped files');
  const pageSize = fields.size(8, 'the page size');
  let name = 16 + count * 24;
  if (name > fields.length) throw fields.error(0, `NT_FILE has no room for its ${count} rows`);
  const ranges: CoreFileRange[] = [];
  for (let at = 16; at < 16 + count * 24; at += 24) {
    const end = fields.bytes.indexOf(0, name);
    if (end < 0) throw fields.error(name, 'NT_FILE has fewer names than rows');
    ranges.push({
      start: fields.size(at, 'the start of a mapped file'),
      end: fields.size(at + 8, 'the end of a mapped file'),
      offset: fields.size(at + 16, 'the offset of a mapped file') * pageSize,
      path: fields.text(name, end - name),
      at: fields.start + at,
    });
    name = end + 1;
  }
  return ranges;
}
