import { OutputProcessor } from './n-tty-output.js';
import * as t from './termios.js';

/** Where a line ends: with its last character, or without one where VEOF was typed. */
const LINE_END = 0x100;
const END_OF_FILE = LINE_END;
/** Most bytes that wait to be read (N_TTY_BUF_SIZE), the last of them only for the end of a line. */
const CAPACITY = 4096;
/** Echoes are shown at the latest when they are so many bytes. */
const ECHO_BLOCK = 256;
const NEWLINE = 10;
const RETURN = 13;
const TAB = 9;
const NO_CHARACTER = 0;

const isControl = (byte: number): boolean => byte < 32 || byte === 127;
const isContinuation = (byte: number): boolean => (byte & 0xc0) === 0x80;
const isWord = (byte: number): boolean =>
  byte === 95 || /[0-9A-Za-z]/.test(String.fromCharCode(byte));

/** What a line discipline does to the terminal around it. */
export interface TtySide {
  readonly termios: t.Termios;
  /** Bytes for whoever looks at the terminal. */
  display(bytes: Uint8Array): void;
  /** A character that is a signal was typed: VINTR, VQUIT or VSUSP. */
  signal(which: typeof t.VINTR | typeof t.VQUIT | typeof t.VSUSP): void;
  /** What was typed and not read is thrown away; with `output`, what was shown and not seen as well. */
  flushed(output: boolean): void;
  /** Output is stopped, or goes on. */
  flowChanged(stopped: boolean): void;
}

/**
 * What happens between the keys and a read, and between a write and the screen (drivers/tty/n_tty.c).
 *
 *     input     | lines that are complete | the line being typed |
 *               0                   complete                input.length
 */
export class LineDiscipline {
  private readonly side: TtySide;
  /** Bytes typed and not read; with LINE_END the last of a line. */
  private input: number[] = [];
  /** How many of them a read in canonical mode gets. */
  private complete = 0;
  /** VLNEXT was typed: the next character is none but itself. */
  private literal = false;
  /** VSTOP was typed, or somebody asked for it: nothing is shown until VSTART. */
  stopped = false;
  /** Somebody asked for it: only a call lets output go on (flow.tco_stopped). */
  private held = false;
  /** Echoes that are shown when what came with them is done, or output goes on; and the column before them. */
  private pendingEcho: number[] = [];
  private echoColumn = 0;
  /** Where the cursor was when the line began. */
  private lineColumn = 0;
  private readonly output = new OutputProcessor();

  constructor(side: TtySide) {
    this.side = side;
  }

  private on(flag: number): boolean {
    return (this.side.termios.lflag & flag) !== 0;
  }

  /** Whether reads get lines. */
  private get canonical(): boolean {
    return this.on(t.ICANON) && !this.on(t.EXTPROC);
  }

  /** Whether a byte is the control character `index`. */
  private is(byte: number, index: number): boolean {
    return byte !== NO_CHARACTER && this.side.termios.cc[index] === byte;
  }

  /**
   * Takes bytes that were typed, and says how many found room. A line that is too long loses what is beyond,
   * and still ends (n_tty_receive_buf_common()).
   */
  receive(bytes: Uint8Array): number {
    for (const [i, byte] of bytes.entries()) {
      const room = CAPACITY - 1 - this.input.length;
      if (room <= 0) {
        if (!this.on(t.ICANON) || this.complete > 0) {
          this.showEcho();
          return i;
        }
        if (room < 0) this.input.pop();
      }
      this.receiveOne(byte);
    }
    this.showEcho();
    return bytes.length;
  }

  private receiveOne(raw: number): void {
    const { iflag } = this.side.termios;
    let byte = (iflag & t.ISTRIP) !== 0 ? raw & 0x7f : raw;
    if ((iflag & t.IUCLC) !== 0 && this.on(t.IEXTEN) && byte >= 65 && byte <= 90) byte += 32;
    if (this.on(t.EXTPROC)) {
      this.input.push(byte);
      return;
    }
    if (this.literal) {
      this.literal = false;
      this.add(byte);
      return;
    }
    if ((iflag & t.IXON) !== 0 && this.receiveFlow(byte)) return;
    if (this.on(t.ISIG) && this.receiveSignal(byte)) return;
    if (this.stopped && !this.held && (iflag & t.IXON) !== 0 && (iflag & t.IXANY) !== 0) {
      this.start();
    }
    if (byte === RETURN && (iflag & t.IGNCR) !== 0) return;
    if (byte === RETURN && (iflag & t.ICRNL) !== 0) byte = NEWLINE;
    else if (byte === NEWLINE && (iflag & t.INLCR) !== 0) byte = RETURN;
    if (this.on(t.ICANON)) this.receiveCanonical(byte);
    else this.add(byte, raw === RETURN);
  }

