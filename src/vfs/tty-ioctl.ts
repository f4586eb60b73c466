import { EFAULT, EINVAL, EIO, ENOTTY, EPERM, ESRCH } from '../../assembly/abi/errno.js';
import { fail, LinuxError } from '../errno.js';
import { CAP_SYS_ADMIN, capable } from '../kernel/capability.js';
import { SIGINT, SIGQUIT, SIGTSTP, SIGTTOU } from '../kernel/signal.js';
import type { TaskStruct } from '../kernel/task.js';
import { checkChange, leaveTty, takeControllingTty } from '../kernel/tty-jobctrl.js';
import type { Mm } from '../mm/mm.js';
import { copyFromUser, copyToUser, getUserU32, putUserU32 } from '../mm/user.js';
import { filesOf, nofileLimit } from './fdtable.js';
import { type File, FMODE_READ } from './file.js';
import { O_CLOEXEC } from './flags.js';
import { vfsOpen } from './open.js';
import type { PtyMaster } from './pty.js';
import * as t from './termios.js';
import type { Tty } from './tty.js';
import type { U64 } from './u64.js';

// include/uapi/asm-generic/ioctls.h
const TCGETS = 0x5401;
const TCSETS = 0x5402;
const TCSETSF = 0x5404;
const TCSBRK = 0x5409;
const TCXONC = 0x540a;
const TCFLSH = 0x540b;
const TIOCEXCL = 0x540c;
const TIOCNXCL = 0x540d;
const TIOCSCTTY = 0x540e;
const TIOCGPGRP = 0x540f;
export const TIOCSPGRP = 0x5410;
const TIOCOUTQ = 0x5411;
const TIOCSTI = 0x5412;
const TIOCGWINSZ = 0x5413;
const TIOCSWINSZ = 0x5414;
const FIONREAD = 0x541b;
const TIOCPKT = 0x5420;
const TIOCNOTTY = 0x5422;
const TIOCSETD = 0x5423;
const TIOCGETD = 0x5424;
const TCSBRKP = 0x5425;
const TIOCSBRK = 0x5427;
const TIOCCBRK = 0x5428;
const TIOCGSID = 0x5429;
const TIOCVHANGUP = 0x5437;
const TIOCGPTPEER = 0x5441;
const TCGETS2 = 0x802c542a;
const TCSETS2 = 0x402c542b;
const TCSETSF2 = 0x402c542d;
const TIOCGPTN = 0x80045430;
const TIOCSPTLCK = 0x40045431;
const TIOCGDEV = 0x80045432;
const TIOCSIG = 0x40045436;
const TIOCGPKT = 0x80045438;
const TIOCGPTLCK = 0x80045439;
const TIOCGEXCL = 0x80045440;

/** One ioctl of a terminal. */
export interface TtyCall {
  readonly task: TaskStruct;
  readonly file: File;
  /** The slave's side, which settings, sizes and groups belong to. */
  readonly tty: Tty;
  /** Where the caller has the master's side; null: it has the slave's. */
  readonly master: PtyMaster | null;
  readonly arg: U64;
}

type Ioctl = (call: TtyCall, mm: Mm) => number | void;

function callerMm(task: TaskStruct): Mm {
  return task.mm ?? fail(EFAULT);
}

const isAdmin = (task: TaskStruct): boolean => capable(task, task.kernel.initUserNs, CAP_SYS_ADMIN);

/** Whether the caller may change its terminal; a master is nobody's terminal. */
function mayChange({ task, tty, master }: TtyCall): void {
  if (master === null) checkChange(task, tty, SIGTTOU);
}

const put =
  (value: (call: TtyCall) => number): Ioctl =>
  (call, mm) =>
    putUserU32(mm, call.arg, value(call));

const getTermios =
  (size: number): Ioctl =>
  ({ tty, arg }, mm) =>
    copyToUser(mm, arg, t.encodeTermios(tty.termios, size));

/** Also through a master, to which no group is in the background (tty_mode_ioctl()). */
function setTermios({ task, tty, arg }: TtyCall, cmd: number): void {
  checkChange(task, tty, SIGTTOU);
  const size = cmd >= TCSETS2 ? t.TERMIOS2_SIZE : t.TERMIOS_SIZE;
  const termios = t.decodeTermios(copyFromUser(callerMm(task), arg, size), tty.termios);
  if (cmd === TCSETSF || cmd === TCSETSF2) flushInput(tty);
  tty.setTermios(termios);
}

