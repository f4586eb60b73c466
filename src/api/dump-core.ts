import { FOLL_FORCE } from '../../assembly/abi/foll.js';
import {
  encodeFiles,
  encodeNote,
  encodePrpsinfo,
  encodePrstatus,
} from '../elf/core-writer-notes.js';
import type { FileRow } from '../elf/core-writer-notes.js';
import { CoreFile } from '../elf/core-writer.js';
import {
  EM_AARCH64,
  EM_RISCV,
  EM_X86_64,
  NT_AUXV,
  NT_FPREGSET,
  NT_SIGINFO,
  NT_X86_XSAVE_LAYOUT,
  NT_X86_XSTATE,
} from '../elf/format.js';
import { commBytes } from '../kernel/comm.js';
import type { MmStruct } from '../kernel/mm-struct.js';
import { regsetBytes, REGS_SIZE, XSAVE_LAYOUT } from '../kernel/ptrace-regs.js';
import { makeSiginfo, SI_USER, SIGINFO_SIZE } from '../kernel/siginfo.js';
import type { TaskStruct } from '../kernel/task.js';
import { fromKgidMunged, fromKuidMunged } from '../kernel/userns.js';
import { accessRemoteVm } from '../mm/access.js';
import { byteString, bytesOf } from '../vfs/byte-string.js';
import { dPath } from '../vfs/dentry.js';
import { File } from '../vfs/file.js';
import { bytesArgument, intArgument, objectArgument } from './arguments.js';
import { isStandIn, standInLabel } from './core-file-system.js';
import { archOf, registersOf } from './hart-registers.js';
import { coreSegments, VSYSCALL_PAGE } from './core-segments.js';

/** Choices for writing a core. */
export interface DumpCoreOptions {
  /** What is dumped: bits of /proc/PID/coredump_filter (default: the process's own). */
  readonly filter?: number;
  /** The signal that the core tells of (default 0: the process was merely copied). */
  readonly signal?: number;
  /** siginfo_t of that signal, 128 bytes (default: as after kill()). */
  readonly siginfo?: Uint8Array;
}

const EM_OF = { x86_64: EM_X86_64, aarch64: EM_AARCH64, riscv64: EM_RISCV } as const;

/** Bytes of arguments that a core keeps. */
const ARGS = 79;

/**
 * A core of the process of a task, as the kernel would write it for a signal that this task got: its
 * notes come first, the other threads' follow in their order. The memory is read while the chunks are.
 *
 * @see fs/coredump.c, do_coredump(); fs/binfmt_elf.c, elf_core_dump()
 */
export function dumpCore(task: TaskStruct, options: DumpCoreOptions = {}): CoreFile {
  const mm = task.mm;
  if (mm === null) throw new TypeError(`task: ${task.pid} has no memory`);
  const { filter = mm.dumpFilter, signal = 0, siginfo } = objectArgument('options', options);
  intArgument('filter', filter, 0, 0x1ff);
  intArgument('signal', signal, 0, 64);
  const info = checkSiginfo(siginfo ?? makeSiginfo(signal, SI_USER));
  const machine = EM_OF[archOf(task)];
  const others = [...task.group.threads].filter((thread) => thread !== task && !thread.exited);
  const notes = [
    ...threadNotes(task, signal, [
      prpsinfo(task.group.leader, mm),
      encodeNote('CORE', NT_SIGINFO, info),
      // A memory that never ran an exec has the entry that ends the vector.
      encodeNote('CORE', NT_AUXV, mm.auxv.length === 0 ? new Uint8Array(16) : mm.auxv),
      encodeFiles(fileRows(mm)),
    ]),
    ...others.flatMap((thread) => threadNotes(thread, signal, [])),
  ];
  const segments = coreSegments(mm, filter);
  if (machine === EM_X86_64) {
    segments.push(VSYSCALL_PAGE);
    notes.push(encodeNote('LINUX', NT_X86_XSAVE_LAYOUT, xsaveLayout()));
  }
  return new CoreFile({ machine, notes, segments });
}

function checkSiginfo(siginfo: Uint8Array): Uint8Array {
  if (bytesArgument('siginfo', siginfo).length !== SIGINFO_SIZE) {
    throw new RangeError(`siginfo: ${siginfo.length} bytes, not ${SIGINFO_SIZE}`);
  }
  return siginfo;
}

function xsaveLayout(): Uint8Array {
  const bytes = new Uint8Array(XSAVE_LAYOUT.length * 4);
  const view = new DataView(bytes.buffer);
  XSAVE_LAYOUT.forEach((word, i) => view.setUint32(i * 4, word, true));
  return bytes;
}

/** The notes of one thread; those of the process stand behind the first one's NT_PRSTATUS. */
function threadNotes(task: TaskStruct, signal: number, ofProcess: Uint8Array[]): Uint8Array[] {
  const { regs, fpregs, xstate } = registers(task);
  const status = encodePrstatus({
    ...numbers(task),
    tid: task.pid,
    signal,
    pending: task.pendingSignals.mask,
    blocked: task.blocked,
    regs,
    hasFpregs: fpregs !== null,
  });
  return [
    status,
    ...ofProcess,
    ...(fpregs === null ? [] : [encodeNote('CORE', NT_FPREGSET, fpregs)]),
    ...(xstate === null ? [] : [encodeNote('LINUX', NT_X86_XSTATE, xstate)]),
  ];
}

interface Registers {
  readonly regs: Uint8Array;
  readonly fpregs: Uint8Array | null;
  readonly xstate: Uint8Array | null;
}

/** Those of its hart, of x86-64, or of another architecture as its core had them. */
function registers(task: TaskStruct): Registers {
  const regs = registersOf(task, 'general') ?? new Uint8Array(REGS_SIZE);
  const fpregs = registersOf(task, 'float');
  const isX86 = archOf(task) === 'x86_64';
  return { regs, fpregs, xstate: isX86 ? regsetBytes(task, NT_X86_XSTATE) : null };
}

function numbers(task: TaskStruct): { ppid: number; pgrp: number; sid: number } {
  const { group } = task;
  return { ppid: group.parent?.pid ?? 0, pgrp: group.pgid, sid: group.sid };
}

/** Of the leader, whichever thread dumps. fs/binfmt_elf.c, fill_note_info(), fill_psinfo() */
function prpsinfo(task: TaskStruct, mm: MmStruct): Uint8Array {
  const { cred } = task;
  const args = new Uint8Array(Math.max(Math.min(mm.argEnd - mm.argStart, ARGS), 0));
  const got = accessRemoteVm(mm, mm.argStart, args, FOLL_FORCE);
  return encodePrpsinfo({
    ...numbers(task),
    state: task.state.toUpperCase(),
    nice: task.nice,
    flags: task.flags,
    uid: fromKuidMunged(cred.userNs, cred.uid),
    gid: fromKgidMunged(cred.userNs, cred.gid),
    pid: task.tgid,
    comm: commBytes(task),
    args: args.subarray(0, got),
  });
}

/** Every mapping of a file, stand-ins for files among them. */
function fileRows(mm: MmStruct): FileRow[] {
  const rows: FileRow[] = [];
  for (const { start, end, pgoff, file } of mm.vmas()) {
    if (!(file instanceof File)) continue;
    if (isStandIn(file) && !standInLabel(file).startsWith('/')) continue;
    const path = dPath(file.path, file.inode.sb.vfs.root);
    rows.push({ start, end, pgoff, path: bytesOf(byteString(path)) });
  }
  return rows;
}
