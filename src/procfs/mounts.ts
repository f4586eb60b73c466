import { EINVAL } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { byteString } from '../vfs/byte-string.js';
import { dPath } from '../vfs/dentry.js';
import type { Path } from '../vfs/dentry.js';
import type { File, FileOperations } from '../vfs/file.js';
import { FsStruct } from '../vfs/fs-struct.js';
import type { Mount } from '../vfs/mount.js';
import { seqFile } from '../vfs/seq-file.js';
import type { SeqOperations, SeqRecord } from '../vfs/seq-file.js';
import { major, minor } from '../vfs/super-block.js';
import { getProcTask } from './proc-inode.js';

/** Shows one mount as a line; `where` is its place as the task sees it. */
type ShowMount = (mount: Mount, where: string) => string;

const options = (mount: Mount): string => (mount.readOnly ? 'ro' : 'rw');

/**
 * White space and backslash as octal, so that a path is one word (fs/proc_namespace.c mangle()).
 */
function mangle(path: string): string {
  return byteString(path).replace(
    /[ \t\n\\#]/g,
    (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`,
  );
}

function placeOf(mount: Mount, root: Path): string {
  return mangle(dPath({ mnt: mount, dentry: mount.root }, root));
}

/** The mounts a task sees from its root; those outside it are left out. */
function record(file: File, index: number, show: ShowMount): SeqRecord | null {
  const root = file.privateData as Path;
  const { mounts } = root.mnt.root.inode.sb.vfs;
  const mount = mounts[index];
  if (mount === undefined) return null;
  const where = placeOf(mount, root);
  const visible = !where.startsWith('(unreachable)');
  return { text: visible ? show(mount, where) : '', next: index + 1 };
}

/**
 * A file that lists mounts as a task sees them.
 * @throws {LinuxError} EINVAL from open: the task is gone, or has left its root
 * @see fs/proc_namespace.c mounts_open_common()
 */
function mountList(show: ShowMount): FileOperations {
  const ops: SeqOperations = {
    open(_caller, file) {
      const fs = getProcTask(file.inode)?.fs;
      file.privateData = fs instanceof FsStruct ? fs.root : fail(EINVAL);
    },
    record: (_caller, file, index) => record(file, index, show),
  };
  return seqFile(ops, { spliceRead: true });
}

const typeOf = (mount: Mount): string => mount.root.inode.sb.type;

/** /proc/PID/mounts (fs/proc_namespace.c show_vfsmnt()). */
export const mountsOperations: FileOperations = mountList(
  (mount, where) => `${typeOf(mount)} ${where} ${typeOf(mount)} ${options(mount)},relatime 0 0\n`,
);

/** /proc/PID/mountinfo (fs/proc_namespace.c show_mountinfo()). */
export const mountinfoOperations: FileOperations = mountList((mount, where) => {
  const { dev } = mount.root.inode.sb;
  const parent = mount.mountpoint?.mnt.id ?? mount.id;
  const place = `${mount.id} ${parent} ${major(dev)}:${minor(dev)} / ${where}`;
  const type = typeOf(mount);
  return `${place} ${options(mount)},relatime - ${type} ${type} ${options(mount)}\n`;
});

/** /proc/PID/mountstats (fs/proc_namespace.c show_vfsstat()). */
export const mountstatsOperations: FileOperations = mountList(
  (mount, where) => `device ${typeOf(mount)} mounted on ${where} with fstype ${typeOf(mount)}\n`,
);
