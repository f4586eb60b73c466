import type { Kernel } from '../kernel/kernel.js';
import { SIGINT, SIGQUIT, SIGTSTP, SIGWINCH } from '../kernel/signal.js';
import {
  type ControllingTty,
  killPgrp,
  procSetTty,
  signalSessionLeader,
} from '../kernel/tty-jobctrl.js';
import type { TaskStruct } from '../kernel/task.js';
import { ByteQueue } from './byte-queue.js';
import type { File } from './file.js';
import { LineDiscipline, type TtySide } from './n-tty.js';
import * as pkt from './pty.js';
import type { PtyMaster } from './pty.js';
import { makedev } from './super-block.js';
import * as t from './termios.js';

/** UNIX98_PTY_SLAVE_MAJOR */
const SLAVE_MAJOR = 136;
/** Bytes that wait for room in the line discipline, those of a pseudo terminal: measured, as Linux counts pages. */
const BACKLOG_BYTES = 16385;

/** Who looks at a terminal from outside the machine. */
export interface TtyHost {
  display(bytes: Uint8Array): void;
}

/** What an open file on a terminal keeps (struct tty_file_private). */
export interface TtyFile {
  readonly tty: Tty;
  /** The terminal was hung up under it: it is good for nothing. */
  hungUp: boolean;
}

/** Size of a terminal, in characters and in pixels (struct winsize). */
export interface Winsize {
  readonly rows: number;
  readonly columns: number;
  readonly xpixel: number;
  readonly ypixel: number;
}

/**
 * A pseudo terminal as programs have it, /dev/pts/N: what is typed at it and shown on it is the other side's, a
 * master's or the host's (struct tty_struct).
 */
export class Tty implements TtySide, ControllingTty {
  readonly kernel: Kernel;
  /** N of /dev/pts/N. */
  readonly index: number;
  /** The other side: one of them. A restore gives another host. */
  host: TtyHost | null;
  readonly master: PtyMaster | null;
  termios = t.stdTermios();
  readonly discipline: LineDiscipline;
  winsize: Winsize;
  session = 0;
  pgrp = 0;
  /** Nobody types any more: reads end. */
  hungUp = false;
  /** TIOCSPTLCK: it cannot be opened yet. */
  locked = false;
  /** The master is gone: it cannot be opened any more. */
  dropped = false;
  /** TIOCEXCL: only root opens it again. */
  exclusive = false;
  /** Open files on it. */
  files: File[] = [];
  /** TIOCPKT_*: what a master in packet mode is to hear. */
  pktstatus = 0;
  /** How often something was typed. */
  arrivals = 0;
  private readonly backlog = new ByteQueue();

  constructor(kernel: Kernel, index: number, other: TtyHost | PtyMaster, size: Winsize) {
    this.kernel = kernel;
    this.index = index;
    this.host = other instanceof pkt.PtyMaster ? null : other;
    this.master = other instanceof pkt.PtyMaster ? other : null;
    this.winsize = size;
    // Terminals that people look at speak UTF-8, and say so.
    if (this.host !== null) this.termios.iflag |= t.IUTF8;
    this.discipline = new LineDiscipline(this);
  }

  get dev(): number {
    return makedev(SLAVE_MAJOR, this.index);
  }

  /** Becomes the terminal of a task's session (__proc_set_tty()). */
  control(task: TaskStruct): void {
    procSetTty(task, this);
  }

  /** Bytes that can be shown now. */
  get room(): number {
    if (this.discipline.stopped) return 0;
    return this.master?.room ?? Infinity;
  }

  display(bytes: Uint8Array): void {
    if (this.host !== null) this.host.display(bytes);
    else this.master?.receive(bytes);
  }

  /** Bytes that can be typed now. */
  get typeRoom(): number {
    return Math.max(BACKLOG_BYTES - this.backlog.length, 0);
  }

  /** Types bytes; they wait where the line discipline has no room for them. */
  type(bytes: Uint8Array): void {
    this.backlog.push(bytes);
    this.arrivals += 1;
    this.pump();
  }

  /** Gives the line discipline what waits for it (flush_to_ldisc()). */
  pump(): void {
    while (this.backlog.length > 0) {
      const taken = this.discipline.receive(this.backlog.peek(0, Infinity));
      if (taken === 0) return;
      this.backlog.drop(taken);
    }
  }

  /** Forgets what was typed and has not come to the line discipline (tty_buffer_flush()). */
  dropTyped(): void {
    this.backlog.truncate(0);
  }

  signal(which: number): void {
    this.kill(which === t.VINTR ? SIGINT : which === t.VQUIT ? SIGQUIT : SIGTSTP);
  }

  flushed(output: boolean): void {
    if (output) this.flushOutput();
    this.tellMaster(pkt.TIOCPKT_FLUSHREAD);
  }

  /** Takes back what was shown and has not come to the master's reads (pty_flush_buffer()). */
  flushOutput(): void {
    this.master?.flushBacklog();
    this.tellMaster(pkt.TIOCPKT_FLUSHWRITE);
  }

  flowChanged(stopped: boolean): void {
    if (stopped) this.tellMaster(pkt.TIOCPKT_STOP, pkt.TIOCPKT_START);
    else this.tellMaster(pkt.TIOCPKT_START, pkt.TIOCPKT_STOP);
  }

  /** Notes something for a master in packet mode; it takes the place of `clear`. */
  tellMaster(status: number, clear = 0): void {
    if (this.master?.packet !== true) return;
    this.pktstatus = (this.pktstatus & ~clear) | status;
    this.master.arrivals += 1;
  }

  /** Other settings; a master in packet mode hears of flow control (pty_set_termios()). */
  setTermios(termios: t.Termios): void {
    const old = this.termios;
    this.termios = termios;
    const flows = t.hasUsualFlow(termios);
    if (flows !== t.hasUsualFlow(old)) {
      const both = pkt.TIOCPKT_DOSTOP | pkt.TIOCPKT_NOSTOP;
      this.tellMaster(flows ? pkt.TIOCPKT_DOSTOP : pkt.TIOCPKT_NOSTOP, both);
    }
    if (((old.lflag | termios.lflag) & t.EXTPROC) !== 0) this.tellMaster(pkt.TIOCPKT_IOCTL);
    this.discipline.settingsChanged(old);
  }

  /** Sends a signal to the group in the foreground. */
  kill(signal: number): void {
    killPgrp(this.kernel, this.pgrp, signal);
  }

  /** Another size; the foreground hears of it. */
  resize(size: Winsize): void {
    const { rows, columns, xpixel, ypixel } = this.winsize;
    const same = rows === size.rows && columns === size.columns;
    if (same && xpixel === size.xpixel && ypixel === size.ypixel) return;
    this.winsize = size;
    this.kill(SIGWINCH);
  }

  /** Nobody has it any more: open files on it are good for nothing (__tty_hangup()). */
  hangup(): void {
    for (const { privateData } of this.files) (privateData as TtyFile).hungUp = true;
    signalSessionLeader(this.kernel, this);
    this.pktstatus = 0;
  }
}
