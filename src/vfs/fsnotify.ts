import type { Dentry } from './dentry.js';
import type { File } from './file.js';
import { FMODE_PATH, FMODE_WRITE } from './file.js';
import * as i from './inotify-flags.js';
import type { Mark } from './inotify.js';
import type { Inode } from './inode.js';
import { isDir } from './mode.js';

/** One thing that happened, as watches are told of it. */
interface Happening {
  readonly mask: number;
  readonly cookie: number;
  /** The file that it was done through has no name any more. */
  readonly unlinked: boolean;
}

const dirBit = (inode: Inode): number => (isDir(inode.mode) ? i.IN_ISDIR : 0);

/** Tells the watches of an inode; `name` is what it happened to below it, null for the inode itself. */
function tell(inode: Inode, name: string | null, { mask, cookie, unlinked }: Happening): void {
  for (const mark of [...(inode.marks ?? [])]) {
    if ((mark.mask & mask & i.IN_ALL_EVENTS) === 0) continue;
    if (unlinked && mark.exclUnlink) continue;
    mark.group.queue(mark.wd, mask, cookie, name);
    if (mark.oneshot) mark.group.remove(mark);
  }
}

/**
 * Something happened to a place of the tree: first the directory it is in is told, with its name, then it itself.
 * @see fs/notify/fsnotify.c __fsnotify_parent(), fsnotify()
 */
export function fsnotifyDentry(dentry: Dentry, mask: number, unlinked = false): void {
  const { inode, parent } = dentry;
  if (inode.sb.marks === 0 || (inode.marks === null && parent.inode.marks === null)) return;
  const happening = { mask: mask | dirBit(inode), cookie: 0, unlinked };
  if (!dentry.isRoot) tell(parent.inode, dentry.name, happening);
  tell(inode, null, happening);
}

/** Something happened to an inode, whatever its names are (fsnotify_inode()). */
export function fsnotifyInode(inode: Inode, mask: number): void {
  if (inode.marks === null) return;
  tell(inode, null, { mask: mask | dirBit(inode), cookie: 0, unlinked: false });
}

/** A name came into a directory, or left it (fsnotify_name()). */
export function fsnotifyName(dir: Inode, mask: number, name: string, of: Inode, cookie = 0): void {
  if (dir.marks === null) return;
  tell(dir, name, { mask: mask | dirBit(of), cookie, unlinked: false });
}

/** Something was done through an open file (fsnotify_file()). */
export function fsnotifyFile(file: File, mask: number): void {
  if ((file.mode & FMODE_PATH) !== 0) return;
  fsnotifyDentry(file.path.dentry, mask, !file.path.dentry.hashed);
}

/** Bytes came from a file, or went to it (fsnotify_access(), fsnotify_modify()). */
export function fsnotifyTransfer(file: File, count: number, write: boolean): void {
  // fsnotify_sb_has_watchers()
  if (file.inode.sb.marks > 0 && count > 0) fsnotifyFile(file, write ? i.IN_MODIFY : i.IN_ACCESS);
}

/** A file was closed for the last time. */
export function fsnotifyClose(file: File): void {
  const writes = (file.mode & FMODE_WRITE) !== 0;
  fsnotifyFile(file, writes ? i.IN_CLOSE_WRITE : i.IN_CLOSE_NOWRITE);
}

/** A name moved; both directories are told with one cookie, then what was replaced and what moved. */
export function fsnotifyMove(
  moved: Inode,
  from: { readonly dir: Inode; readonly name: string },
  to: { readonly dir: Inode; readonly name: string },
  over: Inode | null,
): void {
  const { vfs } = moved.sb;
  if (vfs.inotifies.size === 0) return;
  const cookie = vfs.nextCookie();
  fsnotifyName(from.dir, i.IN_MOVED_FROM, from.name, moved, cookie);
  fsnotifyName(to.dir, i.IN_MOVED_TO, to.name, moved, cookie);
  if (over !== null) fsnotifyInode(over, i.IN_ATTRIB);
  fsnotifyInode(moved, i.IN_MOVE_SELF);
}

/** The last name and the last user of an inode are gone: so are its watches (fsnotify_inoderemove()). */
export function fsnotifyInodeRemove(inode: Inode): void {
  if (inode.marks === null || inode.nlink > 0 || inode.isOpen) return;
  fsnotifyInode(inode, i.IN_DELETE_SELF);
  for (const mark of [...((inode.marks as Mark[] | null) ?? [])]) mark.group.remove(mark);
}
