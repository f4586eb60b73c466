import { EINVAL, ENOENT, ENOTDIR } from '../../assembly/abi/errno.js';
import { fail, LinuxError } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import type { Path } from '../vfs/dentry.js';
import { isDir, MAY_EXEC } from '../vfs/mode.js';
import { lookupOne } from '../vfs/namei.js';
import { inodePermission } from '../vfs/permission.js';
import type { Vfs } from '../vfs/vfs.js';
import type { Callers } from './callers.js';
import { Handles } from './handles.js';
import { type Node, Nodes } from './nodes.js';
import type { HostCaller, Request } from './request.js';

/** What an operation puts its answer into, and how many bytes it put. */
export type Operation = (session: Session, request: Request, out: Uint8Array) => number;

/** What an operation returns whose request gets no answer. */
export const NO_REPLY = -1;

/** One mounted proc file system: what the host has looked up and opened, and who asks. */
export class Session {
  readonly vfs: Vfs;
  readonly callers: Callers;
  readonly nodes: Nodes;
  readonly handles = new Handles();
  /** The process that /proc/self is for every caller, instead of the caller's own. */
  readonly self: number | null;

  constructor(vfs: Vfs, root: Path, callers: Callers, self: number | null) {
    this.vfs = vfs;
    this.callers = callers;
    this.nodes = new Nodes(root);
    this.self = self;
  }

  /** The node that a request is about. @throws {LinuxError} ESTALE */
  node({ nodeid }: Request): Node {
    return this.nodes.get(nodeid);
  }

  /**
   * Walks one name down.
   *
   * @throws {LinuxError} ENOTDIR: not in a directory; EACCES: search; ENOENT; what the lookup refuses
   */
  walk(caller: HostCaller, dir: Node, name: string): Path {
    const task = this.callers.taskOf(caller);
    const { mnt, dentry } = dir.path;
    if (!isDir(dentry.inode.mode)) fail(ENOTDIR);
    inodePermission(task, dentry.inode, MAY_EXEC);
    if (name === '.' || name === '..') fail(EINVAL);
    const child = lookupOne(task, dentry, this.#aliased(caller, dir, name)) ?? fail(ENOENT);
    const { mounted } = child;
    return mounted === null ? { mnt, dentry: child } : { mnt: mounted, dentry: mounted.root };
  }

  /**
   * Where everyone is one process, a program that looks itself up by its number, or a thread of its
   * own by that one's, is to find it too.
   */
  #aliased(caller: HostCaller, dir: Node, name: string): string {
    const { self } = this;
    if (self === null || !this.#holdsNumbers(dir, String(self))) return name;
    return this.callers.isNumberOf(caller, name) ? String(self) : name;
  }

  /** Whether a directory is the root, or task/ of the process that everyone is. */
  #holdsNumbers(dir: Node, self: string): boolean {
    const { root } = this.nodes;
    if (dir === root) return true;
    if (dir.name !== 'task' || dir.parent.parent !== root) return false;
    return dir.parent.path.dentry.name === self;
  }

  /** The text of /proc/self and /proc/thread-self where everyone is one process, or null. */
  selfText({ parent, name }: Node): string | null {
    if (this.self === null || parent !== this.nodes.root) return null;
    if (name === 'self') return String(this.self);
    return name === 'thread-self' ? `${this.self}/task/${this.self}` : null;
  }

  /** The task that acts for who makes the request. @throws {LinuxError} EAGAIN, ENOMEM */
  task(request: Request): TaskStruct {
    return this.callers.taskOf(request);
  }

  /** Closes what is open and ends the tasks of callers. */
  release(): void {
    this.handles.releaseAll();
    this.callers.release();
  }
}

/** Linux's number of an error; others are no business of the host. */
export function errnoOf(error: unknown): number | null {
  return error instanceof LinuxError ? -error.errno : null;
}
