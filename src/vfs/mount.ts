import type { Dentry, Path } from './dentry.js';

/**
 * A file system hung into the tree (struct mount). This kernel has one mount namespace and nothing
 * is ever unmounted.
 */
export class Mount {
  /** mnt_id, from 1 in the order of mounting. */
  readonly id: number;
  /** What it shows at its mount point. */
  readonly root: Dentry;
  /** Where it hangs; null at the top of the tree and for file systems outside it. */
  readonly mountpoint: Path | null;
  readonly readOnly: boolean;

  constructor(id: number, root: Dentry, mountpoint: Path | null) {
    this.id = id;
    this.root = root;
    this.mountpoint = mountpoint;
    this.readOnly = root.inode.sb.readOnly;
  }
}
