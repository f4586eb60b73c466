import { EACCES, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR, EXDEV } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import { encodeName } from '../mm/name-bytes.js';
import { followUp, pathEqual } from './dentry.js';
import type { Dentry, Path } from './dentry.js';
import { filesOf } from './fdtable.js';
import {
  AT_FDCWD,
  PATH_MAX,
  RESOLVE_BENEATH,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
} from './flags.js';
import { fsOf } from './fs-struct.js';
import { isDir, isLnk, MAY_EXEC } from './mode.js';
import { inodePermission } from './permission.js';

/** The last component may be a symbolic link to go through. */
export const LOOKUP_FOLLOW = 1;
/** The result must be a directory. */
export const LOOKUP_DIRECTORY = 2;
/** An empty path names the start itself (AT_EMPTY_PATH). */
export const LOOKUP_EMPTY = 4;

/** Symbolic links one walk may follow (include/linux/namei.h). */
const MAXSYMLINKS = 40;
const RESOLVE_SCOPED = RESOLVE_BENEATH | RESOLVE_IN_ROOT;

/** What the last component of a path is. */
export type LastType = 'norm' | 'dot' | 'dotdot' | 'root';

/**
 * The entry `name` of a directory: cached when still true, else asked of the file system.
 * @returns null where the directory has no such entry
 * @throws {LinuxError} what the file system's lookup throws
 * @see fs/namei.c lookup_fast(), __lookup_slow()
 */
export function lookupOne(task: TaskStruct, dir: Dentry, name: string): Dentry | null {
  const cached = dir.child(name);
  if (cached !== undefined) {
    const { revalidate } = dir.inode.sb;
    if (revalidate === undefined || revalidate(task, cached)) return cached;
    dir.deleteChild(name);
  }
  return dir.inode.iops.lookup?.(task, dir, name) ?? null;
}

/**
 * Where a relative walk begins.
 * @throws {LinuxError} EBADF: no such descriptor; ENOTDIR: it is no directory
 * @see fs/namei.c path_init()
 */
function startOf(task: TaskStruct, dfd: number, name: string): Path {
  if (dfd === AT_FDCWD) return fsOf(task).pwd;
  const file = filesOf(task).rawFile(dfd);
  if (name !== '' && !isDir(file.inode.mode)) fail(ENOTDIR);
  return file.path;
}

/**
 * One walk along a path name (struct nameidata). `walkParent` goes up to the last component, which
 * the caller then treats as it needs.
 * @see fs/namei.c link_path_walk(), walk_component(), pick_link()
 */
export class Nameidata {
  /** Where the walk is. */
  path: Path;
  /** The last component, valid after walkParent(). */
  last = '';
  lastType: LastType = 'root';
  /** Something like "name/": the last component must be a directory. */
  trailingSlash = false;
  flags: number;
  private readonly task: TaskStruct;
  private readonly root: Path;
  private readonly resolve: number;
  private totalLinks = 0;

  constructor(task: TaskStruct, dfd: number, name: string, flags: number, resolve = 0) {
    if (name === '' && (flags & LOOKUP_EMPTY) === 0) fail(ENOENT);
    if (name.length >= PATH_MAX / 4 && encodeName(name).length >= PATH_MAX) fail(ENAMETOOLONG);
    this.task = task;
    this.flags = flags;
    this.resolve = resolve;
    const absolute = name.startsWith('/') && (resolve & RESOLVE_IN_ROOT) === 0;
    if (absolute && (resolve & RESOLVE_BENEATH) !== 0) fail(EXDEV);
    this.path = absolute ? fsOf(task).root : startOf(task, dfd, name);
    this.root = (resolve & RESOLVE_SCOPED) !== 0 ? this.path : fsOf(task).root;
  }

  /**
   * Walks `name` but for its last component, following every link on the way.
   * @throws {LinuxError} ENOTDIR, EACCES (search), ENOENT, ELOOP, EXDEV
   */
  walkParent(name: string): void {
    let rest = name.replace(/^\/+/, '');
    this.trailingSlash = false;
    if (rest === '') {
      this.lastType = 'root';
      return;
    }
    while (true) {
      inodePermission(this.task, this.path.dentry.inode, MAY_EXEC);
      const slash = rest.indexOf('/');
      this.last = slash < 0 ? rest : rest.slice(0, slash);
      const after = slash < 0 ? '' : rest.slice(slash).replace(/^\/+/, '');
      this.lastType = this.last === '.' ? 'dot' : this.last === '..' ? 'dotdot' : 'norm';
      this.trailingSlash = slash >= 0 && after === '';
      if (after === '') return;
      const link = this.walkComponent(true);
      rest = link === null ? after : `${this.absorb(link)}/${after}`.replace(/^\/+/, '');
      if (!isDir(this.path.dentry.inode.mode)) fail(ENOTDIR);
    }
  }

