import type { ByteStore } from './byte-store.js';

/** Height of a row, CSS pixels; the same in style/panels-hex.css. */
export const ROW_HEIGHT = 22;

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
const TEXT = Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·',
);

/** What a cell looks like: zeros are faint, letters strong. */
function lookOf(byte: number): string {
  if (byte === -1) return 'waits';
  if (byte === -2) return 'lost';
  if (byte === 0) return 'zero';
  return byte >= 0x20 && byte < 0x7f ? 'text' : 'byte';
}

class Cell {
  readonly element: HTMLElement;
  readonly #text: Text;
  #shown = -9;
  #look = '';

  constructor(column: number) {
    this.element = document.createElement('span');
    this.element.setAttribute('role', 'gridcell');
    this.element.setAttribute('aria-colindex', String(column + 2));
    this.#text = document.createTextNode('');
    this.element.append(this.#text);
  }

  /** @param look besides that of the byte: cursor, value, changed */
  show(byte: number, look: string): void {
    if (byte === this.#shown && look === this.#look) return;
    if (byte !== this.#shown)
      this.#text.data = byte === -1 ? '  ' : byte === -2 ? '??' : (HEX[byte] ?? '');
    this.#shown = byte;
    this.#look = look;
    this.element.className = `${lookOf(byte)}${look}`;
  }
}

/** One row: address, bytes, and the same as text. It is used again for whatever row comes into view. */
class Row {
  readonly element = document.createElement('div');
  readonly cells: readonly Cell[];
  readonly #address = document.createElement('span');
  readonly #text = document.createElement('span');

  constructor(columns: number) {
    this.element.className = 'hex-row';
    this.element.setAttribute('role', 'row');
    this.#address.setAttribute('role', 'rowheader');
    this.#address.className = 'hex-address';
    this.#text.setAttribute('role', 'gridcell');
    this.#text.className = 'hex-text';
    this.#text.setAttribute('aria-colindex', String(columns + 2));
    this.cells = Array.from({ length: columns }, (_, column) => new Cell(column));
    this.element.append(this.#address, ...this.cells.map(({ element }) => element), this.#text);
  }

  show(
    addr: number,
    index: number,
    store: ByteStore,
    look: (addr: number) => string,
    end: number,
  ): void {
    const address = addr.toString(16).padStart(12, '0');
    if (this.#address.textContent !== address) {
      this.#address.textContent = address;
      this.element.setAttribute('aria-rowindex', String(index + 1));
    }
    let text = '';
    this.cells.forEach((cell, i) => {
      const byte = addr + i < end ? store.at(addr + i) : -1;
      cell.show(byte, look(addr + i));
      text += byte < 0 ? ' ' : TEXT[byte];
    });
    const error = store.errorAt(addr);
    const shown = error === '' ? text : this.cells.length < 16 ? error : `${error}: cannot be read`;
    if (this.#text.textContent !== shown) this.#text.textContent = shown;
    this.element.classList.toggle('hex-lost', error !== '');
  }
}

/** The rows in the page: as many as fit, moved and filled anew as the view scrolls. */
export class HexRows {
  readonly #sheet: HTMLElement;
  readonly #columns: number;
  #rows: Row[] = [];

  constructor(sheet: HTMLElement, columns: number) {
    this.#sheet = sheet;
    this.#columns = columns;
    sheet.replaceChildren();
  }

  /** Shows memory from a row on. `top` may have a fraction; rows begin at `start`. */
  draw(view: {
    readonly start: number;
    readonly end: number;
    readonly top: number;
    readonly visible: number;
    readonly store: ByteStore;
    look(addr: number): string;
  }): void {
    const { start, end, top, store } = view;
    const first = Math.floor(top);
    const total = Math.ceil((end - start) / this.#columns);
    const count = Math.min(Math.ceil(view.visible) + 1, total - first);
    this.#setCount(Math.max(0, count));
    const shift = -(top - first) * ROW_HEIGHT;
    this.#sheet.style.transform = `translateY(${shift}px)`;
    store.want(start + first * this.#columns, start + (first + count) * this.#columns);
    this.#rows.forEach((row, i) => {
      row.show(start + (first + i) * this.#columns, first + i, store, view.look, end);
    });
  }

  /** The id of the cell of an address, for aria-activedescendant: given to whatever cell it is now. */
  markCursor(start: number, top: number, cursor: number): boolean {
    for (const row of this.#rows) {
      for (const cell of row.cells) {
        if (cell.element.id !== '') cell.element.removeAttribute('id');
      }
    }
    const index = Math.floor((cursor - start) / this.#columns) - Math.floor(top);
    const cell = this.#rows[index]?.cells[(cursor - start) % this.#columns];
    if (cell === undefined) return false;
    cell.element.id = 'hex-cursor';
    return true;
  }

  /** The byte at a place of the page; null beside the bytes. */
  hit(target: EventTarget | null, start: number, top: number): number | null {
    for (const [i, row] of this.#rows.entries()) {
      const column = row.cells.findIndex(({ element }) => element === target);
      if (column >= 0) return start + (Math.floor(top) + i) * this.#columns + column;
    }
    return null;
  }

  #setCount(count: number): void {
    while (this.#rows.length < count) {
      const row = new Row(this.#columns);
      this.#rows.push(row);
      this.#sheet.append(row.element);
    }
    while (this.#rows.length > count) this.#rows.pop()?.element.remove();
  }
}
