// gup_flags of a remote access: include/linux/mm_types.h.
export const FOLL_WRITE = 1;
export const FOLL_FORCE = 8;
/** The page is held while it is copied (process_vm_readv), so it must not be one shared by a fork. */
export const FOLL_PIN = 0x80000;
/** So many pages of a remote segment are pinned before the first byte is copied: mm/process_vm_access.c. */
export const PVM_MAX_KMALLOC_PAGES = 1024;
