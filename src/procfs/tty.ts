import { Dentry } from '../vfs/dentry.js';
import { directoryOperations } from '../vfs/directory.js';
import type { FileOperations } from '../vfs/file.js';
import { Inode } from '../vfs/inode.js';
import { S_IFDIR } from '../vfs/mode.js';
import { procCreateSingle, procSingle, rootFileInodeOperations } from './generic.js';
import { alwaysStands } from './proc-inode.js';

/** Name, nodes, major, minors, type: who drives terminals here. */
const DRIVERS = [
  ['/dev/tty', '/dev/tty', 5, '0', 'system:/dev/tty'],
  ['/dev/console', '/dev/console', 5, '1', 'system:console'],
  ['/dev/ptmx', '/dev/ptmx', 5, '2', 'system'],
  ['pty_slave', '/dev/pts', 136, '0-1048575', 'pty:slave'],
  ['pty_master', '/dev/ptm', 128, '0-1048575', 'pty:master'],
] as const;

function showDrivers(): string {
  return DRIVERS.map(([name, nodes, major, minors, type]) => {
    const place = `${String(major).padStart(3)} ${minors.padStart(7)}`;
    return `${name.padEnd(20)} ${nodes.padEnd(13)} ${place} ${type}\n`;
  }).join('');
}

/** @see fs/proc/proc_tty.c, drivers/tty/tty_ldisc.c tty_ldiscs_seq_show() */
export const ttyFileOperations: Readonly<Record<string, FileOperations>> = {
  drivers: procSingle(showDrivers),
  ldiscs: procSingle(() => 'n_tty       0\n'),
};

/** Makes /proc/tty. */
export function ttyDirectory(root: Dentry): void {
  const { sb } = root.inode;
  const iops = rootFileInodeOperations;
  const inode = new Inode(sb, S_IFDIR | 0o555, 0, 0, iops, directoryOperations);
  inode.privateData = alwaysStands;
  const dir = new Dentry('tty', root, inode);
  root.setChild('tty', dir);
  for (const [name, fops] of Object.entries(ttyFileOperations)) procCreateSingle(dir, name, fops);
}
