/**
 * File types and permission bits: include/uapi/linux/stat.h and the MAY_ masks of
 * include/linux/fs.h.
 */

export const S_IFMT = 0o170000;
export const S_IFSOCK = 0o140000;
export const S_IFLNK = 0o120000;
export const S_IFREG = 0o100000;
export const S_IFBLK = 0o060000;
export const S_IFDIR = 0o040000;
export const S_IFCHR = 0o020000;
export const S_IFIFO = 0o010000;
export const S_ISUID = 0o4000;
export const S_ISGID = 0o2000;
export const S_ISVTX = 0o1000;
export const S_IRWXUGO = 0o777;
export const S_IALLUGO = 0o7777;
export const S_IXUGO = 0o111;
export const S_IXGRP = 0o010;
/** The mode of a directory everyone may list and search, exactly dr-xr-xr-x. */
export const S_IFDIR_RXUGO = S_IFDIR | 0o555;

export const MAY_EXEC = 0x01;
export const MAY_WRITE = 0x02;
export const MAY_READ = 0x04;
export const MAY_APPEND = 0x08;
export const MAY_ACCESS = 0x10;
export const MAY_OPEN = 0x20;
export const MAY_CHDIR = 0x40;

/** Whether the mode is that of a directory. */
export const isDir = (mode: number): boolean => (mode & S_IFMT) === S_IFDIR;

/** Whether the mode is that of a regular file. */
export const isReg = (mode: number): boolean => (mode & S_IFMT) === S_IFREG;

/** Whether the mode is that of a symbolic link. */
export const isLnk = (mode: number): boolean => (mode & S_IFMT) === S_IFLNK;

/** Whether the mode is that of a device: no file system behind it takes its writes. */
export const isDevice = (mode: number): boolean =>
  (mode & S_IFMT) === S_IFCHR || (mode & S_IFMT) === S_IFBLK;

/** The DT_ value of getdents64 for a mode: its top four bits (fs/fs_types.c). */
export const fsUmodeToDtype = (mode: number): number => (mode & S_IFMT) >>> 12;
