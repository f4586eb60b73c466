import { fullOperations, nullOperations, randomOperations, zeroOperations } from './device.js';
import type { Path } from './dentry.js';
import type { FileOperations } from './file.js';
import { S_IFCHR, S_IFLNK, S_IRWXUGO } from './mode.js';
import { lookupOne } from './namei.js';
import { makedev } from './super-block.js';
import { createTmpfs, makeTmpfsInode } from './tmpfs.js';
import { DEV_TTY, ttyOperations } from './tty.js';
import { userfaultfdDeviceOperations } from './userfaultfd.js';
import type { Vfs } from './vfs.js';

const ROOT = { uid: 0, gid: 0 };

/** The memory devices: major 1 of Documentation/admin-guide/devices.txt. */
const MEMORY_DEVICES: readonly (readonly [string, number, FileOperations])[] = [
  ['null', makedev(1, 3), nullOperations],
  ['zero', makedev(1, 5), zeroOperations],
  ['full', makedev(1, 7), fullOperations],
  ['random', makedev(1, 8), randomOperations],
  ['urandom', makedev(1, 9), randomOperations],
];

/** A misc device with a number of its own in every boot. */
const USERFAULTFD_DEVICE = makedev(10, 257);

/** Terminals: the caller's own, the console, and the first pseudo terminal. */
const TERMINALS: readonly (readonly [string, number, number])[] = [
  ['tty', DEV_TTY, 0o666],
  ['console', makedev(5, 1), 0o600],
  ['pts/0', makedev(136, 0), 0o620],
];

/** What character devices do, by encoded device number. */
export const CHAR_DEVICES: ReadonlyMap<number, FileOperations> = new Map([
  ...MEMORY_DEVICES.map(([, dev, fops]) => [dev, fops] as const),
  ...TERMINALS.map(([, dev]) => [dev, ttyOperations] as const),
  [USERFAULTFD_DEVICE, userfaultfdDeviceOperations],
]);

const DIRECTORIES: readonly (readonly [string, number])[] = [
  ['/etc', 0o755],
  ['/home', 0o755],
  ['/mnt', 0o755],
  ['/proc', 0o555],
  ['/root', 0o700],
  ['/run', 0o755],
  ['/tmp', 0o1777],
  ['/usr/bin', 0o755],
  ['/usr/lib', 0o755],
  ['/usr/lib64', 0o755],
  ['/var/tmp', 0o1777],
];

const LINKS: readonly (readonly [string, string, string])[] = [
  ['/', 'bin', 'usr/bin'],
  ['/', 'lib', 'usr/lib'],
  ['/', 'lib64', 'usr/lib64'],
  ['/dev', 'fd', '/proc/self/fd'],
  ['/dev', 'stdin', '/proc/self/fd/0'],
  ['/dev', 'stdout', '/proc/self/fd/1'],
  ['/dev', 'stderr', '/proc/self/fd/2'],
];

function addLink(vfs: Vfs, dir: Path, name: string, target: string): void {
  const inode = makeTmpfsInode(dir.dentry.inode.sb, ROOT, S_IFLNK | S_IRWXUGO);
  inode.privateData = target;
  inode.fixedSize = target.length;
  vfs.addEntry(dir, name, inode);
}

/** Fills a new tree: the usual directories, /dev with the memory devices, and /dev/shm. */
export function populateRoot(vfs: Vfs): void {
  for (const [path, mode] of DIRECTORIES) vfs.makeDirectory(path, mode);
  vfs.mount('/dev', createTmpfs(vfs.newSuperBlock('devtmpfs'), 0o755));
  const dev = vfs.makeDirectory('/dev');
  for (const [name, rdev] of MEMORY_DEVICES) {
    vfs.addEntry(dev, name, makeTmpfsInode(dev.dentry.inode.sb, ROOT, S_IFCHR | 0o666, rdev));
  }
  const device = makeTmpfsInode(dev.dentry.inode.sb, ROOT, S_IFCHR | 0o600, USERFAULTFD_DEVICE);
  vfs.addEntry(dev, 'userfaultfd', device);
  vfs.mount('/dev/shm', createTmpfs(vfs.newSuperBlock('tmpfs'), 0o1777));
  for (const [dir, name, target] of LINKS) {
    const at = vfs.makeDirectory(dir);
    // A tree that the host gave may have its own.
    if (lookupOne(vfs.kernel.init, at.dentry, name) === null) addLink(vfs, at, name, target);
  }
}

/** Makes the names of a terminal that a machine gets. */
export function addTerminals(
  vfs: Vfs,
  owner: { readonly uid: number; readonly gid: number },
): void {
  vfs.makeDirectory('/dev/pts');
  for (const [path, rdev, mode] of TERMINALS) {
    const slash = path.lastIndexOf('/');
    const dir = vfs.makeDirectory(`/dev/${path.slice(0, Math.max(slash, 0))}`);
    const name = path.slice(slash + 1);
    if (lookupOne(vfs.kernel.init, dir.dentry, name) !== null) continue;
    vfs.addEntry(dir, name, makeTmpfsInode(dir.dentry.inode.sb, owner, S_IFCHR | mode, rdev));
  }
}
