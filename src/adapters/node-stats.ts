import type { FileStat } from '../vfs/file-stat.js';

const S_IFMT = 0o170000;

/** What Node's fs.Stats tells. Times are those of the machine. */
export class NodeStats {
  readonly dev: number;
  readonly ino: number;
  readonly mode: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  readonly rdev: number;
  readonly size: number;
  readonly blksize: number;
  readonly blocks: number;
  readonly atimeMs: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly birthtimeMs: number;

  constructor(file: FileStat) {
    this.dev = file.dev;
    this.ino = file.ino;
    this.mode = file.mode;
    this.nlink = file.nlink;
    this.uid = file.uid;
    this.gid = file.gid;
    this.rdev = file.rdev;
    this.size = file.size;
    this.blksize = file.blksize;
    this.blocks = file.blocks;
    this.atimeMs = file.atime;
    this.mtimeMs = file.mtime;
    this.ctimeMs = file.ctime;
    this.birthtimeMs = file.ctime;
  }

  get atime(): Date {
    return new Date(this.atimeMs);
  }

  get mtime(): Date {
    return new Date(this.mtimeMs);
  }

  get ctime(): Date {
    return new Date(this.ctimeMs);
  }

  get birthtime(): Date {
    return new Date(this.birthtimeMs);
  }

  isFile(): boolean {
    return this.#is(0o100000);
  }

  isDirectory(): boolean {
    return this.#is(0o040000);
  }

  isSymbolicLink(): boolean {
    return this.#is(0o120000);
  }

  isCharacterDevice(): boolean {
    return this.#is(0o020000);
  }

  isBlockDevice(): boolean {
    return this.#is(0o060000);
  }

  isFIFO(): boolean {
    return this.#is(0o010000);
  }

  isSocket(): boolean {
    return this.#is(0o140000);
  }

  #is(type: number): boolean {
    return (this.mode & S_IFMT) === type;
  }
}
