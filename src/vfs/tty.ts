import {
  EAGAIN,
  EFAULT,
  EINVAL,
  EIO,
  ENOTTY,
  ENXIO,
  EPERM,
  ERESTARTSYS,
} from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { sendToProcess } from '../kernel/kill.js';
import type { Kernel } from '../kernel/kernel.js';
import { SIG_IGN } from '../kernel/sighand.js';
import { makeSiginfo, SI_KERNEL } from '../kernel/siginfo.js';
import { SIGINT, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU, SIGWINCH } from '../kernel/signal.js';
import type { TaskStruct } from '../kernel/task.js';
import { copyFromUser, copyToUser, getUserU32, putUserU32 } from '../mm/user.js';
import type { Mm } from '../mm/mm.js';
import type { UserBuffer } from '../mm/user.js';
import type { File, FileOperations } from './file.js';
import { FMODE_LSEEK, FMODE_PREAD, FMODE_PWRITE } from './file.js';
import { O_NONBLOCK, POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from './flags.js';
import { LineDiscipline, type TtySide } from './n-tty.js';
import * as t from './termios.js';
import type { U64 } from './u64.js';

// include/uapi/asm-generic/ioctls.h
const TCGETS = 0x5401;
const TCSETS = 0x5402;
const TCSETSF = 0x5404;
const TCSBRK = 0x5409;
const TCXONC = 0x540a;
const TCFLSH = 0x540b;
const TIOCSCTTY = 0x540e;
const TIOCGPGRP = 0x540f;
const TIOCSPGRP = 0x5410;
const TIOCOUTQ = 0x5411;
const TIOCGWINSZ = 0x5413;
const TIOCSWINSZ = 0x5414;
const FIONREAD = 0x541b;
const TIOCNOTTY = 0x5422;
const TIOCGSID = 0x5429;
const TCGETS2 = 0x802c542a;
const TCSETS2 = 0x402c542b;
const TCSETSF2 = 0x402c542d;

/** Bytes written to the screen at a time. */
const CHUNK_BYTES = 4096;

/** Who looks at a terminal. */
export interface TtyHost {
  display(bytes: Uint8Array): void;
}

/** A terminal: keys and a screen of the host, and the session it controls (struct tty_struct). */
export class Tty implements TtySide {
  readonly kernel: Kernel;
  host: TtyHost;
  termios = t.stdTermios();
  readonly discipline: LineDiscipline;
  columns: number;
  rows: number;
  /** Numbers of the session it controls and of the group in the foreground; 0 without one. */
  session = 0;
  pgrp = 0;
  /** Nobody types any more: reads end. */
  hungUp = false;

  constructor(kernel: Kernel, host: TtyHost, columns: number, rows: number) {
    this.kernel = kernel;
    this.host = host;
    this.columns = columns;
    this.rows = rows;
    this.discipline = new LineDiscipline(this);
  }

  display(bytes: Uint8Array): void {
    this.host.display(bytes);
  }

  signal(which: number): void {
    this.kill(which === t.VINTR ? SIGINT : which === t.VQUIT ? SIGQUIT : SIGTSTP);
  }

  /** Sends a signal to the group in the foreground. */
  kill(signal: number): void {
    if (this.pgrp > 0) killGroup(this.kernel, this.pgrp, signal);
  }

  /** Another size; the foreground hears of it. */
  resize(columns: number, rows: number): void {
    if (columns === this.columns && rows === this.rows) return;
    this.columns = columns;
    this.rows = rows;
    this.kill(SIGWINCH);
  }
}

function killGroup(kernel: Kernel, pgid: number, signal: number): void {
  const members = [...kernel.tasks()].filter((each) => each.isLeader && each.group.pgid === pgid);
  for (const leader of members) sendToProcess(leader, signal, makeSiginfo(signal, SI_KERNEL));
}

/** Whether a signal would do nothing to a task. */
function isDeaf(task: TaskStruct, signal: number): boolean {
  const blocked = (task.blocked & (1n << BigInt(signal - 1))) !== 0n;
  return blocked || task.sighand.action(signal).handler === SIG_IGN;
}

/** No process of the group has a parent in another group of the session (is_current_pgrp_orphaned()). */
function isOrphaned({ kernel, group }: TaskStruct): boolean {
  return ![...kernel.tasks()].some((each) => {
    const parent = each.group.parent?.group;
    return (
      each.isLeader &&
      !each.exited &&
      each.group.pgid === group.pgid &&
      parent !== undefined &&
      parent.pgid !== group.pgid &&
      parent.sid === group.sid
    );
  });
}

/**
 * May the caller use its terminal so? One in the background is stopped instead.
 * @throws {LinuxError} EIO: in the background, and not to be stopped; ERESTARTSYS: it was sent the signal
 * @see drivers/tty/tty_jobctrl.c __tty_check_change()
 */
function checkChange(task: TaskStruct, tty: Tty, signal: number): void {
  const { group } = task;
  if (group.sid !== tty.session || tty.pgrp === 0 || group.pgid === tty.pgrp) return;
  if (isDeaf(task, signal)) {
    if (signal === SIGTTIN) fail(EIO);
    return;
  }
  if (isOrphaned(task)) fail(EIO);
  killGroup(task.kernel, group.pgid, signal);
  fail(ERESTARTSYS);
}

const ttyOf = (file: File): Tty => file.privateData as Tty;

/** @see drivers/tty/n_tty.c n_tty_read() */
function ttyRead(task: TaskStruct, file: File, buf: UserBuffer): number {
  const tty = ttyOf(file);
  if (buf.length === 0) return 0;
  checkChange(task, tty, SIGTTIN);
  const { discipline } = tty;
  const nonblock = (file.flags & O_NONBLOCK) !== 0;
  const polls = (tty.termios.lflag & t.ICANON) === 0 && tty.termios.cc[t.VMIN] === 0;
  if (!discipline.ready && !polls && !tty.hungUp) {
    if (!nonblock) fail(ERESTARTSYS);
    if (discipline.readable === 0) fail(EAGAIN);
  }
  const bytes = discipline.peek(buf.length);
  const done = buf.copyTo(0, bytes);
  if (done === 0 && bytes.length > 0) fail(EFAULT);
  discipline.take(done);
  return done;
}

/** @see drivers/tty/n_tty.c n_tty_write() */
function ttyWrite(task: TaskStruct, file: File, buf: UserBuffer): number {
  const tty = ttyOf(file);
  if ((tty.termios.lflag & t.TOSTOP) !== 0) checkChange(task, tty, SIGTTOU);
  if (tty.discipline.stopped) fail((file.flags & O_NONBLOCK) !== 0 ? EAGAIN : ERESTARTSYS);
  let done = 0;
  while (done < buf.length) {
    const bytes = new Uint8Array(Math.min(buf.length - done, CHUNK_BYTES));
    const got = buf.copyFrom(done, bytes);
    tty.display(tty.discipline.process(bytes.subarray(0, got)));
    done += got;
    if (got < bytes.length) break;
  }
  if (done === 0 && buf.length > 0) fail(EFAULT);
  return done;
}

function setTermios(task: TaskStruct, tty: Tty, cmd: number, arg: U64): void {
  checkChange(task, tty, SIGTTOU);
  const size = cmd >= TCSETS2 ? t.TERMIOS2_SIZE : t.TERMIOS_SIZE;
  const old = tty.termios;
  tty.termios = t.decodeTermios(copyFromUser(callerMm(task), arg, size), old);
  if (cmd === TCSETSF || cmd === TCSETSF2) tty.discipline.flush();
  tty.discipline.settingsChanged(old);
}

function callerMm(task: TaskStruct): Mm {
  return task.mm ?? fail(EFAULT);
}

function getWinsize(task: TaskStruct, tty: Tty, arg: U64): void {
  const bytes = new Uint8Array(new Uint16Array([tty.rows, tty.columns, 0, 0]).buffer);
  copyToUser(callerMm(task), arg, bytes);
}

function setWinsize(task: TaskStruct, tty: Tty, arg: U64): void {
  const bytes = copyFromUser(callerMm(task), arg, 8);
  const view = new DataView(bytes.buffer, bytes.byteOffset, 8);
  tty.resize(view.getUint16(2, true), view.getUint16(0, true));
}

/** Whether the terminal controls the caller's session. @throws {LinuxError} ENOTTY: it does not */
function checkControlling(task: TaskStruct, tty: Tty): void {
  if (tty.session !== task.group.sid) fail(ENOTTY);
}

/** @see drivers/tty/tty_jobctrl.c tiocspgrp() */
function setPgrp(task: TaskStruct, tty: Tty, arg: U64): void {
  checkChange(task, tty, SIGTTOU);
  checkControlling(task, tty);
  const pgid = getUserU32(callerMm(task), arg) | 0;
  if (pgid < 0) fail(EINVAL);
  const { sid } = task.group;
  const inSession = ({ group }: TaskStruct): boolean => group.pgid === pgid && group.sid === sid;
  if (![...task.kernel.tasks()].some(inSession)) fail(EPERM);
  tty.pgrp = pgid;
}

/** A session's leader takes a terminal that no session has (drivers/tty/tty_jobctrl.c tiocsctty()). */
function setControlling(task: TaskStruct, tty: Tty): void {
  const { sid, tgid, pgid } = task.group;
  if (tty.session === sid && sid === tgid) return;
  if (sid !== tgid || tty.session !== 0) fail(EPERM);
  tty.session = sid;
  tty.pgrp = pgid;
}

function ttyIoctl(task: TaskStruct, file: File, cmd: number, arg: U64): number {
  const tty = ttyOf(file);
  const mm = callerMm(task);
  if ((cmd >= TCSETS && cmd <= TCSETSF) || (cmd >= TCSETS2 && cmd <= TCSETSF2)) {
    setTermios(task, tty, cmd, arg);
    return 0;
  }
  switch (cmd) {
    case TCGETS:
      copyToUser(mm, arg, t.encodeTermios(tty.termios, t.TERMIOS_SIZE));
      break;
    case TCGETS2:
      copyToUser(mm, arg, t.encodeTermios(tty.termios, t.TERMIOS2_SIZE));
      break;
    case TCSBRK:
    case TCXONC:
      checkChange(task, tty, SIGTTOU);
      break;
    case TCFLSH:
      checkChange(task, tty, SIGTTOU);
      if (arg === 0 || arg === 2) tty.discipline.flush();
      else if (arg !== 1) fail(EINVAL);
      break;
    case TIOCSCTTY:
      setControlling(task, tty);
      break;
    case TIOCNOTTY:
      checkControlling(task, tty);
      if (task.group.sid === task.tgid) tty.session = tty.pgrp = 0;
      break;
    case TIOCGPGRP:
      checkControlling(task, tty);
      putUserU32(mm, arg, tty.pgrp);
      break;
    case TIOCSPGRP:
      setPgrp(task, tty, arg);
      break;
    case TIOCGSID:
      checkControlling(task, tty);
      putUserU32(mm, arg, tty.session);
      break;
    case TIOCGWINSZ:
      getWinsize(task, tty, arg);
      break;
    case TIOCSWINSZ:
      setWinsize(task, tty, arg);
      break;
    case TIOCOUTQ:
      putUserU32(mm, arg, 0);
      break;
    case FIONREAD:
      putUserU32(mm, arg, tty.discipline.readable);
      break;
    default:
      fail(ENOTTY);
  }
  return 0;
}

/** An open terminal (drivers/tty/tty_io.c tty_fops). */
export const ttyOperations: FileOperations = {
  /** The machine has one terminal; /dev/tty is it for the session that it controls. */
  open(task, file) {
    const { tty } = file.inode.sb.vfs;
    if (tty === null) fail(ENXIO);
    if (file.inode.rdev === DEV_TTY && tty.session !== task.group.sid) fail(ENXIO);
    file.privateData = tty;
    // nonseekable_open(): it has no positions.
    file.mode &= ~(FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE);
  },
  read: ttyRead,
  write: ttyWrite,
  poll(file) {
    const tty = ttyOf(file);
    let mask = tty.discipline.stopped ? 0 : POLLOUT | POLLWRNORM;
    if (tty.discipline.ready || tty.hungUp) mask |= POLLIN | POLLRDNORM;
    if (tty.hungUp) mask |= POLLHUP;
    return mask;
  },
  ioctl: ttyIoctl,
  iter: true,
  spliceRead: true,
  spliceWrite: true,
};

/** /dev/tty: major 5, minor 0. */
export const DEV_TTY = 5 << 8;
