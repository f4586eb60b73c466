import { PAGE_SIZE } from '../../assembly/abi/page.js';
import type { Path } from './dentry.js';

/** Magic numbers of file systems by type (include/uapi/linux/magic.h). */
const MAGIC: Readonly<Record<string, number>> = {
  tmpfs: 0x01021994,
  devtmpfs: 0x01021994,
  proc: 0x9fa0,
  devpts: 0x1cd1,
  pipefs: 0x50495045,
  sockfs: 0x534f434b,
  pidfs: 0x50494446,
  secretmem: 0x5345434d,
  hostfs: 0x00c0ffee,
};
const ANON_INODE_FS_MAGIC = 0x09041934;

// include/linux/statfs.h
const ST_RDONLY = 0x1;
const ST_VALID = 0x20;
const ST_RELATIME = 0x1000;

/** What statfs tells (struct kstatfs). */
export interface Kstatfs {
  readonly type: number;
  /** Bytes of a block. */
  readonly bsize: number;
  /** Blocks, and those that are free. */
  readonly blocks: number;
  readonly bfree: number;
  /** Inodes, and those that are free. */
  readonly files: number;
  readonly ffree: number;
  readonly fsid: number;
  /** Bytes of a name. */
  readonly namelen: number;
  /** ST_*. */
  readonly flags: number;
}

/**
 * The file system that a place is on. One in memory has as much room as the machine has, half of it, as
 * tmpfs has by default.
 * @see fs/statfs.c vfs_statfs(), mm/shmem.c shmem_statfs()
 */
export function vfsStatfs({ mnt, dentry }: Path): Kstatfs {
  const { sb } = dentry.inode;
  const { kernel } = sb.vfs;
  const anonymous = dentry.name.startsWith('anon_inode:');
  const inMemory = MAGIC[sb.type] === MAGIC['tmpfs'] && sb !== sb.vfs.shm;
  const blocks = inMemory ? Math.floor(kernel.profile.totalRam / PAGE_SIZE / 2) : 0;
  const bfree = Math.max(blocks - kernel.core.framesInUse, 0);
  const place = mnt.mountpoint !== null || sb.vfs.rootMount === mnt;
  return {
    type: anonymous ? ANON_INODE_FS_MAGIC : (MAGIC[sb.type] ?? ANON_INODE_FS_MAGIC),
    bsize: PAGE_SIZE,
    blocks,
    bfree: Math.min(bfree, blocks),
    files: blocks,
    ffree: blocks,
    fsid: sb.dev,
    namelen: 255,
    flags: ST_VALID | (mnt.readOnly ? ST_RDONLY : 0) | (place ? ST_RELATIME : 0),
  };
}
