// What a VMA knows of the userfaultfd it is registered with: Vma.uffd, 0 for none. All of it must be
// equal for two neighbours to merge.
//
//   31                          7 6 5 4 3 2 1 0
//  +-----------------------------+-+-+-+-+-+-+-+
//  | number of the userfaultfd   |  see below  |
//  +-----------------------------+-+-+-+-+-+-+-+
/** VM_UFFD_MISSING, VM_UFFD_WP, VM_UFFD_MINOR of Linux's vm_flags: the modes of UFFDIO_REGISTER. */
export const UFFD_MISSING = 0x1;
export const UFFD_WP = 0x2;
export const UFFD_MINOR = 0x4;
export const UFFD_MODES = 0x7;
/** UFFD_FEATURE_WP_ASYNC: stores lift the protection themselves. */
export const UFFD_WP_ASYNC = 0x8;
/** UFFD_FEATURE_WP_UNPOPULATED: anonymous pages that are not there can be protected too. */
export const UFFD_WP_UNPOPULATED = 0x10;
/** UFFD_USER_MODE_ONLY: the kernel's own accesses fail in place of waiting. */
export const UFFD_USER_ONLY = 0x20;
/** UFFD_FEATURE_SIGBUS: every access fails in place of waiting. */
export const UFFD_SIGBUS = 0x40;
export const UFFD_NUMBER_SHIFT = 7;

/** Flags of a fault message (UFFD_PAGEFAULT_FLAG_*, include/uapi/linux/userfaultfd.h). */
export const UFFD_PAGEFAULT_FLAG_WRITE = 0x1;
export const UFFD_PAGEFAULT_FLAG_WP = 0x2;
export const UFFD_PAGEFAULT_FLAG_MINOR = 0x4;

/** What uffdFill() puts at absent pages: bytes, the zero page, poison, what the file has there. */
export const FILL_COPY = 0;
export const FILL_ZEROPAGE = 1;
export const FILL_POISON = 2;
export const FILL_CONTINUE = 3;
