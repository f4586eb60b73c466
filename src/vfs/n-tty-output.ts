import * as t from './termios.js';

const NEWLINE = 10;
const RETURN = 13;
const TAB = 9;
const BACKSPACE = 8;

/** What happens to bytes on their way to the screen, and where the cursor is (n_tty.c do_output_char()). */
export class OutputProcessor {
  column = 0;

  /** The first bytes as the screen gets them, no more than `room`; `taken` says how many they were. */
  process(termios: t.Termios, bytes: Uint8Array, room: number): { out: Uint8Array; taken: number } {
    if ((termios.oflag & t.OPOST) === 0) {
      const out = bytes.subarray(0, room);
      return { out, taken: out.length };
    }
    const out: number[] = [];
    let taken = 0;
    for (const byte of bytes) {
      const before = this.column;
      const shown = this.one(termios, byte);
      if (out.length + shown.length > room) {
        this.column = before;
        break;
      }
      out.push(...shown);
      taken += 1;
    }
    return { out: Uint8Array.from(out), taken };
  }

  /** One byte as the screen gets it; moves the cursor. */
  private one(termios: t.Termios, byte: number): readonly number[] {
    const { oflag } = termios;
    if (byte === NEWLINE) {
      if ((oflag & (t.ONLRET | t.ONLCR)) !== 0) this.column = 0;
      return (oflag & t.ONLCR) !== 0 ? [RETURN, NEWLINE] : [NEWLINE];
    }
    if (byte === RETURN) return this.carriageReturn(oflag);
    if (byte === TAB) {
      const spaces = 8 - (this.column & 7);
      this.column += spaces;
      return (oflag & t.TABDLY) === t.XTABS ? Array<number>(spaces).fill(32) : [TAB];
    }
    if (byte === BACKSPACE) {
      this.column = Math.max(this.column - 1, 0);
      return [byte];
    }
    if (byte < 32 || byte === 127) return [byte];
    const hidden = (termios.iflag & t.IUTF8) !== 0 && (byte & 0xc0) === 0x80;
    if (!hidden) this.column += 1;
    return [(oflag & t.OLCUC) !== 0 && byte >= 97 && byte <= 122 ? byte - 32 : byte];
  }

  private carriageReturn(oflag: number): readonly number[] {
    if ((oflag & t.ONOCR) !== 0 && this.column === 0) return [];
    if ((oflag & t.OCRNL) === 0) {
      this.column = 0;
      return [RETURN];
    }
    if ((oflag & t.ONLRET) !== 0) this.column = 0;
    return [NEWLINE];
  }
}
