// A tar archive as what it holds: ustar with the long names of POSIX (pax) and of GNU tar.

/** A file, a directory or a link. Paths are relative and have no `.` or `..`. */
export interface TarEntry {
  readonly kind: 'file' | 'directory' | 'symlink' | 'hardlink';
  readonly path: string;
  /** Of links: the text of a symbolic one, the path of the file that a hard one is. */
  readonly target: string;
  /** Permission bits. */
  readonly mode: number;
  /** Of files; a view of the archive. */
  readonly contents: Uint8Array;
}

const BLOCK = 512;
/** include/uapi/linux/limits.h */
const PATH_MAX = 4096;
/** Each takes memory, whatever is in it: an archive of nothing but names ends here. */
const MAX_ENTRIES = 200_000;

const KINDS: Readonly<Record<string, TarEntry['kind']>> = {
  '\0': 'file',
  '0': 'file',
  '7': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '5': 'directory',
};
/** Devices and fifos, which a machine has of its own; settings for all of the archive. */
const SKIPPED = '346g';

/** Whether bytes begin with the header of an archive: its checksum is right. */
export function isTar(bytes: Uint8Array): boolean {
  return bytes.length >= BLOCK && bytes[0] !== 0 && checksumFits(bytes.subarray(0, BLOCK));
}

/**
 * Reads an archive from its beginning to its end.
 *
 * @param archive its name, for errors
 * @throws {TypeError} it is cut short or damaged, or names what lies outside
 */
export function readTar(archive: string, bytes: Uint8Array): readonly TarEntry[] {
  return new TarReader(archive, bytes).entries();
}

/** The fields of one header that matter. */
interface Header {
  readonly type: string;
  readonly size: number;
  readonly path: string;
  readonly target: string;
  readonly mode: number;
}

class TarReader {
  readonly #archive: string;
  readonly #bytes: Uint8Array;
  #at = 0;
  /** What the records before a header say of it, instead of its own fields. */
  #longer: Map<string, string> = new Map();

  constructor(archive: string, bytes: Uint8Array) {
    this.#archive = archive;
    this.#bytes = bytes;
  }

  entries(): readonly TarEntry[] {
    const entries: TarEntry[] = [];
    for (let header = this.#header(); header !== null; header = this.#header()) {
      const start = this.#at;
      const contents = this.#contents(header.size);
      if (this.#isRecord(header.type, contents) || SKIPPED.includes(header.type)) continue;
      const entry = this.#entry(header, contents, start);
      this.#longer = new Map();
      if (entry !== null) entries.push(entry);
      if (entries.length > MAX_ENTRIES) this.#refuse(start, `more than ${MAX_ENTRIES} files`);
    }
    return entries;
  }

  /** The next header; null at the end. */
  #header(): Header | null {
    if (this.#at >= this.#bytes.length) return null;
    const block = this.#bytes.subarray(this.#at, this.#at + BLOCK);
    if (block.length < BLOCK) this.#refuse(this.#at, 'the archive is cut short');
    if (block.every((byte) => byte === 0)) return null;
    if (!checksumFits(block)) this.#refuse(this.#at, 'this is no header: its checksum is wrong');
    const type = String.fromCharCode(block[156] ?? 0);
    const prefix = text(block, 257, 5) === 'ustar' && block[262] === 0 ? text(block, 345, 155) : '';
    const name = text(block, 0, 100);
    const header = {
      type,
      size: this.#size(type, block),
      path: this.#longer.get('path') ?? (prefix === '' ? name : `${prefix}/${name}`),
      target: this.#longer.get('linkpath') ?? text(block, 157, 100),
      mode: (octal(block, 100, 8) ?? 0o644) & 0o7777,
    };
    this.#at += BLOCK;
    return header;
  }

  #size(type: string, block: Uint8Array): number {
    // Links and directories have no contents, whatever the field says.
    if (type === '1' || type === '2' || type === '5') return 0;
    const longer = type === 'x' ? undefined : this.#longer.get('size');
    const size = longer === undefined ? octal(block, 124, 12) : Number(longer);
    if (size !== null && Number.isSafeInteger(size) && size >= 0) return size;
    return this.#refuse(this.#at, 'the size is no number');
  }

