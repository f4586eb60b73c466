import type { HostFile } from './host-directory.js';

/** Bytes read from the host at a time, for the pages that follow. */
const WINDOW_BYTES = 64 * 1024;
/** Windows of all files together: a program goes back and forth between the code and the data of its libraries. */
const WINDOWS = 64;

/** A file that is read through windows. */
interface WindowedFile {
  /** Bytes. */
  readonly size: number;
}

/** Files that are kept open: a program has so many libraries, and a process so many descriptors to spare. */
const OPEN_FILES = 16;

interface Window {
  readonly file: WindowedFile;
  /** Where in the file it begins. */
  readonly start: number;
  readonly buffer: Uint8Array;
  /** Bytes of the buffer that the host had. */
  readonly length: number;
}

/** What was read of files of the host around the pages asked for, the last used first. */
export class ReadAhead {
  private readonly windows: Window[] = [];
  /** The host's open files, the last used last. */
  private readonly files = new Map<WindowedFile, HostFile>();

  /**
   * The bytes of a file from `pos` on, fewer than `length` where the host has no more; `length` does not cross
   * a page.
   *
   * @param open opens the host's file, which stays open for what follows
   * @throws what `open` and the host's file throw
   */
  bytes(file: WindowedFile, pos: number, length: number, open: () => HostFile): Uint8Array {
    const start = pos - (pos % WINDOW_BYTES);
    const { buffer, length: had } = this.found(file, start) ?? this.load(file, start, open);
    return buffer.subarray(pos - start, Math.min(pos - start + length, had));
  }

  /** The file changes or is no longer needed. */
  forget(file: WindowedFile): void {
    for (let i = this.windows.length - 1; i >= 0; i--) {
      if (this.windows[i]?.file === file) this.windows.splice(i, 1);
    }
    this.close(file);
  }

  private close(file: WindowedFile): void {
    const open = this.files.get(file);
    this.files.delete(file);
    open?.close();
  }

  private opened(file: WindowedFile, open: () => HostFile): HostFile {
    const { files } = this;
    const known = files.get(file) ?? open();
    files.delete(file);
    files.set(file, known);
    for (const oldest of files.keys()) {
      if (files.size <= OPEN_FILES) break;
      this.close(oldest);
    }
    return known;
  }

  private found(file: WindowedFile, start: number): Window | null {
    const { windows } = this;
    for (let i = 0; i < windows.length; i++) {
      const window = windows[i] as Window;
      if (window.start !== start || window.file !== file) continue;
      if (i > 0) {
        windows.copyWithin(1, 0, i);
        windows[0] = window;
      }
      return window;
    }
    return null;
  }

  private load(file: WindowedFile, start: number, open: () => HostFile): Window {
    const { windows } = this;
    // The memory of the window that was not used for longest.
    const buffer =
      (windows.length >= WINDOWS ? windows.pop()?.buffer : null) ?? new Uint8Array(WINDOW_BYTES);
    const into = buffer.subarray(0, Math.min(file.size - start, WINDOW_BYTES));
    const length = this.opened(file, open).read(start, into);
    const window = { file, start, buffer, length };
    windows.unshift(window);
    return window;
  }
}