  /**
   * Takes the last component as a plain lookup does.
   * @returns the text of a link still to walk, or null when the walk is there
   * @see fs/namei.c lookup_last()
   */
  lookupLast(): string | null {
    if (this.lastType === 'norm' && this.trailingSlash) {
      this.flags |= LOOKUP_FOLLOW | LOOKUP_DIRECTORY;
    }
    return this.walkComponent((this.flags & LOOKUP_FOLLOW) !== 0);
  }

  /** Goes into the component `last`; gives the text of a symbolic link met and to be followed. */
  private walkComponent(follow: boolean): string | null {
    if (this.lastType !== 'norm') {
      this.handleDots();
      return null;
    }
    const dentry = lookupOne(this.task, this.path.dentry, this.last);
    if (dentry === null) fail(ENOENT);
    return this.stepInto(dentry, follow);
  }

  /** "." stays, ".." goes up, through mount points and never above the root. */
  handleDots(): void {
    if (this.lastType !== 'dotdot') return;
    let at = this.path;
    while (!pathEqual(at, this.root) && at.dentry === at.mnt.root) {
      const up = followUp(at);
      if (up === null) break;
      if ((this.resolve & RESOLVE_NO_XDEV) !== 0) fail(EXDEV);
      at = up;
    }
    if (pathEqual(at, this.root)) {
      if ((this.resolve & RESOLVE_BENEATH) !== 0) fail(EXDEV);
      this.path = at;
      return;
    }
    this.path = this.crossMounts({ mnt: at.mnt, dentry: at.dentry.parent });
  }

  /**
   * Moves to an entry found, down through mounts on it.
   * @returns the text of the symbolic link it is, when it is to be followed
   * @see fs/namei.c step_into()
   */
  stepInto(dentry: Dentry, follow: boolean): string | null {
    const path = this.crossMounts({ mnt: this.path.mnt, dentry });
    if (!isLnk(path.dentry.inode.mode) || !follow) {
      this.path = path;
      return null;
    }
    return this.pickLink(path);
  }

  /** Follows one link: its text, or null after a jump of a magic link. */
  private pickLink(link: Path): string | null {
    this.totalLinks += 1;
    if (this.totalLinks > MAXSYMLINKS) fail(ELOOP);
    if ((this.resolve & RESOLVE_NO_SYMLINKS) !== 0) fail(ELOOP);
    const { inode } = link.dentry;
    const target = inode.iops.getLink?.(this.task, inode, link.dentry);
    if (target === undefined) fail(EACCES);
    if (typeof target === 'string') return target;
    if ((this.resolve & RESOLVE_NO_MAGICLINKS) !== 0) fail(ELOOP);
    if ((this.resolve & RESOLVE_SCOPED) !== 0) fail(EXDEV);
    if ((this.resolve & RESOLVE_NO_XDEV) !== 0 && target.mnt !== this.path.mnt) fail(EXDEV);
    this.path = target;
    return null;
  }

  /** Prepares to walk a link's text: an absolute one starts again at the root. */
  absorb(link: string): string {
    if (!link.startsWith('/')) return link;
    if ((this.resolve & RESOLVE_BENEATH) !== 0) fail(EXDEV);
    if ((this.resolve & RESOLVE_NO_XDEV) !== 0 && this.root.mnt !== this.path.mnt) fail(EXDEV);
    this.path = this.root;
    return link;
  }

  private crossMounts(path: Path): Path {
    let at = path;
    while (at.dentry.mounted !== null) {
      if ((this.resolve & RESOLVE_NO_XDEV) !== 0) fail(EXDEV);
      at = { mnt: at.dentry.mounted, dentry: at.dentry.mounted.root };
    }
    return at;
  }
}

/**
 * Walks a whole path.
 * @throws {LinuxError} ENOENT, ENOTDIR, EACCES, ELOOP, ENAMETOOLONG; EBADF: dfd
 * @see fs/namei.c path_lookupat()
 */
export function filenameLookup(
  task: TaskStruct,
  dfd: number,
  name: string,
  flags: number,
  resolve = 0,
): Path {
  const nd = new Nameidata(task, dfd, name, flags, resolve);
  let text: string | null = name;
  while (text !== null) {
    nd.walkParent(text);
    text = nd.lookupLast();
    if (text !== null) text = nd.absorb(text);
  }
  if ((nd.flags & LOOKUP_DIRECTORY) !== 0 && !isDir(nd.path.dentry.inode.mode)) fail(ENOTDIR);
  return nd.path;
}

/**
 * Walks a path up to its last component.
 * @throws {LinuxError} as filenameLookup()
 * @see fs/namei.c path_parentat()
 */
export function filenameParentat(task: TaskStruct, dfd: number, name: string): Nameidata {
  const nd = new Nameidata(task, dfd, name, 0);
  nd.walkParent(name);
  return nd;
}
