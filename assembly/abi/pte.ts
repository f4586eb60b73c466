// A page-table entry, as x86-64 lays it out (arch/x86/include/asm/pgtable_types.h):
//
//   63 62      52 51                12 11 10  9  8  7  6  5  4  3  2  1  0
//  +--+----------+--------------------+--+--+--+--+--+--+--+--+--+--+--+--+
//  |NX| 0  DV  0 |  frame address     |SD|WP|SP|G | 0| D| A| 0| 0|US|RW| P|
//  +--+----------+--------------------+--+--+--+--+--+--+--+--+--+--+--+--+
//
// The frame address is a place in linear memory, so only its low 32 bits are ever set.
export const PTE_PRESENT = 0x1;
export const PTE_RW = 0x2;
export const PTE_USER = 0x4;
export const PTE_ACCESSED = 0x20;
export const PTE_DIRTY = 0x40;
/** _PAGE_PROTNONE: the page is there but the CPU may not touch it (PTE_PRESENT is clear). */
export const PTE_PROTNONE = 0x100;
/** _PAGE_SPECIAL: the shared zero page, which is nobody's resident page. */
export const PTE_SPECIAL = 0x200;
/** _PAGE_UFFD_WP: a userfaultfd is told of stores. PTE_RW is clear then. */
export const PTE_UFFD_WP = 0x400;
export const PTE_SOFT_DIRTY = 0x800;
/** Bit 58, of the bits left to software: a page of a VM_PFNMAP mapping, which only the CPU sees. */
export const PTE_DEVICE_SHIFT = 58;
/** Bit 63, execution forbidden; a shift because constants here stay below 2^31. */
export const PTE_NX_SHIFT = 63;
/** A non-present entry that marks a guard page (PTE_MARKER_GUARD of include/linux/swapops.h). */
export const PTE_MARKER_GUARD = 0x2;
/** PTE_MARKER_UFFD_WP: nothing is mapped, and what will be is write-protected. */
export const PTE_MARKER_UFFD_WP = 0x4;
/** PTE_MARKER_POISONED: an access is SIGBUS (UFFDIO_POISON). */
export const PTE_MARKER_POISONED = 0x8;
