/** Settings of a terminal: include/uapi/asm-generic/termbits.h. */

export const ISTRIP = 0o40;
export const INLCR = 0o100;
export const IGNCR = 0o200;
export const ICRNL = 0o400;
export const IUCLC = 0o1000;
export const IXON = 0o2000;
export const IXANY = 0o4000;
export const IUTF8 = 0o40000;

export const OPOST = 0o1;
export const OLCUC = 0o2;
export const ONLCR = 0o4;
export const OCRNL = 0o10;
export const ONOCR = 0o20;
export const ONLRET = 0o40;
export const TABDLY = 0o14000;
/** Tabs become spaces: XTABS is TAB3. */
export const XTABS = TABDLY;

const CSIZE = 0o60;
const CS8 = 0o60;
const CREAD = 0o200;
const PARENB = 0o400;
const B38400 = 0o17;
/** A speed: a place in BAUD_RATES; BOTHER is one that is a number of its own. */
const CBAUD = 0o10017;
const CBAUDEX = 0o10000;
const BOTHER = CBAUDEX;
/** Where the bits of the input's speed begin. */
const IBSHIFT = 16;
/** drivers/tty/tty_baudrate.c baud_table; those from 15 on have CBAUDEX. */
const BAUD_RATES = [
  0, 50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400, 4800, 9600, 19200, 38400, 57600,
  115200, 230400, 460800, 500000, 576000, 921600, 1000000, 1152000, 1500000, 2000000, 2500000,
  3000000, 3500000, 4000000,
];

export const ISIG = 0o1;
export const ICANON = 0o2;
export const ECHO = 0o10;
export const ECHOE = 0o20;
export const ECHOK = 0o40;
export const ECHONL = 0o100;
export const NOFLSH = 0o200;
export const TOSTOP = 0o400;
export const ECHOCTL = 0o1000;
export const ECHOKE = 0o4000;
export const IEXTEN = 0o100000;
export const EXTPROC = 0o200000;

export const VINTR = 0;
export const VQUIT = 1;
export const VERASE = 2;
export const VKILL = 3;
export const VEOF = 4;
export const VTIME = 5;
export const VMIN = 6;
export const VSTART = 8;
export const VSTOP = 9;
export const VSUSP = 10;
export const VEOL = 11;
export const VREPRINT = 12;
export const VWERASE = 14;
export const VLNEXT = 15;
export const VEOL2 = 16;
/** Control characters of a terminal. */
const NCCS = 19;

/** Bytes of struct termios, and of struct termios2, which has two speeds behind it. */
export const TERMIOS_SIZE = 36;
export const TERMIOS2_SIZE = 44;
/** Bits a second of B38400. */
const SPEED = 38400;

/** The settings of one terminal (struct ktermios). */
export interface Termios {
  iflag: number;
  oflag: number;
  cflag: number;
  lflag: number;
  line: number;
  /** Control characters, by V*; 0 is none. */
  cc: Uint8Array;
  ispeed: number;
  ospeed: number;
}

/** A new terminal's (drivers/tty/tty_io.c, tty_std_termios; INIT_C_CC). */
export function stdTermios(): Termios {
  const cc = new Uint8Array(NCCS);
  cc.set([3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0]);
  return {
    iflag: ICRNL | IXON,
    oflag: OPOST | ONLCR,
    cflag: B38400 | CS8 | CREAD,
    lflag: ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
    line: 0,
    cc,
    ispeed: SPEED,
    ospeed: SPEED,
  };
}

/**
 * As user space reads it.
 *
 *     0       4       8       12      16     17        36      40
 *     | iflag | oflag | cflag | lflag | line | cc [19] | ispeed | ospeed |
 */
export function encodeTermios(termios: Termios, size: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(TERMIOS2_SIZE));
  view.setUint32(0, termios.iflag, true);
  view.setUint32(4, termios.oflag, true);
  view.setUint32(8, termios.cflag, true);
  view.setUint32(12, termios.lflag, true);
  view.setUint8(16, termios.line);
  const bytes = new Uint8Array(view.buffer);
  bytes.set(termios.cc, 17);
  view.setUint32(36, termios.ispeed, true);
  view.setUint32(40, termios.ospeed, true);
  return bytes.subarray(0, size);
}

/** Whether ^S and ^Q stop output and let it go on, as a master in packet mode is told. */
export function hasUsualFlow({ iflag, cc }: Termios): boolean {
  return (iflag & IXON) !== 0 && cc[VSTOP] === 0o23 && cc[VSTART] === 0o21;
}

/** A speed in bits a second; `other` where the bits do not name one. */
function baudRate(bits: number, other: number): number {
  const cbaud = bits & CBAUD;
  if (cbaud === BOTHER) return other;
  const index = (cbaud & CBAUDEX) === 0 ? cbaud : (cbaud & ~CBAUDEX) + 15;
  return BAUD_RATES[index] ?? 0;
}

/**
 * The settings that user space wrote; a struct without speeds has them in its flags. Pseudo terminals have
 * bytes of eight bits.
 * @see drivers/tty/tty_ioctl.c set_termios(), drivers/tty/pty.c pty_set_termios()
 */
export function decodeTermios(bytes: Uint8Array, old: Termios): Termios {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const speeds = bytes.length >= TERMIOS2_SIZE;
  const cflag = view.getUint32(8, true);
  const ospeed = baudRate(cflag, speeds ? view.getUint32(40, true) : old.ospeed);
  const inputBits = cflag >>> IBSHIFT;
  return {
    iflag: view.getUint32(0, true),
    oflag: view.getUint32(4, true),
    cflag: (cflag & ~(CSIZE | PARENB)) | CS8 | CREAD,
    lflag: view.getUint32(12, true),
    line: view.getUint8(16),
    cc: bytes.slice(17, TERMIOS_SIZE),
    ispeed:
      (inputBits & CBAUD) === 0
        ? ospeed
        : baudRate(inputBits, speeds ? view.getUint32(36, true) : old.ispeed),
    ospeed,
  };
}
