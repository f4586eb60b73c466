import type { FileStat } from '../vfs/file-stat.js';

/** An open file, as `task.open()` gives it. */
export interface FileDescriptor {
  readonly fd: number;
  read(into: Uint8Array): number;
  write(from: Uint8Array): number;
  pread(into: Uint8Array, position: number | bigint): number;
  pwrite(from: Uint8Array, position: number | bigint): number;
  seek(offset: number | bigint, whence?: number): bigint;
  stat(): FileStat;
  close(): void;
}

/**
 * The files that an adapter shows: those of a `Task`, with its rights, or of whatever else has these
 * calls. Each throws an error with `code`, as LinuxError does.
 */
export interface Files {
  open(path: string, flags?: string | number, mode?: number): FileDescriptor;
  stat(path: string): FileStat;
  lstat(path: string): FileStat;
  readdir(path: string): string[];
  readlink(path: string): string;
}

/** Bytes read at a time where the caller does not say. */
export const CHUNK = 65536;

/** All that is left of an open file from its position on; files of /proc do not say how much. */
export function readToEnd(file: FileDescriptor): Uint8Array {
  const chunks: Uint8Array[] = [];
  let length = 0;
  while (true) {
    const chunk = new Uint8Array(CHUNK);
    const count = file.read(chunk);
    if (count === 0) break;
    chunks.push(chunk.subarray(0, count));
    length += count;
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** Writes all of some bytes, at the file's own position. */
export function writeAll(file: FileDescriptor, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += file.write(bytes.subarray(at));
}