  private receiveSignal(byte: number): boolean {
    const which = ([t.VINTR, t.VQUIT, t.VSUSP] as const).find((index) => this.is(byte, index));
    if (which === undefined) return false;
    this.side.signal(which);
    if (!this.on(t.NOFLSH)) {
      this.forgetEcho();
      this.discard(true);
    }
    if ((this.side.termios.iflag & t.IXON) !== 0) this.start();
    if (this.on(t.ECHO)) this.echo(byte);
    return true;
  }

  private receiveFlow(byte: number): boolean {
    if (this.is(byte, t.VSTART)) this.start();
    else if (this.is(byte, t.VSTOP)) this.stop();
    else return false;
    return true;
  }

  /** Holds output back (stop_tty()); `byCall`: until a call lets it go on. */
  stop(byCall = false): void {
    if (byCall) this.held = true;
    if (this.stopped) return;
    this.stopped = true;
    this.side.flowChanged(true);
  }

  /** Lets output go on (start_tty()). */
  start(byCall = false): void {
    if (byCall) this.held = false;
    if (!this.stopped || this.held) return;
    this.stopped = false;
    this.side.flowChanged(false);
    this.showEcho();
  }

  private receiveCanonical(byte: number): void {
    const extended = this.on(t.IEXTEN);
    if (this.is(byte, t.VERASE)) this.erase('char');
    else if (this.is(byte, t.VKILL)) this.erase('line');
    else if (extended && this.is(byte, t.VWERASE)) this.erase('word');
    else if (extended && this.is(byte, t.VLNEXT)) this.beginLiteral();
    else if (extended && this.on(t.ECHO) && this.is(byte, t.VREPRINT)) this.reprint(byte);
    else if (byte === NEWLINE) this.endLine(byte, this.on(t.ECHO) || this.on(t.ECHONL));
    else if (this.is(byte, t.VEOF)) this.endLine(END_OF_FILE, false);
    else if (this.is(byte, t.VEOL) || (extended && this.is(byte, t.VEOL2))) {
      this.endLine(byte, this.on(t.ECHO));
    } else this.add(byte);
  }

  private beginLiteral(): void {
    this.literal = true;
    if (this.on(t.ECHO) && this.on(t.ECHOCTL)) this.show('^\b');
  }

  private reprint(byte: number): void {
    this.echo(byte);
    this.show('\n');
    for (const each of this.input.slice(this.complete)) this.echo(each);
  }

  private endLine(byte: number, echoes: boolean): void {
    if (echoes) this.echo(byte);
    this.input.push(byte | LINE_END);
    this.complete = this.input.length;
  }

  /** @param special it is no key of its own: a return became a newline */
  private add(byte: number, special = false): void {
    if (this.input.length === this.complete) this.lineColumn = this.output.column;
    if (this.on(t.ECHO)) this.echo(byte, special);
    this.input.push(byte);
  }

  /** @param newline whether a newline is shown as such, and not as ^J */
  private echo(byte: number, newline = true): void {
    const plain = (byte === NEWLINE && newline) || byte === TAB;
    const caret = this.on(t.ECHOCTL) && isControl(byte) && !plain;
    this.show(caret ? `^${String.fromCharCode(byte ^ 0x40)}` : String.fromCharCode(byte));
  }

  /** Shows Latin-1 text, each character a byte. */
  private show(text: string): void {
    const bytes = Uint8Array.from(text, (c) => c.charCodeAt(0));
    if (this.pendingEcho.length === 0) this.echoColumn = this.output.column;
    this.pendingEcho.push(...this.process(bytes).out);
    if (this.pendingEcho.length >= ECHO_BLOCK) this.showEcho();
  }

  /** Shows what was echoed, unless output is stopped (process_echoes()). */
  private showEcho(): void {
    if (this.stopped || this.pendingEcho.length === 0) return;
    const bytes = Uint8Array.from(this.pendingEcho);
    this.pendingEcho = [];
    this.side.display(bytes);
  }

  private forgetEcho(): void {
    if (this.pendingEcho.length > 0) this.output.column = this.echoColumn;
    this.pendingEcho = [];
  }