function flushInput(tty: Tty): void {
  tty.dropTyped();
  tty.discipline.flush();
}

/** tcflush: 0 what was typed, 1 what was shown, 2 both (__tty_perform_flush()). */
function flush(call: TtyCall): void {
  mayChange(call);
  const { tty, master } = call;
  const which = Number(call.arg);
  if (![0, 1, 2].includes(which)) fail(EINVAL);
  if (which !== 1) {
    if (master === null) flushInput(tty);
    else master.flush();
  }
  if (which === 0) return;
  if (master === null) tty.flushOutput();
  else tty.dropTyped();
}

/** tcflow: 0 and 1 stop output and let it go on, 2 and 3 send the characters that do (n_tty_ioctl_helper()). */
function flow(call: TtyCall): void {
  mayChange(call);
  const { tty, master } = call;
  const action = Number(call.arg);
  if (![0, 1, 2, 3].includes(action)) fail(EINVAL);
  if (action < 2) {
    if (master !== null) master.stopped = action === 0;
    else if (action === 0) tty.discipline.stop(true);
    else tty.discipline.start(true);
    return;
  }
  // A master has the characters that every terminal begins with.
  const { cc } = master === null ? tty.termios : t.stdTermios();
  const byte = Uint8Array.of(cc[action === 2 ? t.VSTOP : t.VSTART] as number);
  if (byte[0] === 0) return;
  if (master === null) tty.display(byte);
  else tty.type(byte);
}

/** @see drivers/tty/tty_io.c tiocsti() */
function simulateInput({ task, tty, master, arg }: TtyCall, mm: Mm): void {
  const own = master === null && task.group.tty === tty;
  if (!own && !isAdmin(task)) fail(EPERM);
  const byte = copyFromUser(mm, arg, 1);
  if (master === null) tty.type(byte);
  else master.receive(byte);
}

/** Whether the terminal is the caller's own; who has the master may ask anyhow. */
function checkControlling({ task, tty, master }: TtyCall): void {
  if (master === null && task.group.tty !== tty) fail(ENOTTY);
}

/** @see drivers/tty/tty_jobctrl.c tiocspgrp() */
function setPgrp({ task, tty, arg }: TtyCall, mm: Mm): void {
  try {
    checkChange(task, tty, SIGTTOU);
  } catch (error) {
    if (error instanceof LinuxError && error.code === 'EIO') fail(ENOTTY);
    throw error;
  }
  const pgid = getUserU32(mm, arg) | 0;
  if (pgid < 0) fail(EINVAL);
  const { sid } = task.group;
  if (task.group.tty !== tty || tty.session !== sid) fail(ENOTTY);
  const members = [...task.kernel.tasks()].filter(({ group }) => group.pgid === pgid);
  if (members.length === 0) fail(task.kernel.pids.findPid(pgid) === null ? ESRCH : EPERM);
  if (!members.some(({ group }) => group.sid === sid)) fail(EPERM);
  tty.pgrp = pgid;
}

function getWinsize({ tty, arg }: TtyCall, mm: Mm): void {
  const { rows, columns, xpixel, ypixel } = tty.winsize;
  copyToUser(mm, arg, new Uint8Array(new Uint16Array([rows, columns, xpixel, ypixel]).buffer));
}

function setWinsize({ tty, arg }: TtyCall, mm: Mm): void {
  const bytes = copyFromUser(mm, arg, 8);
  const view = new DataView(bytes.buffer, bytes.byteOffset, 8);
  const [rows = 0, columns = 0, xpixel = 0, ypixel = 0] = [0, 2, 4, 6].map((at) =>
    view.getUint16(at, true),
  );
  tty.resize({ rows, columns, xpixel, ypixel });
}

/** @see drivers/tty/pty.c ptm_open_peer() */
function openPeer({ task, file, tty, master, arg }: TtyCall): number {
  if (master === null) fail(EIO);
  const { devpts } = file.inode.sb.vfs;
  const files = filesOf(task);
  const fd = files.lowestFree(nofileLimit(task));
  const flags = Number(arg);
  const path = { mnt: devpts.mount ?? fail(EIO), dentry: devpts.dentryOf(tty) };
  files.install(fd, vfsOpen(task, path, flags), (flags & O_CLOEXEC) !== 0);
  return fd;
}

