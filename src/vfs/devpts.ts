import { ENOENT } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { directoryOperations } from './directory.js';
import { Dentry } from './dentry.js';
import { Inode } from './inode.js';
import { S_IFCHR, S_IFDIR } from './mode.js';
import type { Mount } from './mount.js';
import { DEV_PTMX, type PtyMaster, ptmxOperations } from './pty.js';
import { Tty, type TtyHost, type Winsize } from './tty.js';
import { ttyOperations } from './tty-file.js';
import type { Vfs } from './vfs.js';

/** Pseudo terminals at a time (kernel.pty.max). */
export const PTY_MAX = 4096;
/** Group tty and mode 620: what distributions mount it with. */
const TTY_GID = 5;
const SLAVE_MODE = 0o620;
// Numbers of inodes: fs/devpts/inode.c
const ROOT_INO = 1;
const PTMX_INO = 2;
const FIRST_INO = 3;

/** The file system of pseudo terminals, on /dev/pts (fs/devpts/inode.c). */
export class Devpts {
  readonly vfs: Vfs;
  readonly root: Dentry;
  /** Where it is mounted; null before. */
  mount: Mount | null = null;
  /** Terminals that have a master or are open, by their numbers. */
  readonly ttys = new Map<number, Tty>();

  constructor(vfs: Vfs) {
    this.vfs = vfs;
    const sb = vfs.newSuperBlock('devpts', { blockSize: 1024 });
    const inode = new Inode(sb, S_IFDIR | 0o755, 0, 0, {}, directoryOperations, ROOT_INO);
    this.root = new Dentry('/', null, inode);
    const ptmx = new Inode(sb, S_IFCHR, 0, 0, {}, ptmxOperations, PTMX_INO);
    ptmx.rdev = DEV_PTMX;
    this.root.setChild('ptmx', new Dentry('ptmx', this.root, ptmx));
  }

  /**
   * Makes a terminal under the lowest free number, with a name.
   * @returns null: there are too many
   */
  create(uid: number, other: TtyHost | PtyMaster, size: Winsize): Tty | null {
    let index = 0;
    while (this.ttys.has(index)) index += 1;
    if (index >= PTY_MAX) return null;
    const { sb } = this.root.inode;
    const tty = new Tty(this.vfs.kernel, index, other, size);
    const mode = S_IFCHR | SLAVE_MODE;
    const inode = new Inode(sb, mode, uid, TTY_GID, {}, ttyOperations, index + FIRST_INO);
    inode.rdev = tty.dev;
    inode.privateData = tty;
    this.root.setChild(String(index), new Dentry(String(index), this.root, inode));
    this.ttys.set(index, tty);
    return tty;
  }

  /** The name of a terminal. @throws {LinuxError} ENOENT: it has none any more */
  dentryOf(tty: Tty): Dentry {
    return this.root.children.get(String(tty.index)) ?? fail(ENOENT);
  }

  /** Takes the name away, as the master is gone (devpts_pty_kill()). */
  kill(tty: Tty): void {
    const dentry = this.dentryOf(tty);
    this.root.deleteChild(dentry.name);
    dentry.hashed = false;
    dentry.inode.nlink = 0;
  }

  /** Its number is free again (devpts_kill_index()). */
  forget(tty: Tty): void {
    this.ttys.delete(tty.index);
  }
}
