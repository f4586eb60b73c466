import { fullOperations, nullOperations, randomOperations, zeroOperations } from './device.js';
import type { Path } from './dentry.js';
import type { FileOperations } from './file.js';
import { S_IFCHR, S_IFLNK, S_IRWXUGO } from './mode.js';
import { lookupOne } from './namei.js';
import { DEV_PTMX, ptmxOperations } from './pty.js';
import { makedev } from './super-block.js';
import { createTmpfs, makeTmpfsInode } from './tmpfs.js';
import { DEV_TTY, ttyOperations } from './tty-file.js';
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

/** The caller's own terminal, that of the machine, and the maker of pseudo terminals. */
const TERMINALS: readonly (readonly [string, number, number, FileOperations])[] = [
  ['tty', DEV_TTY, 0o666, ttyOperations],
  ['console', makedev(5, 1), 0o600, ttyOperations],
  ['ptmx', DEV_PTMX, 0o666, ptmxOperations],
];

/** What character devices do, by encoded device number. */
export const CHAR_DEVICES: ReadonlyMap<number, FileOperations> = new Map([
  ...MEMORY_DEVICES.map(([, dev, fops]) => [dev, fops] as const),
  ...TERMINALS.map(([, dev, , fops]) => [dev, fops] as const),
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
  for (const [name, rdev, mode] of TERMINALS) {
    vfs.addEntry(dev, name, makeTmpfsInode(dev.dentry.inode.sb, ROOT, S_IFCHR | mode, rdev));
  }
  vfs.mount('/dev/shm', createTmpfs(vfs.newSuperBlock('tmpfs'), 0o1777));
  vfs.devpts.mount = vfs.mount('/dev/pts', vfs.devpts.root);
  for (const [dir, name, target] of LINKS) {
    const at = vfs.makeDirectory(dir);
    // A tree that the host gave may have its own.
    if (lookupOne(vfs.kernel.init, at.dentry, name) === null) addLink(vfs, at, name, target);
  }
}
