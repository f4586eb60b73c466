import { ESTALE } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { Path } from '../vfs/dentry.js';
import type { U64 } from '../vfs/u64.js';
import { FUSE_ROOT_ID } from './abi.js';

/** A name that the host's kernel has looked up and not forgotten. */
export interface Node {
  readonly id: number;
  /** The node of the directory; the root is its own. */
  readonly parent: Node;
  readonly name: string;
  readonly path: Path;
  /** How often the kernel was told of it and did not forget it. */
  lookups: number;
}

/**
 * The numbers that stand for places of the tree. They go by name, not by inode: a directory the host
 * finds under two names would be taken for one that was moved. A number is never given again.
 */
export class Nodes {
  readonly root: Node;
  readonly #byId = new Map<U64, Node>();
  readonly #byName = new Map<string, Node>();
  #last = FUSE_ROOT_ID;

  constructor(path: Path) {
    const root = { id: FUSE_ROOT_ID, name: '', path, lookups: 1 } as { parent?: Node } & Node;
    (root as { parent: Node }).parent = root;
    this.root = root;
    this.#byId.set(root.id, root);
  }

  /** Nodes the kernel knows, the root too. */
  get size(): number {
    return this.#byId.size;
  }

  /** The node of a number. @throws {LinuxError} ESTALE: there is none */
  get(id: U64): Node {
    return this.#byId.get(id) ?? fail(ESTALE);
  }

  /** The node of a name that was found just now; counts that the kernel is told of it. */
  found(parent: Node, name: string, path: Path): Node {
    const key = keyOf(parent, name);
    const known = this.#byName.get(key);
    if (known !== undefined && known.path.dentry.inode === path.dentry.inode) {
      known.lookups += 1;
      return known;
    }
    this.#last += 1;
    const node: Node = { id: this.#last, parent, name, path, lookups: 1 };
    this.#byId.set(node.id, node);
    this.#byName.set(key, node);
    return node;
  }

  /** The kernel forgets a node so many times; at zero it is gone. The root stays. */
  forget(id: U64, count: U64): void {
    const node = this.#byId.get(id);
    if (node === undefined || node === this.root) return;
    node.lookups -= Number(count);
    if (node.lookups > 0) return;
    this.#byId.delete(id);
    const key = keyOf(node.parent, node.name);
    if (this.#byName.get(key) === node) this.#byName.delete(key);
  }
}

function keyOf(parent: Node, name: string): string {
  return `${parent.id}/${name}`;
}
