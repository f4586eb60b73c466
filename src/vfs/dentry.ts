import type { Inode } from './inode.js';
import type { Mount } from './mount.js';

/** One name in a directory (struct dentry, include/linux/dcache.h). */
export class Dentry {
  name: string;
  readonly inode: Inode;
  /** What was looked up last below it: among many directories the map would be cold (measured). */
  private recent: Dentry | null = null;
  /** What is mounted on this name, if anything. */
  mounted: Mount | null = null;
  /** The directory the name is in; the root of a file system is its own parent. */
  parent: Dentry;
  /** False once the name was removed: paths end in " (deleted)". */
  hashed = true;
  /** How the name prints where it is in no directory (d_dname): pipes, memfds, namespaces. */
  readonly dname: ((dentry: Dentry) => string) | null;
  /** Made when first asked for: most names are those of files. */
  private names: Map<string, Dentry> | null = null;

  constructor(
    name: string,
    parent: Dentry | null,
    inode: Inode,
    dname: ((dentry: Dentry) => string) | null = null,
  ) {
    this.name = name;
    this.parent = parent ?? this;
    this.inode = inode;
    this.dname = dname;
  }

  /** Names known below: for an in-memory file system the directory itself, otherwise a cache. */
  get children(): ReadonlyMap<string, Dentry> {
    return (this.names ??= new Map());
  }

  /** The name below that is known, or undefined. */
  child(name: string): Dentry | undefined {
    const { recent } = this;
    if (recent !== null && recent.name === name) return recent;
    const found = this.names?.get(name);
    if (found?.name === name) this.recent = found;
    return found;
  }

  /** Puts a name below, in place of one that is there. */
  setChild(name: string, dentry: Dentry): void {
    this.recent = null;
    (this.names ??= new Map()).set(name, dentry);
  }

  /** Forgets a name below; tells whether there was one. */
  deleteChild(name: string): boolean {
    this.recent = null;
    return this.names?.delete(name) === true;
  }

  /** Whether this is the root of its file system. */
  get isRoot(): boolean {
    return this.parent === this;
  }
}

/** A place in the tree: a name and the mount it is seen through (struct path). */
export interface Path {
  readonly mnt: Mount;
  readonly dentry: Dentry;
}

/** The name alone, for what is in no directory: d_dname of anonymous inodes and namespaces. */
export function ownName(dentry: Dentry): string {
  return dentry.name;
}

/** simple_dname(): what was never in a directory, or in none that is shown. */
export function deletedName(dentry: Dentry): string {
  return `/${dentry.name} (deleted)`;
}

/** Whether two paths are the same place. */
export function pathEqual(a: Path, b: Path): boolean {
  return a.dentry === b.dentry && a.mnt === b.mnt;
}

/**
 * The place a mount hangs from, or null at the top of the tree.
 * @see fs/namespace.c follow_up()
 */
export function followUp(path: Path): Path | null {
  return path.mnt.mountpoint;
}

/**
 * A path as text seen from `root`, with " (deleted)" when the name was removed and
 * "(unreachable)" before a path outside `root`.
 * @see fs/d_path.c d_path(), d_absolute_path()
 */
export function dPath(path: Path, root: Path): string {
  if (path.dentry.dname !== null) return path.dentry.dname(path.dentry);
  let text = '';
  let at = path;
  while (!pathEqual(at, root)) {
    if (at.dentry !== at.mnt.root) {
      text = `/${at.dentry.name}${text}`;
      at = { mnt: at.mnt, dentry: at.dentry.parent };
      if (at.dentry.isRoot && at.dentry !== at.mnt.root) return `(unreachable)${text}`;
      continue;
    }
    const up = followUp(at);
    if (up === null) break;
    at = up;
  }
  const reachable = pathEqual(at, root) || followUp(at) === null;
  const shown = `${text === '' ? '/' : text}${path.dentry.hashed ? '' : ' (deleted)'}`;
  return reachable && pathEqual(at, root) ? shown : `(unreachable)${shown}`;
}
