import type { ExeFile as KernelExeFile } from '../kernel/mm-struct.js';
import { dPath } from './dentry.js';
import type { File } from './file.js';

/**
 * An open file as the program of a memory: what exec hands to the kernel, and /proc/PID/exe leads
 * to.
 */
export class ExeFile implements KernelExeFile {
  readonly file: File;
  /** Its path when it was opened. */
  readonly path: string;

  constructor(file: File) {
    this.file = file;
    this.path = dPath(file.path, file.inode.sb.vfs.root);
  }

  /** Nobody opens it to write as long as it is used (exe_file_deny_write_access()). */
  get(): void {
    this.file.get();
    this.file.inode.runners += 1;
  }

  put(): void {
    this.file.inode.runners -= 1;
    this.file.put();
  }
}
