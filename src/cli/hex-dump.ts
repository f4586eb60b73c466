/** Bytes of one line. */
const ROW = 16;

/**
 * Writes bytes as lines of hex and letters, 80 characters wide; lines that repeat the one before
 * become one `*`, as in hexdump(1). Bytes come in pieces of any length.
 */
export class HexDump {
  readonly #line: (text: string) => void;
  readonly #dim: (text: string) => string;
  #address: number;
  #pending: Uint8Array = new Uint8Array(0);
  #last: string | null = null;
  #repeating = false;

  constructor(address: number, line: (text: string) => void, dim = (text: string) => text) {
    this.#address = address;
    this.#line = line;
    this.#dim = dim;
  }

  add(bytes: Uint8Array): void {
    const all = new Uint8Array(this.#pending.length + bytes.length);
    all.set(this.#pending);
    all.set(bytes, this.#pending.length);
    const whole = all.length - (all.length % ROW);
    for (let at = 0; at < whole; at += ROW) this.#row(all.subarray(at, at + ROW));
    this.#pending = all.slice(whole);
  }

  /** Writes what is left; where lines were left out, the address behind them too. */
  end(): void {
    if (this.#pending.length > 0) this.#print(this.#pending);
    else if (this.#repeating) this.#line(this.#dim(this.#where()));
  }

  #row(bytes: Uint8Array): void {
    const key = String.fromCharCode(...bytes);
    if (key === this.#last) {
      if (!this.#repeating) this.#line(this.#dim('*'));
      this.#repeating = true;
      this.#address += ROW;
      return;
    }
    this.#last = key;
    this.#repeating = false;
    this.#print(bytes);
  }

  #print(bytes: Uint8Array): void {
    const digits = [...bytes].map((byte) => byte.toString(16).padStart(2, '0'));
    const half = (from: number): string => digits.slice(from, from + ROW / 2).join(' ');
    const text = [...bytes].map(letter).join('');
    const hex = `${half(0)}  ${half(ROW / 2)}`.trimEnd().padEnd(ROW * 3);
    this.#line(`${this.#dim(this.#where())}  ${hex}  ${text}`);
    this.#address += bytes.length;
  }

  #where(): string {
    return this.#address.toString(16).padStart(12, '0');
  }
}

/** A byte as a letter; everything that is no printable ASCII is a dot. */
export function letter(byte: number): string {
  return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.';
}
