import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { VM_EXEC, VM_MAYSHARE, VM_READ, VM_WRITE } from '../../assembly/abi/vma.js';
import type { VmaInfo } from '../mm/mm.js';
import { byteString } from '../vfs/byte-string.js';
import { dPath } from '../vfs/dentry.js';
import { File } from '../vfs/file.js';
import { major, minor } from '../vfs/super-block.js';

/** Column that names start in: 25 + 6 * sizeof(void *) in fs/proc/task_mmu.c. */
const NAME_COLUMN = 73;

/** A number in hexadecimal of at least eight digits. */
const hex8 = (value: number): string => value.toString(16).padStart(8, '0');
const hex2 = (value: number): string => value.toString(16).padStart(2, '0');

/** "rwxp": what the mapping allows, and whether it is shared. */
function vmaPerms(flags: number): string {
  return [
    (flags & VM_READ) !== 0 ? 'r' : '-',
    (flags & VM_WRITE) !== 0 ? 'w' : '-',
    (flags & VM_EXEC) !== 0 ? 'x' : '-',
    (flags & VM_MAYSHARE) !== 0 ? 's' : 'p',
  ].join('');
}

/** The open file behind a mapping. */
export function vmaFile(vma: VmaInfo): File | null {
  return vma.file instanceof File ? vma.file : null;
}

/**
 * The path of an open file as a byte string, seen from the top of the tree, with some characters
 * as backslash and three octal digits.
 * @see fs/seq_file.c seq_file_path()
 */
export function filePath(file: File, escaped: string): string {
  const path = byteString(dPath(file.path, file.inode.sb.vfs.root));
  const octal = (character: string): string =>
    `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`;
  return [...path].map((each) => (escaped.includes(each) ? octal(each) : each)).join('');
}

/**
 * The name of a mapping: the path of its file with newlines as \012, or what it is. Empty for none.
 */
export function vmaName(vma: VmaInfo): string {
  const file = vmaFile(vma);
  if (file === null) return vma.name ?? '';
  return filePath(file, '\n');
}

/**
 * The line of one mapping, without its end.
 * @see fs/proc/task_mmu.c show_map_vma(), show_vma_header_prefix()
 */
export function vmaHeader(vma: VmaInfo, name: string): string {
  const file = vmaFile(vma);
  const dev = file === null ? 0 : file.inode.sb.dev;
  const offset = file === null ? 0 : vma.pgoff * PAGE_SIZE;
  const place = `${hex2(major(dev))}:${hex2(minor(dev))} ${file === null ? 0 : file.inode.ino} `;
  const range = `${hex8(vma.start)}-${hex8(vma.end)}`;
  const prefix = `${range} ${vmaPerms(vma.flags)} ${hex8(offset)} ${place}`;
  return name === '' ? prefix : prefix.padEnd(NAME_COLUMN) + name;
}
