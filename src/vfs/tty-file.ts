import {
  EAGAIN,
  EBUSY,
  EFAULT,
  EIO,
  ENOTTY,
  ENXIO,
  ERESTARTSYS,
} from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { CAP_SYS_ADMIN, capable } from '../kernel/capability.js';
import { SIGTTIN, SIGTTOU } from '../kernel/signal.js';
import { noteProgress, takeProgress } from '../kernel/sleep.js';
import type { TaskStruct } from '../kernel/task.js';
import { checkChange, procSetTty } from '../kernel/tty-jobctrl.js';
import type { UserBuffer } from '../mm/user.js';
import {
  type File,
  type FileOperations,
  FMODE_LSEEK,
  FMODE_PREAD,
  FMODE_PWRITE,
  FMODE_READ,
} from './file.js';
import * as f from './flags.js';
import * as t from './termios.js';
import { Tty, type TtyFile } from './tty.js';
import { TIOCSPGRP, ttyIoctl } from './tty-ioctl.js';

/** Bytes written to the screen at a time. */
const CHUNK_BYTES = 2048;
/** Milliseconds of a unit of VTIME. */
const TENTH = 100;
/** What a read without lines that waits for more bytes is called. */
const TTY_READ = 'tty read';

/** /dev/tty: the caller's own terminal. */
export const DEV_TTY = 5 << 8;

/** The terminal of an open file; null: it was hung up. */
function ttyOf(file: File): Tty | null {
  const { tty, hungUp } = file.privateData as TtyFile;
  return hungUp ? null : tty;
}

const nonblocking = (file: File): boolean => (file.flags & f.O_NONBLOCK) !== 0;

/**
 * A read that gets lines, one of them at most.
 * @throws {LinuxError} EAGAIN or ERESTARTSYS: there is none; EFAULT
 * @see drivers/tty/n_tty.c canon_copy_from_read_buf()
 */
function readLine(tty: Tty, file: File, buf: UserBuffer): number {
  const { discipline } = tty;
  if (!discipline.available) {
    if (tty.hungUp) return 0;
    fail(nonblocking(file) ? EAGAIN : ERESTARTSYS);
  }
  const bytes = discipline.peek(buf.length);
  const done = buf.copyTo(0, bytes);
  if (done === 0 && bytes.length > 0) fail(EFAULT);
  discipline.take(done);
  return done;
}

/**
 * A read that gets bytes: VMIN of them, or what comes within VTIME. Those that it has are taken while it waits
 * for the others.
 * @throws {LinuxError} EAGAIN or ERESTARTSYS: too few; EFAULT
 * @see drivers/tty/n_tty.c n_tty_read()
 */
function readBytes(task: TaskStruct, tty: Tty, file: File, buf: UserBuffer): number {
  const { cc } = tty.termios;
  const least = Math.min(Math.max(cc[t.VMIN] as number, 1), buf.length);
  const time = (cc[t.VTIME] as number) * TENTH;
  const sleep = task.sleep?.call === TTY_READ ? task.sleep : null;
  const before = sleep?.done ?? 0;
  let done = before;
  while (done < buf.length && tty.discipline.available) {
    const bytes = tty.discipline.peek(buf.length - done);
    const stored = buf.copyTo(done, bytes);
    if (stored === 0) return done > 0 ? done : fail(EFAULT);
    tty.discipline.take(stored);
    done += stored;
    tty.pump();
  }
  if (done >= least || tty.hungUp) return done;
  const timeless = cc[t.VMIN] === 0;
  if (timeless && time === 0) return done;
  if (nonblocking(file)) return done > 0 ? done : fail(EAGAIN);
  // With VMIN the time is that between two bytes, and there is none before the first.
  const now = task.kernel.time();
  const limit = time > 0 && (timeless || done > 0) ? now + time : Infinity;
  const until = sleep !== null && done === before ? sleep.until : limit;
  if (until <= now) return done;
  task.sleep = { call: TTY_READ, until, done };
  return fail(ERESTARTSYS);
}

function ttyRead(task: TaskStruct, file: File, buf: UserBuffer): number {
  const tty = ttyOf(file);
  if (tty === null) return task.sleep?.call === TTY_READ ? (task.sleep.done ?? 0) : 0;
  if (buf.length === 0) return 0;
  checkChange(task, tty, SIGTTIN);
  const lines = (tty.termios.lflag & (t.ICANON | t.EXTPROC)) === t.ICANON;
  const done = lines ? readLine(tty, file, buf) : readBytes(task, tty, file, buf);
  tty.pump();
  return done;
}

