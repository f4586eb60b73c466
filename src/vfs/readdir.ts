import { EINVAL, ENOENT, ENOTDIR } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import { encodeName } from '../mm/name-bytes.js';
import { fsnotifyFile } from './fsnotify.js';
import { IN_ACCESS } from './inotify-flags.js';
import { filesOf } from './fdtable.js';
import type { DirEntry, File } from './file.js';
import { AT_FDCWD, O_DIRECTORY, O_RDONLY } from './flags.js';
import { fsUmodeToDtype, S_IFDIR } from './mode.js';
import { doFilpOpen } from './open.js';
import { buildOpenHow } from './open-flags.js';

/** Bytes of a linux_dirent64 before its name: ino, off, reclen, type. */
const DIRENT_HEADER = 19;

/** "." and "..", then what the file system lists. */
function* entriesOf(task: TaskStruct, file: File): Generator<DirEntry, void, void> {
  const { dentry, mnt } = file.path;
  const up = dentry === mnt.root ? (mnt.mountpoint?.dentry.parent ?? dentry) : dentry.parent;
  const iterate = file.fops.iterate?.(task, file) ?? fail(ENOTDIR);
  yield { name: '.', ino: dentry.inode.ino, type: fsUmodeToDtype(S_IFDIR) };
  yield { name: '..', ino: up.inode.ino, type: fsUmodeToDtype(S_IFDIR) };
  yield* iterate;
}

/**
 * One struct linux_dirent64.
 *
 *     0        8        16       18     19
 *     | d_ino  | d_off  | reclen | type | name, NUL, pad to 8 |
 */
function encodeDirent(entry: DirEntry, off: number): Uint8Array {
  const name = encodeName(entry.name);
  const reclen = (DIRENT_HEADER + name.length + 1 + 7) & ~7;
  const bytes = new Uint8Array(reclen);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(entry.ino), true);
  view.setBigUint64(8, BigInt(off), true);
  view.setUint16(16, reclen, true);
  view.setUint8(18, entry.type);
  bytes.set(name, DIRENT_HEADER);
  return bytes;
}

/**
 * getdents64: the records from the position of the directory on that fit in `count` bytes.
 * @throws {LinuxError} EBADF; ENOTDIR; ENOENT: the directory was removed; EINVAL: not even one
 *   record fits; what the listing refuses
 * @see fs/readdir.c getdents64(), iterate_dir()
 */
export function getdents64(task: TaskStruct, fd: number, count: number): Uint8Array {
  const file = filesOf(task).get(fd);
  if (file.fops.iterate === undefined) fail(ENOTDIR);
  const { dentry } = file.path;
  if (!dentry.hashed && !dentry.isRoot) fail(ENOENT);
  const records = recordsFrom(task, file, count);
  fsnotifyFile(file, IN_ACCESS);
  return joinRecords(records);
}

/** A listing under way, so that a long directory is walked once and not once for each call. */
interface Cursor {
  readonly task: TaskStruct;
  readonly entries: Iterator<DirEntry, void, void>;
  /** Entries taken from it. */
  index: number;
  /** The last of them, where it did not fit. */
  pending: DirEntry | null;
}

/** The listing at the position of the directory: the one kept there, or a new one moved to it. */
function cursorAt(task: TaskStruct, file: File): Cursor {
  const start = Number(file.pos);
  const kept = file.dirCursor as Cursor | null;
  file.dirCursor = null;
  const resumes = kept?.task === task && file.fops.iterateResumes?.(file) === true;
  if (resumes && start > 0 && kept.index === start + (kept.pending === null ? 0 : 1)) return kept;
  const cursor: Cursor = { task, entries: entriesOf(task, file), index: 0, pending: null };
  while (cursor.index < start && cursor.entries.next().done !== true) cursor.index += 1;
  return cursor;
}

/** The next entry, which counts as taken; null at the end. */
function takeEntry(cursor: Cursor): DirEntry | null {
  const { pending } = cursor;
  cursor.pending = null;
  if (pending !== null && pending.stands?.() !== false) return pending;
  if (pending !== null) cursor.index -= 1;
  const next = cursor.entries.next();
  if (next.done === true) return null;
  cursor.index += 1;
  return next.value;
}

/**
 * Records from the position of the directory on, which moves behind each; an error after the first
 * waits.
 */
function recordsFrom(task: TaskStruct, file: File, count: number): Uint8Array[] {
  const records: Uint8Array[] = [];
  let left = count;
  try {
    const cursor = cursorAt(task, file);
    for (let entry = takeEntry(cursor); entry !== null; entry = takeEntry(cursor)) {
      const record = encodeDirent(entry, cursor.index);
      if (record.length > left) {
        if (records.length === 0) fail(EINVAL);
        cursor.pending = entry;
        break;
      }
      records.push(record);
      left -= record.length;
      file.pos = cursor.index;
    }
    if (file.fops.iterateResumes !== undefined) file.dirCursor = cursor;
  } catch (error) {
    if (records.length === 0) throw error;
  }
  return records;
}

function joinRecords(records: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(records.reduce((sum, record) => sum + record.length, 0));
  let at = 0;
  for (const record of records) {
    bytes.set(record, at);
    at += record.length;
  }
  return bytes;
}

/**
 * Every entry of the directory at a path, "." and ".." too.
 * @throws {LinuxError} as openat() with O_DIRECTORY; what the listing refuses
 */
export function readdir(task: TaskStruct, path: string): DirEntry[] {
  const file = doFilpOpen(task, AT_FDCWD, path, buildOpenHow(O_RDONLY | O_DIRECTORY, 0));
  try {
    return [...entriesOf(task, file)];
  } finally {
    file.put();
  }
}
