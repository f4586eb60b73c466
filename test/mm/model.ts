import { PAGE_SIZE } from '../../assembly/abi/page.js';

/** Pages of a file, by index; shared by everyone who maps it. */
export interface ModelFile {
  size: number;
  readonly pages: Map<number, Uint8Array>;
}

/** One mapped page of the model. */
interface ModelPage {
  prot: number;
  /** The file and the index in it, for file pages. */
  file: ModelFile | null;
  index: number;
  shared: boolean;
  /** The mapping's own contents, once it has any. */
  own: Uint8Array | null;
}

const READ = 1;
const WRITE = 2;
const ANY = 7;

export type Outcome = 'ok' | 'MAPERR' | 'ACCERR' | 'BUS';

/** The slow model: a Map of pages, each with its protection and contents, and nothing clever. */
export class ModelMm {
  readonly pages = new Map<number, ModelPage>();

  map(
    page: number,
    count: number,
    prot: number,
    shared: boolean,
    file: ModelFile | null,
    index: number,
  ): void {
    for (let i = 0; i < count; i++) {
      this.pages.set(page + i, { prot, file, index: index + i, shared, own: null });
    }
  }

  unmap(page: number, count: number): void {
    for (let i = 0; i < count; i++) this.pages.delete(page + i);
  }

  /** Protects page by page; false at the first hole, with what is below changed. */
  protect(page: number, count: number, prot: number): boolean {
    for (let i = 0; i < count; i++) {
      const at = this.pages.get(page + i);
      if (at === undefined) return false;
      at.prot = prot;
    }
    return true;
  }

  /** MADV_DONTNEED: private contents go. */
  drop(page: number, count: number): void {
    for (let i = 0; i < count; i++) {
      const at = this.pages.get(page + i);
      if (at !== undefined) at.own = null;
    }
  }

  fork(): ModelMm {
    const child = new ModelMm();
    for (const [page, at] of this.pages) {
      child.pages.set(page, { ...at, own: at.own === null ? null : at.own.slice() });
    }
    return child;
  }

  private beyondEnd(at: ModelPage): boolean {
    return at.file !== null && at.own === null && at.index * PAGE_SIZE >= at.file.size;
  }

  /** The bytes behind a page, to be read or, with `write`, to be changed. */
  private contents(at: ModelPage, write: boolean): Uint8Array {
    if (at.own !== null) return at.own;
    const zeros = (): Uint8Array => new Uint8Array(PAGE_SIZE);
    if (at.file === null) {
      const fresh = zeros();
      if (write) at.own = fresh;
      return fresh;
    }
    let bytes = at.file.pages.get(at.index);
    if (bytes === undefined) {
      bytes = zeros();
      at.file.pages.set(at.index, bytes);
    }
    if (!write || at.shared) return bytes;
    at.own = bytes.slice();
    return at.own;
  }

  /** One byte by the CPU; `value` null loads. */
  cpu(addr: number, value: number | null): { outcome: Outcome; value: number } {
    const at = this.pages.get(Math.floor(addr / PAGE_SIZE));
    if (at === undefined) return { outcome: 'MAPERR', value: 0 };
    if (!(at.prot & (value === null ? ANY : WRITE))) return { outcome: 'ACCERR', value: 0 };
    if (this.beyondEnd(at)) return { outcome: 'BUS', value: 0 };
    const bytes = this.contents(at, value !== null);
    if (value !== null) bytes[addr % PAGE_SIZE] = value;
    return { outcome: 'ok', value: bytes[addr % PAGE_SIZE] as number };
  }

  /** One byte from outside, with FOLL_FORCE or without; null where the access is refused. */
  remote(addr: number, value: number | null, force: boolean): number | null {
    const at = this.pages.get(Math.floor(addr / PAGE_SIZE));
    if (at === undefined || this.beyondEnd(at)) return null;
    const allowed = (at.prot & (value === null ? READ : WRITE)) !== 0;
    if (!allowed && (!force || (value !== null && at.shared))) return null;
    const bytes = this.contents(at, value !== null);
    if (value !== null) bytes[addr % PAGE_SIZE] = value;
    return bytes[addr % PAGE_SIZE] as number;
  }

  /** Drops what truncation of `file` takes away, private copies included. */
  truncated(file: ModelFile): void {
    for (const at of this.pages.values()) {
      if (at.file === file && at.index * PAGE_SIZE >= file.size) at.own = null;
    }
  }
}

/** Sets the size of a file and zeroes what falls off its end. */
export function truncateModel(file: ModelFile, size: number): void {
  if (size < file.size) {
    for (const [index, bytes] of file.pages) {
      const start = index * PAGE_SIZE;
      if (start >= size) file.pages.delete(index);
      else if (start + PAGE_SIZE > size) bytes.fill(0, size - start);
    }
  }
  file.size = size;
}