/**
 * @throws {LinuxError} EIO: hung up; EAGAIN or ERESTARTSYS: no room, or output is stopped; EFAULT
 * @see drivers/tty/n_tty.c n_tty_write()
 */
function ttyWrite(task: TaskStruct, file: File, buf: UserBuffer): number {
  let done = takeProgress(task);
  const tty = ttyOf(file);
  if (tty === null) return done > 0 ? done : fail(EIO);
  if ((tty.termios.lflag & t.TOSTOP) !== 0) checkChange(task, tty, SIGTTOU);
  while (done < buf.length) {
    const bytes = new Uint8Array(Math.min(buf.length - done, CHUNK_BYTES));
    const got = buf.copyFrom(done, bytes);
    if (got === 0) break;
    const { out, taken } = tty.discipline.process(bytes.subarray(0, got), tty.room);
    if (taken > 0) tty.display(out);
    done += taken;
    if (taken < got) {
      if (nonblocking(file)) return done > 0 ? done : fail(EAGAIN);
      if (done > 0) noteProgress(task, done);
      fail(ERESTARTSYS);
    }
  }
  return done === 0 && buf.length > 0 ? fail(EFAULT) : done;
}

/** Which terminal an open finds: that of the session, the console, or the one of this name. */
function findTty(task: TaskStruct, file: File): Tty {
  const { inode } = file;
  const { vfs } = inode.sb;
  if (inode.rdev === DEV_TTY) return task.group.tty instanceof Tty ? task.group.tty : fail(ENXIO);
  if (inode.sb === vfs.devpts.root.inode.sb) return inode.privateData as Tty;
  return vfs.tty ?? fail(ENXIO);
}

/**
 * @throws {LinuxError} ENXIO: no such terminal; EBUSY: TIOCEXCL; EIO: locked, or the master is gone
 * @see drivers/tty/tty_io.c tty_open(), drivers/tty/pty.c pty_open()
 */
function ttyOpen(task: TaskStruct, file: File, flags: number): void {
  const tty = findTty(task, file);
  const { kernel } = task;
  if (tty.exclusive && !capable(task, kernel.initUserNs, CAP_SYS_ADMIN)) fail(EBUSY);
  if (tty.locked || tty.dropped) fail(EIO);
  file.privateData = { tty, hungUp: false } satisfies TtyFile;
  tty.files.push(file);
  if (tty.master !== null) tty.master.closed = false;
  // nonseekable_open(): it has no positions.
  file.mode &= ~(FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE);
  const { group } = task;
  const leads = group.sid === group.tgid && group.tty === null && tty.session === 0;
  const takes = (flags & f.O_NOCTTY) === 0 && file.inode.rdev === tty.dev;
  if (leads && takes && (file.mode & FMODE_READ) !== 0) procSetTty(task, tty);
}

const HUNG_UP = f.POLLIN | f.POLLOUT | f.POLLERR | f.POLLHUP | f.POLLRDNORM | f.POLLWRNORM;

/** An open terminal, but the master's side of one (drivers/tty/tty_io.c tty_fops). */
export const ttyOperations: FileOperations = {
  open: ttyOpen,
  read: ttyRead,
  write: ttyWrite,
  poll(file) {
    const tty = ttyOf(file);
    if (tty === null) return HUNG_UP;
    let mask = tty.room > 0 ? f.POLLOUT | f.POLLWRNORM : 0;
    if (tty.discipline.ready || tty.hungUp) mask |= f.POLLIN | f.POLLRDNORM;
    if (tty.hungUp) mask |= f.POLLHUP;
    return mask;
  },
  arrivals: (file) => ttyOf(file)?.arrivals ?? 0,
  ioctl(task, file, cmd, arg) {
    const tty = ttyOf(file);
    if (tty === null) fail(cmd === TIOCSPGRP ? ENOTTY : EIO);
    return ttyIoctl({ task, file, tty, master: null, arg }, cmd >>> 0);
  },
  /** The last one that closes it ends the master's reads (pty_close()). */
  release(file) {
    const { tty } = file.privateData as TtyFile;
    tty.files.splice(tty.files.indexOf(file), 1);
    if (tty.files.length > 0 || tty.master === null) return;
    tty.master.closed = true;
    if (tty.dropped) file.inode.sb.vfs.devpts.forget(tty);
  },
  iter: true,
  spliceRead: true,
  spliceWrite: true,
};
