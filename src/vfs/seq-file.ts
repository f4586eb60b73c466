import { EFAULT } from '../../assembly/abi/errno.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import type { UserBuffer } from '../mm/user.js';
import { bytesOf } from './byte-string.js';
import { FMODE_PWRITE } from './file.js';
import type { File, FileOperations } from './file.js';
import { seqLlseek } from './llseek.js';
import type { U64 } from './u64.js';
import { SideTable } from '../side-table.js';

/** One record of a file made on the fly. */
export interface SeqRecord {
  /** Its bytes, one character a byte; empty records are skipped. */
  readonly text: string;
  /** Where the next record is looked for. */
  readonly next: number;
}

/** What a file made on the fly consists of (struct seq_operations). */
export interface SeqOperations {
  /** Checks and prepares at open; keeps what it needs in `file.privateData`. */
  open?(task: TaskStruct, file: File): void;
  /** The record at or after `index`, from 0; null after the last. May throw LinuxError. */
  record(task: TaskStruct, file: File, index: number): SeqRecord | null;
}

/** How far the reading of one open file has come (struct seq_file). */
interface SeqState {
  /** Bytes made and not yet read. */
  buffer: Uint8Array;
  /** Where the next record is looked for. */
  index: number;
  /** File position of the first byte of `buffer`. */
  readPos: number;
  /** Bytes the buffer may hold: a page, doubled for a record that is larger. */
  size: number;
}

const EMPTY = new Uint8Array(0);
const states = new SideTable<File, SeqState>('seq files', 'File');

function stateOf(file: File): SeqState {
  let state = states.get(file);
  if (state === undefined) {
    state = { buffer: EMPTY, index: 0, readPos: 0, size: PAGE_SIZE };
    states.set(file, state);
  }
  return state;
}

function rewind(state: SeqState): void {
  state.buffer = EMPTY;
  state.index = 0;
  state.readPos = 0;
}

/**
 * Makes the next bytes: one record that is not empty, and then as many as fit the buffer, until
 * there are `wanted` bytes. Records are never cut; an error after the first waits for the next
 * read.
 */
function fill(
  task: TaskStruct,
  file: File,
  ops: SeqOperations,
  state: SeqState,
  wanted: number,
): void {
  let text = '';
  try {
    while (text === '' || text.length < wanted) {
      const record = ops.record(task, file, state.index);
      if (record === null) break;
      // seq_has_overflowed(): a buffer that is exactly full counts as too small.
      if (text !== '' && text.length + record.text.length >= state.size) break;
      while (record.text.length >= state.size) state.size *= 2;
      text += record.text;
      state.index = record.next;
    }
  } catch (error) {
    if (text === '') throw error;
  }
  state.buffer = bytesOf(text);
}

/** Skips to a position by making everything before it again (fs/seq_file.c traverse()). */
function traverse(
  task: TaskStruct,
  file: File,
  ops: SeqOperations,
  state: SeqState,
  pos: number,
): void {
  rewind(state);
  while (state.readPos < pos) {
    fill(task, file, ops, state, 1);
    if (state.buffer.length === 0) return;
    const skip = Math.min(state.buffer.length, pos - state.readPos);
    state.buffer = state.buffer.subarray(skip);
    state.readPos += skip;
  }
}

/** Copies made bytes to the caller; returns how many. */
function copyOut(state: SeqState, buf: UserBuffer, done: number): number {
  const bytes = state.buffer.subarray(0, buf.length - done);
  if (bytes.length === 0) return 0;
  const stored = buf.copyTo(done, bytes);
  state.buffer = state.buffer.subarray(stored);
  state.readPos += stored;
  return stored;
}

/**
 * Reads made bytes on from a position; at 0, or elsewhere than the last read ended, they are made
 * anew.
 * @returns bytes read: what was left over, and one buffer of whole records
 * @throws {LinuxError} what a record throws; EFAULT
 * @see fs/seq_file.c seq_read_iter()
 */
function seqRead(
  task: TaskStruct,
  file: File,
  ops: SeqOperations,
  buf: UserBuffer,
  pos: number,
): number {
  if (buf.length === 0) return 0;
  const state = stateOf(file);
  if (pos === 0) rewind(state);
  else if (pos !== state.readPos) {
    traverse(task, file, ops, state, pos);
    // Beyond the end too: the next read there makes nothing anew.
    state.readPos = pos;
  }
  const left = copyOut(state, buf, 0);
  if (state.buffer.length === 0 && left < buf.length) {
    try {
      fill(task, file, ops, state, buf.length - left);
    } catch (error) {
      if (left === 0) throw error;
      return left;
    }
  }
  const done = left + copyOut(state, buf, left);
  return done === 0 && state.buffer.length > 0 ? fail(EFAULT) : done;
}

/**
 * Seeks by making what is before the position, and so fails as a read there would; the position is 0 then.
 * @throws {LinuxError} EINVAL: another whence, or before 0 (K-602); what a record throws
 * @see fs/seq_file.c seq_lseek()
 */
function seqSeek(
  task: TaskStruct,
  file: File,
  ops: SeqOperations,
  offset: bigint,
  whence: number,
): U64 {
  const to = seqLlseek(task, file, offset, whence);
  const state = stateOf(file);
  const pos = Number(to);
  if (pos === state.readPos) return to;
  try {
    traverse(task, file, ops, state, pos);
  } catch (error) {
    rewind(state);
    file.pos = 0;
    throw error;
  }
  state.readPos = pos;
  return to;
}

/**
 * The operations of a file made on the fly, record by record.
 * @see fs/seq_file.c
 */
export function seqFile(ops: SeqOperations, more: FileOperations = {}): FileOperations {
  const open = more.open ?? ops.open;
  return {
    read: (task, file, buf, pos) => seqRead(task, file, ops, buf, Number(pos)),
    llseek: (task, file, offset, whence) => seqSeek(task, file, ops, offset, whence),
    iter: true,
    ...more,
    open(task, file, flags) {
      file.mode &= ~FMODE_PWRITE; // seq_open(): writes go to no position
      open?.(task, file, flags);
    },
  };
}

/**
 * The operations of a file that is one record, made anew by every read from its start.
 * @param show its bytes, one character a byte
 * @see fs/seq_file.c single_open()
 */
export function singleFile(
  show: (task: TaskStruct, file: File) => string,
  more: FileOperations = {},
): FileOperations {
  const record = (task: TaskStruct, file: File, index: number): SeqRecord | null =>
    index === 0 ? { text: show(task, file), next: 1 } : null;
  return seqFile({ record }, more);
}

/**
 * Reads from bytes that are all there.
 * @returns bytes read; 0 at and after the end
 * @throws {LinuxError} EFAULT
 * @see fs/libfs.c simple_read_from_buffer()
 */
export function simpleReadFromBuffer(buf: UserBuffer, pos: U64, bytes: Uint8Array): number {
  if (typeof pos === 'bigint' || pos >= bytes.length || buf.length === 0) return 0;
  const stored = buf.copyTo(0, bytes.subarray(pos, pos + buf.length));
  return stored === 0 ? fail(EFAULT) : stored;
}