  #contents(size: number): Uint8Array {
    const end = this.#at + size;
    if (end > this.#bytes.length) {
      const left = this.#bytes.length - this.#at;
      this.#refuse(this.#at, `${size} bytes are announced, and ${left} are left`);
    }
    const contents = this.#bytes.subarray(this.#at, end);
    this.#at += Math.ceil(size / BLOCK) * BLOCK;
    return contents;
  }

  /** Takes a record that is about the header behind it. */
  #isRecord(type: string, contents: Uint8Array): boolean {
    if (type === 'x')
      for (const [key, value] of this.#paxRecords(contents)) this.#longer.set(key, value);
    else if (type === 'L') this.#longer.set('path', text(contents, 0, contents.length));
    else if (type === 'K') this.#longer.set('linkpath', text(contents, 0, contents.length));
    else return false;
    return true;
  }

  /** Lines of `LENGTH KEY=VALUE`, where the length counts all of the line. */
  #paxRecords(contents: Uint8Array): [key: string, value: string][] {
    const records: [string, string][] = [];
    for (let at = 0; at < contents.length;) {
      const space = contents.indexOf(0x20, at);
      const length = space < 0 ? NaN : Number(text(contents, at, space - at));
      const line = text(contents, space + 1, at + length - space - 2);
      const equals = line.indexOf('=');
      if (!(length > space - at + 1) || at + length > contents.length || equals < 0) {
        this.#refuse(this.#at, 'a pax record is damaged');
      }
      records.push([line.slice(0, equals), line.slice(equals + 1)]);
      at += length;
    }
    return records;
  }

  #entry(header: Header, contents: Uint8Array, at: number): TarEntry | null {
    const path = this.#inside(header.path, at);
    // Before POSIX a directory was a file whose name ends so.
    const slash = header.path.endsWith('/') && (header.type === '0' || header.type === '\0');
    const kind = slash ? 'directory' : KINDS[header.type];
    if (kind === undefined)
      this.#refuse(at, `${path}: entries of type ${header.type} are not known`);
    if (path === '') return null; // the root itself
    const target = kind === 'hardlink' ? this.#inside(header.target, at) : header.target;
    if (kind === 'symlink' && (target === '' || target.length >= PATH_MAX)) {
      this.#refuse(at, `${path}: a link to nothing, or too long`);
    }
    return { kind: kind as TarEntry['kind'], path, target, mode: header.mode, contents };
  }

  /** A path without `.`. An archive that leads out of where it is unpacked is not one to trust. */
  #inside(path: string, at: number): string {
    if (path.startsWith('/')) this.#refuse(at, `${path}: an absolute path`);
    const parts = path.split('/').filter((part) => part !== '' && part !== '.');
    if (parts.includes('..')) this.#refuse(at, `${path}: a path that leads out of the archive`);
    if (path.length >= PATH_MAX) this.#refuse(at, `${path.slice(0, 60)}…: too long a path`);
    return parts.join('/');
  }

  #refuse(at: number, why: string): never {
    throw new TypeError(`${this.#archive}: offset 0x${at.toString(16)}: ${why}`);
  }
}

/** Text up to the first NUL. */
function text(bytes: Uint8Array, at: number, length: number): string {
  const field = bytes.subarray(at, at + Math.max(length, 0));
  const end = field.indexOf(0);
  return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end));
}

/** A number in octal digits, or in binary as GNU tar writes large ones; null for neither. */
function octal(block: Uint8Array, at: number, length: number): number | null {
  if (block[at] === 0x80) {
    let value = 0;
    for (let i = at + 1; i < at + length; i++) value = value * 256 + (block[i] ?? 0);
    return value;
  }
  const digits = text(block, at, length).trim();
  return /^[0-7]*$/.test(digits) ? parseInt(`0${digits}`, 8) : null;
}

/** The sum of all bytes, with blanks for its own. */
function checksumFits(block: Uint8Array): boolean {
  let sum = 8 * 0x20;
  for (let i = 0; i < BLOCK; i++) if (i < 148 || i >= 156) sum += block[i] ?? 0;
  return octal(block, 148, 8) === sum;
}
