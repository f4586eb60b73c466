import { EIO } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { HostDirectory, HostFile, HostStat, WritableHostDirectory } from './host-directory.js';

/** A file of a host that opens none: every call goes by its name. */
export class NamedHostFile implements HostFile {
  private readonly host: HostDirectory;
  private readonly path: () => string | null;

  /** @param path where it is now; null once it has no name */
  constructor(host: HostDirectory, path: () => string | null) {
    this.host = host;
    this.path = path;
  }

  private get name(): string {
    return this.path() ?? fail(EIO);
  }

  stat(): HostStat {
    return this.host.lstat(this.name) ?? fail(EIO);
  }

  read(pos: number, into: Uint8Array): number {
    return this.host.read(this.name, pos, into);
  }

  /** What no longer has a name is written to no more. */
  write(pos: number, bytes: Uint8Array): void {
    const path = this.path();
    if (path !== null) (this.host as WritableHostDirectory).write(path, pos, bytes);
  }

  truncate(size: number): void {
    const path = this.path();
    if (path !== null) (this.host as WritableHostDirectory).truncate(path, size);
  }

  close(): void {}
}
