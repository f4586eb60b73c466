// Places of fields that the host reads in linear memory; check.ts proves them against the classes.
export const VMA_START = 0;
export const VMA_END = 8;
export const VMA_PGOFF = 16;
export const VMA_FLAGS = 32;
export const VMA_ANON_VMA = 36;
export const VMA_NAME = 44;
export const VMA_FILE = 48;
export const VMA_MAPPING = 52;
export const VMA_NEXT = 72;
export const VM_FILE_ID = 4;
export const MM_FIRST = 8;
export const MM_MAP_COUNT = 20;
export const MM_TABLES = 40;
export const MM_RSS_ANON = 44;
export const MM_RSS_FILE = 48;
export const MM_RSS_SHMEM = 52;
export const MM_HIWATER_RSS = 56;
export const MM_TOTAL_VM = 64;
export const MM_HIWATER_VM = 72;
export const MM_DATA_VM = 80;
export const MM_EXEC_VM = 88;
export const MM_STACK_VM = 96;
export const MM_LOCKED_VM = 104;
export const MAPPING_SIZE = 0;
export const MAPPING_NR_PAGES = 16;
export const MAPPING_WRITABLE = 32;

/** Bits of an entry of /proc/PID/pagemap, counted from 56 on (Documentation/admin-guide/mm/pagemap.rst). */
export const PM_MMAP_EXCLUSIVE = 0x1;
export const PM_UFFD_WP = 0x2;
export const PM_GUARD_REGION = 0x4;
export const PM_FILE = 0x20;
export const PM_SWAP = 0x40;
export const PM_PRESENT = 0x80;

/** Fields of the record that vmaPages() fills: u32 counts of pages. */
export const VMA_PAGES_RSS = 0;
export const VMA_PAGES_SHARED_CLEAN = 4;
export const VMA_PAGES_SHARED_DIRTY = 8;
export const VMA_PAGES_PRIVATE_CLEAN = 12;
export const VMA_PAGES_PRIVATE_DIRTY = 16;
export const VMA_PAGES_ANON = 20;
export const VMA_PAGES_REFERENCED = 24;
/** f64: proportional set size in bytes. */
export const VMA_PAGES_PSS = 32;
