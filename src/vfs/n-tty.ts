import * as t from './termios.js';

/** Where a line ends without a character: VEOF was typed. */
const END_OF_FILE = -1;
/** Most bytes that wait to be read (N_TTY_BUF_SIZE). */
const CAPACITY = 4095;
const NEWLINE = 10;
const RETURN = 13;
const TAB = 9;
const BACKSPACE = 8;
const NO_CHARACTER = 0;

const isControl = (byte: number): boolean => (byte < 32 && byte !== TAB) || byte === 127;
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
}

/**
 * What happens between the keys and a read, and between a write and the screen (drivers/tty/n_tty.c).
 *
 *     input     | lines that are complete | the line being typed |
 *               0                   complete                input.length
 */
export class LineDiscipline {
  private readonly side: TtySide;
  /** Bytes typed and not read, and END_OF_FILE. */
  private input: number[] = [];
  /** How many of them a read in canonical mode gets. */
  private complete = 0;
  /** VLNEXT was typed: the next character is none but itself. */
  private literal = false;
  /** VSTOP was typed: nothing is shown until VSTART. */
  stopped = false;
  /** Where the cursor is, and where it was when the line began. */
  private column = 0;
  private lineColumn = 0;

  constructor(side: TtySide) {
    this.side = side;
  }

  private on(flag: number): boolean {
    return (this.side.termios.lflag & flag) !== 0;
  }

  /** Whether a byte is the control character `index`. */
  private is(byte: number, index: number): boolean {
    return byte !== NO_CHARACTER && this.side.termios.cc[index] === byte;
  }

  /** Takes bytes that were typed; those that find no room are lost, as at a real terminal. */
  receive(bytes: Uint8Array): void {
    for (const byte of bytes) this.receiveOne(byte);
  }

  private receiveOne(raw: number): void {
    if (this.literal) {
      this.literal = false;
      this.add(raw);
      return;
    }
    const { iflag } = this.side.termios;
    if (this.on(t.ISIG) && this.receiveSignal(raw)) return;
    if ((iflag & t.IXON) !== 0 && this.receiveFlow(raw, iflag)) return;
    if (raw === RETURN && (iflag & t.IGNCR) !== 0) return;
    let byte = raw;
    if (raw === RETURN && (iflag & t.ICRNL) !== 0) byte = NEWLINE;
    else if (raw === NEWLINE && (iflag & t.INLCR) !== 0) byte = RETURN;
    if (this.on(t.ICANON)) this.receiveCanonical(byte);
    else this.add(byte);
  }

  private receiveSignal(byte: number): boolean {
    const which = ([t.VINTR, t.VQUIT, t.VSUSP] as const).find((index) => this.is(byte, index));
    if (which === undefined) return false;
    if (!this.on(t.NOFLSH)) this.flush();
    this.stopped = false;
    if (this.on(t.ECHO)) this.echo(byte);
    this.side.signal(which);
    return true;
  }

  private receiveFlow(byte: number, iflag: number): boolean {
    if (this.is(byte, t.VSTOP)) {
      this.stopped = true;
      return true;
    }
    const start = this.is(byte, t.VSTART);
    if (start || (iflag & t.IXANY) !== 0) this.stopped = false;
    return start;
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
    this.input.push(byte);
    this.complete = this.input.length;
  }

  private add(byte: number): void {
    if (this.input.length >= CAPACITY) return;
    if (this.input.length === this.complete) this.lineColumn = this.column;
    if (this.on(t.ECHO)) this.echo(byte);
    this.input.push(byte);
    if (!this.on(t.ICANON)) this.complete = this.input.length;
  }

  private echo(byte: number): void {
    const caret = this.on(t.ECHOCTL) && isControl(byte) && byte !== NEWLINE;
    this.show(caret ? `^${String.fromCharCode(byte ^ 0x40)}` : String.fromCharCode(byte));
  }

  /** Shows Latin-1 text, each character a byte. */
  private show(text: string): void {
    this.side.display(this.process(Uint8Array.from(text, (c) => c.charCodeAt(0))));
  }

  private erase(what: 'char' | 'word' | 'line'): void {
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
      else if (!this.isHidden(byte)) column += 1;
    }
    return 8 - (column % 8);
  }

  private isHidden(byte: number): boolean {
    return (this.side.termios.iflag & t.IUTF8) !== 0 && isContinuation(byte);
  }

  /** Bytes as the screen gets them. */
  process(bytes: Uint8Array): Uint8Array {
    const { oflag } = this.side.termios;
    const post = (oflag & t.OPOST) !== 0;
    const out: number[] = [];
    for (const byte of bytes) {
      const newline = byte === NEWLINE || (post && byte === RETURN && (oflag & t.OCRNL) !== 0);
      if (post && newline && (oflag & t.ONLCR) !== 0) out.push(RETURN, NEWLINE);
      else out.push(post && newline ? NEWLINE : byte);
      this.advance(out.at(-1) as number);
    }
    return Uint8Array.from(out);
  }

  private advance(byte: number): void {
    if (byte === NEWLINE || byte === RETURN) this.column = 0;
    else if (byte === TAB) this.column = (this.column | 7) + 1;
    else if (byte === BACKSPACE) this.column = Math.max(this.column - 1, 0);
    else if (!isControl(byte) && !this.isHidden(byte)) this.column += 1;
  }

  /** Bytes a read would get: a line may wait although there are none, at an end of file. */
  get readable(): number {
    if (!this.on(t.ICANON)) return this.input.length;
    return this.input.slice(0, this.complete).filter((byte) => byte !== END_OF_FILE).length;
  }

  /** Whether a read has something to give, or an end of file. */
  get ready(): boolean {
    const { cc } = this.side.termios;
    if (this.on(t.ICANON)) return this.complete > 0;
    const least = cc[t.VMIN] as number;
    return this.input.length >= Math.max(least, 1);
  }

  /** Bytes of one line, or what is there; does not take them. */
  peek(count: number): Uint8Array {
    const bytes: number[] = [];
    for (const byte of this.input) {
      if (bytes.length === count || byte === END_OF_FILE) break;
      if (this.on(t.ICANON) && bytes.length === this.complete) break;
      bytes.push(byte);
      if (this.on(t.ICANON) && this.endsLine(byte)) break;
    }
    return Uint8Array.from(bytes);
  }

  private endsLine(byte: number): boolean {
    return byte === NEWLINE || this.is(byte, t.VEOL) || this.is(byte, t.VEOL2);
  }

  /** Takes bytes that were read, and the end of file behind them. */
  take(count: number): void {
    const last = this.input[count - 1] ?? NO_CHARACTER;
    const lineGoesOn = count === 0 || !this.endsLine(last);
    const ends = this.input[count] === END_OF_FILE && lineGoesOn;
    const taken = count + (ends && this.on(t.ICANON) ? 1 : 0);
    this.input.splice(0, taken);
    this.complete = Math.max(this.complete - taken, 0);
  }

  /** Forgets what was typed and not read. */
  flush(): void {
    this.input = [];
    this.complete = 0;
  }

  /** The settings have changed from `old`: what was typed counts as a line (n_tty_set_termios()). */
  settingsChanged(old: t.Termios): void {
    if (((old.lflag ^ this.side.termios.lflag) & t.ICANON) === 0) return;
    if (!this.on(t.ICANON)) this.input = this.input.filter((byte) => byte !== END_OF_FILE);
    this.complete = this.input.length;
  }
}
