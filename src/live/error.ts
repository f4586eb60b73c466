/** What is wrong with a file of /proc, or with reading it, in one line: the file, the offset, the fact. */
export class ProcError extends Error {
  override readonly name = 'ProcError';
  /** The file's path. */
  readonly file: string;
  /** Byte offset in the file of what is wrong. */
  readonly offset: number;
  readonly what: string;

  constructor(file: string, offset: number, what: string) {
    super(`${file}: offset 0x${offset.toString(16)}: ${what}`);
    this.file = file;
    this.offset = offset;
    this.what = what;
  }
}
