import { ENXIO } from '../../assembly/abi/errno.js';
import { VM_DONTDUMP, VM_DONTEXPAND, VM_IO, VM_PFNMAP } from '../../assembly/abi/vma.js';
import { fail } from '../errno.js';
import type { Cred } from '../kernel/cred.js';
import { countDevices } from '../mm/acting.js';
import { setDevice, type Device } from '../mm/device.js';
import { PageCache } from '../mm/page-cache.js';
import { Dentry, ownName } from './dentry.js';
import { File, FMODE_READ, FMODE_WRITE, type FileOperations } from './file.js';
import { O_RDWR } from './flags.js';
import { Inode } from './inode.js';
import { S_IFCHR } from './mode.js';
import { makedev } from './super-block.js';
import type { Vfs } from './vfs.js';

/** MISC_MAJOR and MISC_DYNAMIC_MINOR: a device that nobody gave a number. */
const MISC_DEVICE = makedev(10, 255);

/** There is nothing but the mapping: links of /proc that lead here are not opened. */
const deviceFileOperations: FileOperations = {
  open: () => fail(ENXIO),
  mmap: (_task, file) => file,
  release: (file) => {
    countDevices(file.inode.sb.vfs.kernel.core, -1);
  },
};

/**
 * The file behind mappings of a device of the host, `/dev/NAME` where mappings are shown; no directory has
 * it. Its mappings have the flags that a driver's have, and no page.
 * @see mm/memory.c remap_pfn_range()
 */
export function deviceFile(vfs: Vfs, cred: Readonly<Cred>, name: string, device: Device): File {
  const { mnt, dentry: root } = vfs.root;
  const mode = S_IFCHR | 0o600;
  const inode = new Inode(root.inode.sb, mode, 0, 0, {}, deviceFileOperations);
  inode.rdev = MISC_DEVICE;
  inode.pages = new PageCache(vfs.kernel.core, { kind: 'memory' });
  inode.nlink = 0;
  const dentry = new Dentry(`/dev/${name}`, null, inode, ownName);
  const path = { mnt, dentry };
  const file = new File(path, O_RDWR, FMODE_READ | FMODE_WRITE, cred, deviceFileOperations);
  file.vmFlags = VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP;
  countDevices(vfs.kernel.core, 1);
  setDevice(file, device);
  return file;
}