  private erase(what: 'char' | 'word' | 'line'): void {
    // Nothing to erase, nothing to show.
    if (this.input.length === this.complete) return;
    if (what === 'line' && !(this.on(t.ECHO) && this.on(t.ECHOE) && this.on(t.ECHOKE))) {
      this.input.length = this.complete;
      if (!this.on(t.ECHO)) return;
      this.echo(this.side.termios.cc[t.VKILL] as number);
      if (this.on(t.ECHOK)) this.show('\n');
      return;
    }
    let seenWord = false;
    while (this.input.length > this.complete) {
      const byte = this.lastCharacter();
      if (what === 'word') {
        if (isWord(byte[0] as number)) seenWord = true;
        else if (seenWord) break;
      }
      this.input.length -= byte.length;
      if (this.on(t.ECHO)) this.echoErase(byte[0] as number);
      if (what === 'char') break;
    }
  }

  /** The bytes of the last character typed: several in UTF-8. */
  private lastCharacter(): number[] {
    const { input } = this;
    let start = input.length - 1;
    if ((this.side.termios.iflag & t.IUTF8) !== 0) {
      while (start > this.complete && isContinuation(input[start] as number)) start -= 1;
    }
    return input.slice(start);
  }

  private echoErase(byte: number): void {
    if (!this.on(t.ECHOE)) {
      this.echo(this.side.termios.cc[t.VERASE] as number);
      return;
    }
    if (byte === TAB) {
      this.show('\b'.repeat(this.tabWidth()));
      return;
    }
    const width = isControl(byte) ? (this.on(t.ECHOCTL) ? 2 : 0) : 1;
    this.show('\b \b'.repeat(width));
  }

  /** Columns that a tab behind what is typed takes. */
  private tabWidth(): number {
    let column = this.lineColumn;
    for (const byte of this.input.slice(this.complete)) {
      if (byte === TAB) column = (column | 7) + 1;
      else if (isControl(byte)) column += this.on(t.ECHOCTL) ? 2 : 0;
      else if ((this.side.termios.iflag & t.IUTF8) === 0 || !isContinuation(byte)) column += 1;
    }
    return 8 - (column % 8);
  }

  /** The first bytes of a write as the screen gets them, no more than `room`; `taken` says how many they were. */
  process(bytes: Uint8Array, room = Infinity): { out: Uint8Array; taken: number } {
    return this.output.process(this.side.termios, bytes, room);
  }

  /** Bytes a read would get: a line may wait although there are none, at an end of file. */
  get readable(): number {
    if (!this.canonical) return this.input.length;
    return this.input.slice(0, this.complete).filter((byte) => byte !== END_OF_FILE).length;
  }

  /** Whether a read has something to give, or an end of file. */
  get available(): boolean {
    return this.canonical ? this.complete > 0 : this.input.length > 0;
  }

  /** Whether a poll finds a read ready: VMIN bytes, where no time is set for less. */
  get ready(): boolean {
    const { cc } = this.side.termios;
    if (this.canonical) return this.complete > 0;
    const least = cc[t.VTIME] === 0 ? (cc[t.VMIN] as number) : 0;
    return this.input.length >= Math.max(least, 1);
  }

  /** Bytes of one line, or what is there; does not take them. */
  peek(count: number): Uint8Array {
    if (!this.canonical) return Uint8Array.from(this.input.slice(0, count));
    const bytes: number[] = [];
    for (const byte of this.input.slice(0, Math.min(count, this.complete))) {
      if (byte !== END_OF_FILE) bytes.push(byte);
      if (byte >= LINE_END) break;
    }
    return Uint8Array.from(bytes);
  }

  /** Takes bytes that were read, and the end of file behind them. */
  take(count: number): void {
    const lineGoesOn = count === 0 || (this.input[count - 1] as number) < LINE_END;
    const ends = this.canonical && this.input[count] === END_OF_FILE && lineGoesOn;
    const taken = count + (ends ? 1 : 0);
    this.input.splice(0, taken);
    this.complete = Math.max(this.complete - taken, 0);
  }

  /** Forgets what was typed and not read. */
  flush(): void {
    this.discard(false);
  }

  private discard(output: boolean): void {
    this.input = [];
    this.complete = 0;
    this.side.flushed(output);
  }

  /** The settings have changed from `old`: what was typed counts as a line (n_tty_set_termios()). */
  settingsChanged(old: t.Termios): void {
    const now = this.side.termios;
    if (((old.lflag ^ now.lflag) & (t.ICANON | t.EXTPROC)) !== 0) {
      this.input = this.input.map((byte) => byte & 0xff);
      this.complete = this.on(t.ICANON) ? this.input.length : 0;
      if (this.complete > 0) this.input[this.complete - 1]! |= LINE_END;
      this.literal = false;
    }
    if ((now.iflag & t.IXON) === 0 && (old.iflag & t.IXON) !== 0) this.start();
  }
}