const CALLS: ReadonlyMap<number, Ioctl> = new Map<number, Ioctl>([
  [TCGETS, getTermios(t.TERMIOS_SIZE)],
  [TCGETS2, getTermios(t.TERMIOS2_SIZE)],
  // Breaks are nothing to a pseudo terminal, and what is written has been sent.
  [TCSBRK, mayChange],
  [TCSBRKP, mayChange],
  [TIOCSBRK, mayChange],
  [TIOCCBRK, mayChange],
  [TCXONC, flow],
  [TCFLSH, flush],
  [TIOCEXCL, ({ tty }) => void (tty.exclusive = true)],
  [TIOCNXCL, ({ tty }) => void (tty.exclusive = false)],
  [TIOCGEXCL, put(({ tty }) => Number(tty.exclusive))],
  [
    TIOCSCTTY,
    ({ task, file, tty, arg }) =>
      takeControllingTty(task, tty, Number(arg), (file.mode & FMODE_READ) !== 0),
  ],
  [TIOCNOTTY, ({ task, tty, master }) => (master === null ? leaveTty(task, tty) : fail(ENOTTY))],
  [
    TIOCGPGRP,
    (call, mm) => {
      checkControlling(call);
      putUserU32(mm, call.arg, call.tty.pgrp);
    },
  ],
  [TIOCSPGRP, setPgrp],
  [
    TIOCGSID,
    (call, mm) => {
      checkControlling(call);
      putUserU32(mm, call.arg, call.tty.session === 0 ? fail(ENOTTY) : call.tty.session);
    },
  ],
  [TIOCSTI, simulateInput],
  [TIOCGWINSZ, getWinsize],
  [TIOCSWINSZ, setWinsize],
  [TIOCOUTQ, put(() => 0)],
  [FIONREAD, put(({ tty, master }) => master?.readable ?? tty.discipline.readable)],
  // N_TTY is the one line discipline.
  [TIOCGETD, put(() => 0)],
  [
    TIOCSETD,
    (call, mm) => {
      mayChange(call);
      if (getUserU32(mm, call.arg) !== 0) fail(EINVAL);
    },
  ],
  [TIOCGPTPEER, openPeer],
  [TIOCGDEV, put(({ tty }) => tty.dev)],
  [
    TIOCVHANGUP,
    ({ task, tty }) => {
      if (!isAdmin(task)) fail(EPERM);
      tty.hangup();
    },
  ],
]);

/** Those of a master alone (drivers/tty/pty.c pty_unix98_ioctl()). */
const MASTER_CALLS: ReadonlyMap<number, Ioctl> = new Map<number, Ioctl>([
  [TIOCGPTN, put(({ tty }) => tty.index)],
  [TIOCSPTLCK, ({ tty, arg }, mm) => void (tty.locked = getUserU32(mm, arg) !== 0)],
  [TIOCGPTLCK, put(({ tty }) => Number(tty.locked))],
  [
    TIOCPKT,
    ({ tty, master, arg }, mm) => {
      const on = getUserU32(mm, arg) !== 0;
      if (master === null) return;
      if (on && !master.packet) tty.pktstatus = 0;
      master.packet = on;
    },
  ],
  [TIOCGPKT, put(({ master }) => Number(master?.packet))],
  [
    TIOCSIG,
    ({ tty, arg }) => {
      if (![SIGINT, SIGQUIT, SIGTSTP].includes(Number(arg))) fail(EINVAL);
      tty.kill(Number(arg));
    },
  ],
]);

/**
 * An ioctl of either side of a terminal.
 * @throws {LinuxError} ENOTTY: there is no such call; EFAULT; what the call throws
 * @see drivers/tty/tty_io.c tty_ioctl(), drivers/tty/tty_ioctl.c
 */
export function ttyIoctl(call: TtyCall, cmd: number): number {
  const sets = (cmd >= TCSETS && cmd <= TCSETSF) || (cmd >= TCSETS2 && cmd <= TCSETSF2);
  if (sets) {
    setTermios(call, cmd);
    return 0;
  }
  const own = call.master === null ? undefined : MASTER_CALLS.get(cmd);
  const made = own ?? CALLS.get(cmd);
  return made === undefined ? fail(ENOTTY) : (made(call, callerMm(call.task)) ?? 0);
}
