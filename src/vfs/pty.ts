import { EAGAIN, EFAULT, EIO, ENOSPC, ERESTARTSYS } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { noteProgress, takeProgress } from '../kernel/sleep.js';
import type { TaskStruct } from '../kernel/task.js';
import type { UserBuffer } from '../mm/user.js';
import { ByteQueue } from './byte-queue.js';
import { File, FMODE_LSEEK, FMODE_PREAD, FMODE_PWRITE, type FileOperations } from './file.js';
import { O_NONBLOCK, POLLHUP, POLLIN, POLLOUT, POLLPRI, POLLRDNORM, POLLWRNORM } from './flags.js';
import { makedev } from './super-block.js';
import type { Tty } from './tty.js';
import { ttyIoctl } from './tty-ioctl.js';

// include/uapi/asm-generic/ioctls.h
const TIOCPKT_DATA = 0;
export const TIOCPKT_FLUSHREAD = 1;
export const TIOCPKT_FLUSHWRITE = 2;
export const TIOCPKT_STOP = 4;
export const TIOCPKT_START = 8;
export const TIOCPKT_NOSTOP = 16;
export const TIOCPKT_DOSTOP = 32;
export const TIOCPKT_IOCTL = 64;

/** /dev/ptmx: TTYAUX_MAJOR, minor 2. */
export const DEV_PTMX = makedev(5, 2);
/** Bytes a master's read finds (N_TTY_BUF_SIZE - 1); what is beyond waits in front of it. */
const READ_BYTES = 4095;
/** Bytes that wait in all; see BACKLOG_BYTES. */
const CAPACITY = READ_BYTES + 16385;
/** Bytes taken from user space at a time. */
const CHUNK_BYTES = 2048;

/** The side of a pseudo terminal that /dev/ptmx gives: what it writes is typed, what it reads was shown. */
export class PtyMaster {
  /** The other side; set once, as both are made together. */
  tty!: Tty;
  /** TIOCPKT: reads begin with a byte that says what they are. */
  packet = false;
  /** All have closed the other side (TTY_OTHER_CLOSED): reads end when nothing is left. */
  closed = false;
  /** TCXONC on this side: nothing is typed. */
  stopped = false;
  /** How often something has come. */
  arrivals = 0;
  private readonly shown = new ByteQueue();

  /** Bytes that can be shown now. */
  get room(): number {
    return CAPACITY - this.shown.length;
  }

  /** Takes what is shown; what finds no room is lost. */
  receive(bytes: Uint8Array): void {
    this.shown.push(bytes.subarray(0, this.room));
    this.arrivals += 1;
  }

  flushBacklog(): void {
    this.shown.truncate(READ_BYTES);
  }

  flush(): void {
    this.shown.truncate(0);
  }

  get readable(): number {
    return Math.min(this.shown.length, READ_BYTES);
  }

  /** Reads into a buffer from `at` on; bytes stored. */
  readInto(buf: UserBuffer, at: number): number {
    let done = at;
    while (done < buf.length && this.shown.length > 0) {
      const bytes = this.shown.peek(0, buf.length - done);
      const stored = buf.copyTo(done, bytes);
      this.shown.drop(stored);
      done += stored;
      if (stored < bytes.length) break;
    }
    return done;
  }
}

const masterOf = (file: File): PtyMaster => file.privateData as PtyMaster;
const nonblocking = (file: File): boolean => (file.flags & O_NONBLOCK) !== 0;

/** @see drivers/tty/n_tty.c n_tty_read() */
function ptmxRead(_task: TaskStruct, file: File, buf: UserBuffer): number {
  const master = masterOf(file);
  const { tty, packet } = master;
  if (buf.length === 0) return 0;
  if (packet && tty.pktstatus !== 0) {
    if (buf.copyTo(0, Uint8Array.of(tty.pktstatus)) === 0) fail(EFAULT);
    tty.pktstatus = 0;
    return 1;
  }
  if (master.readable === 0) {
    if (master.closed) fail(EIO);
    fail(nonblocking(file) ? EAGAIN : ERESTARTSYS);
  }
  const start = packet ? buf.copyTo(0, Uint8Array.of(TIOCPKT_DATA)) : 0;
  const done = master.readInto(buf, start);
  return done === 0 ? fail(EFAULT) : done;
}

/** @see drivers/tty/n_tty.c n_tty_write(), drivers/tty/pty.c pty_write() */
function ptmxWrite(task: TaskStruct, file: File, buf: UserBuffer): number {
  const { tty, stopped } = masterOf(file);
  let done = takeProgress(task);
  while (done < buf.length) {
    const room = stopped ? 0 : tty.typeRoom;
    if (room === 0) {
      if (nonblocking(file)) return done > 0 ? done : fail(EAGAIN);
      if (done > 0) noteProgress(task, done);
      fail(ERESTARTSYS);
    }
    const bytes = new Uint8Array(Math.min(buf.length - done, CHUNK_BYTES, room));
    const got = buf.copyFrom(done, bytes);
    tty.type(bytes.subarray(0, got));
    done += got;
    if (got < bytes.length) break;
  }
  return done === 0 && buf.length > 0 ? fail(EFAULT) : done;
}

/** The master's side of a pseudo terminal, which an open of /dev/ptmx makes (drivers/tty/pty.c ptmx_fops). */
export const ptmxOperations: FileOperations = {
  /** @throws {LinuxError} ENOSPC: no number free */
  open(task, file) {
    const { devpts } = file.inode.sb.vfs;
    const master = new PtyMaster();
    const size = { rows: 0, columns: 0, xpixel: 0, ypixel: 0 };
    const tty = devpts.create(task.cred.fsuid, master, size) ?? fail(ENOSPC);
    master.tty = tty;
    tty.locked = true;
    file.privateData = master;
    file.mode &= ~(FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE);
  },
  read: ptmxRead,
  write: ptmxWrite,
  poll(file) {
    const { tty, readable, packet, closed, stopped } = masterOf(file);
    let mask = readable > 0 ? POLLIN | POLLRDNORM : 0;
    if (packet && tty.pktstatus !== 0) mask |= POLLPRI | POLLIN | POLLRDNORM;
    if (closed) mask |= POLLHUP;
    if (!stopped && tty.typeRoom > 0) mask |= POLLOUT | POLLWRNORM;
    return mask;
  },
  arrivals: (file) => masterOf(file).arrivals,
  ioctl(task, file, cmd, arg) {
    const master = masterOf(file);
    return ttyIoctl({ task, file, tty: master.tty, master, arg }, cmd >>> 0);
  },
  /** The other side is gone with it (pty_close()). */
  release(file) {
    const { tty } = masterOf(file);
    const { devpts } = file.inode.sb.vfs;
    devpts.kill(tty);
    tty.dropped = true;
    tty.hangup();
    if (tty.files.length === 0) devpts.forget(tty);
  },
  showFdinfo: (file) => `tty-index:\t${masterOf(file).tty.index}\n`,
  iter: true,
  spliceRead: true,
  spliceWrite: true,
};
