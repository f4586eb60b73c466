import type { ByteSource } from '../elf/source.js';
import type { Kernel } from '../kernel/kernel.js';
import { dPath } from '../vfs/dentry.js';
import { HostFs } from '../vfs/host-fs.js';
import { LowerLayer } from '../vfs/lower.js';
import type { Vfs } from '../vfs/vfs.js';
import { stateRoots } from './checkpoint.js';
import { encodeGraph } from './encode.js';
import { SnapshotError } from './error.js';
import type { ClassRule } from './schema.js';
import { STORE_NAME, StoreSource } from './store.js';
import type { SnapshotParts } from './writer.js';

/** How a snapshot names whatever a console of the host's does. */
const CONSOLE_NAME = 'console';

/** What a snapshot says of its machine beside the objects. */
export interface SnapshotMeta {
  /** The security modules in their order. */
  readonly modules: readonly string[];
  /** The machine's time of day when it was made, milliseconds since the epoch. */
  readonly now: number;
}

/** The directories of the host in the tree, by where they are mounted. */
function hostMounts(vfs: Vfs): Map<HostFs, string> {
  const found = new Map<HostFs, string>();
  for (const { root, mountpoint } of vfs.mounts) {
    const fs = root.inode.privateData;
    if (fs instanceof HostFs && mountpoint !== null) found.set(fs, dPath(mountpoint, vfs.root));
  }
  return found;
}

/**
 * The objects of a machine as bytes, and the store they need.
 *
 * @throws {SnapshotError} UNSUPPORTED: state that no snapshot keeps, by its path; watches or devices
 */
export function encodeState(kernel: Kernel, vfs: Vfs): SnapshotParts {
  const { watches, devices } = kernel.core;
  if (watches > 0) {
    throw new SnapshotError('UNSUPPORTED', `${watches} watches call functions: remove them first`);
  }
  if (devices > 0) {
    throw new SnapshotError('UNSUPPORTED', `${devices} devices call functions: unmap them first`);
  }
  const hosts = hostMounts(vfs);
  for (const fs of hosts.keys()) fs.detachNameless();
  let store: ByteSource | null = null;
  const name = (rule: ClassRule, field: string, object: object): string | null => {
    const value = (object as Record<string, unknown>)[field];
    if (field === 'now' || field === 'handler') return field;
    if (rule.name === 'Random') return 'random';
    if (object instanceof LowerLayer) return 'host:/';
    if (object instanceof HostFs) {
      const path = hosts.get(object);
      return path === undefined ? null : `host:${path}`;
    }
    // Consoles are the host's: a restore is given them, or hangs up.
    if (rule.name === 'HostStream' || rule.name === 'Tty') return CONSOLE_NAME;
    if (rule.name !== 'SourcePages') return null;
    if (value instanceof StoreSource) store = value;
    return `source:${(value as ByteSource).name}`;
  };
  const meta: SnapshotMeta = { modules: kernel.security.names(), now: vfs.now() };
  const state = encodeGraph({ ...stateRoots(kernel, vfs), meta }, name);
  return { state, store };
}

/** Whether a name is that of a console. */
export function isConsole(name: string): boolean {
  return name === CONSOLE_NAME;
}

/** Whether a name of a source means the snapshot's own store. */
export function isStore(name: string): boolean {
  return name === `source:${STORE_NAME}`;
}
