/** Tallest that a browser scrolls well, CSS pixels: Firefox ends at 17 million. */
const TALLEST = 8_000_000;

/**
 * Scrolls through more rows than a browser has pixels for. The scrollbar stands for all rows; wheel, touch
 * and keys move by rows nevertheless: a small step of the scroll position is taken as it is, a large
 * one (the thumb was dragged) as a place among all rows.
 */
export class RowScroll {
  /** Row at the top edge, with a fraction. */
  top = 0;
  /** Told whenever `top` changed. */
  onScroll: () => void = () => {};
  readonly #box: HTMLElement;
  readonly #spacer: HTMLElement;
  readonly #rowHeight: number;
  #rows = 0;
  #lastOffset = 0;
  #settle: ReturnType<typeof setTimeout> | undefined;

  readonly #follow = (): void => {
    const offset = this.#box.scrollTop;
    const by = offset - this.#lastOffset;
    if (by === 0) return;
    this.#lastOffset = offset;
    const exact = this.#last * this.#rowHeight <= TALLEST;
    const small = Math.abs(by) < this.#box.clientHeight * 1.5;
    const ends = offset <= 0 || offset >= this.#room() - 0.5;
    if (exact || !small) this.top = (offset / Math.max(1, this.#room())) * this.#last;
    else this.top = Math.max(0, Math.min(this.top + by / this.#rowHeight, this.#last));
    if (!exact && small) this.#settleLater(ends ? 0 : 150);
    this.onScroll();
  };

  constructor(box: HTMLElement, spacer: HTMLElement, rowHeight: number) {
    this.#box = box;
    this.#spacer = spacer;
    this.#rowHeight = rowHeight;
    box.addEventListener('scroll', this.#follow);
  }

  /** Scrolls no more: another one has the box from now on. */
  close(): void {
    clearTimeout(this.#settle);
    this.#box.removeEventListener('scroll', this.#follow);
    this.onScroll = () => {};
  }

  /** Rows that fit, with a fraction. */
  get visible(): number {
    return this.#box.clientHeight / this.#rowHeight;
  }

  /** The row at the top when the last one is at the bottom. */
  get #last(): number {
    return Math.max(0, this.#rows - this.visible);
  }

  /** How many rows there are from now on. */
  setRows(rows: number): void {
    this.#rows = rows;
    const height = Math.min(rows * this.#rowHeight, TALLEST);
    this.#spacer.style.height = `${Math.max(0, height - this.#box.clientHeight)}px`;
    this.moveTo(this.top);
  }

  /** Shows a row at the top, or as near to it as the end allows. */
  moveTo(row: number): void {
    this.top = Math.max(0, Math.min(row, this.#last));
    this.#alignBar();
    this.onScroll();
  }

  #room(): number {
    return this.#box.scrollHeight - this.#box.clientHeight;
  }

  /** Puts the scrollbar where it belongs. */
  #alignBar(): void {
    const share = this.#last === 0 ? 0 : this.top / this.#last;
    this.#lastOffset = Math.round(share * this.#room());
    if (Math.abs(this.#box.scrollTop - this.#lastOffset) > 0.5)
      this.#box.scrollTop = this.#lastOffset;
    this.#lastOffset = this.#box.scrollTop;
  }

  /** Not while it moves: setting the position would stop a finger's momentum. */
  #settleLater(delay: number): void {
    clearTimeout(this.#settle);
    this.#settle = setTimeout(() => this.#alignBar(), delay);
  }
}
