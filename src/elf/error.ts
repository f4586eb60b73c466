/**
 * What is wrong with an ELF file, in one line: the file, the offset in it, and the fact.
 *
 * Everything read from a file is checked before it is used, so this is the only error that
 * reading one can throw.
 */
export class ElfError extends Error {
  /** The file's name as the caller gave it. */
  readonly file: string;
  /** Byte offset in the file of the field or bytes that are wrong. */
  readonly offset: number;
  /** What is wrong there. */
  readonly what: string;

  constructor(file: string, offset: number, what: string) {
    super(`${file}: offset 0x${offset.toString(16)}: ${what}`);
    this.name = 'ElfError';
    this.file = file;
    this.offset = offset;
    this.what = what;
  }
}
