// Sizes and limits of x86-64 with 4-level paging: arch/x86/include/asm/page_types.h and page_64_types.h.
export const PAGE_SHIFT = 12;
export const PAGE_SIZE = 4096;
export const PAGE_OFFSET_MASK = 4095;
/** log2 of the user half: TASK_SIZE is 2^47 less one guard page. */
export const TASK_SIZE_SHIFT = 47;
