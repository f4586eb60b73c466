// Places of fields that the host reads in linear memory; check.ts proves them against the classes.
export const VMA_START = 0;
export const VMA_END = 8;
export const VMA_PGOFF = 16;
export const VMA_MAX_GAP = 24;
export const VMA_FLAGS = 32;
export const VMA_ANON_VMA = 36;
/** u8, VMA_SOFT_DIRTY the u8 and VMA_HEIGHT the u16 behind it. */
export const VMA_NAME = 44;
export const VMA_SOFT_DIRTY = 45;
export const VMA_HEIGHT = 46;
export const VMA_FILE = 48;
export const VMA_MAPPING = 52;
export const VMA_MM = 56;
export const VMA_LEFT = 60;
export const VMA_RIGHT = 64;
export const VMA_PREV = 68;
export const VMA_NEXT = 72;
export const VMA_UFFD = 76;
export const VMA_MAP_NEXT = 84;
export const VMA_PARENT = 88;
export const VM_FILE_ID = 4;
export const MM_PGD = 0;
export const MM_ROOT = 4;
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
export const MM_SALT = 128;
export const MM_WATCHES = 136;
export const MAPPING_SIZE = 0;
export const MAPPING_ROOT = 8;
export const MAPPING_LEVELS = 12;
export const MAPPING_NR_PAGES = 16;
export const MAPPING_VMAS = 28;
export const MAPPING_WRITABLE = 32;

/** Bits of an entry of /proc/PID/pagemap, counted from 56 on (Documentation/admin-guide/mm/pagemap.rst). */
export const PM_MMAP_EXCLUSIVE = 0x1;
/** Bit 55, written since the last clear, is below them. */
export const PM_SOFT_DIRTY_SHIFT = 55;
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
/** Entries that map the page which most entries map. */
export const VMA_PAGES_MAPCOUNT_MAX = 28;
/** u64: proportional set sizes in 1/4096 of a byte: all, and those that are dirty or of a kind. */
export const VMA_PAGES_PSS = 32;
export const VMA_PAGES_PSS_DIRTY = 40;
export const VMA_PAGES_PSS_ANON = 48;
export const VMA_PAGES_PSS_FILE = 56;
export const VMA_PAGES_PSS_SHMEM = 64;
export const VMA_PAGES_SIZE = 72;

/** Fields of the record that countFrames() fills: u32 counts of pages. */
export const FRAMES_ANON = 0;
export const FRAMES_FILE = 4;
export const FRAMES_SHMEM = 8;
export const FRAMES_MAPPED = 12;
export const FRAMES_TABLE = 16;
export const FRAMES_SLAB = 20;
export const FRAMES_SIZE = 24;

/** What PAGEMAP_SCAN says of a page (include/uapi/linux/fs.h). */
export const PAGE_IS_WPALLOWED = 0x1;
export const PAGE_IS_WRITTEN = 0x2;
export const PAGE_IS_FILE = 0x4;
export const PAGE_IS_PRESENT = 0x8;
export const PAGE_IS_SWAPPED = 0x10;
export const PAGE_IS_PFNZERO = 0x20;
export const PAGE_IS_HUGE = 0x40;
export const PAGE_IS_SOFT_DIRTY = 0x80;
export const PAGE_IS_GUARD = 0x100;

/** A section of physical memory (assembly/mm/frame.ts): its size, page structs first, then the bitmap. */
export const SECTION_SIZE = 0x4000000;
export const SECTION_BITMAP = 0x40000;
/** Bitmaps of one bit a frame, for checkpoints (assembly/mm/checkpoint.ts). */
export const SECTION_CLEAN = 0x40800;
export const SECTION_RESERVED = 0x41000;
export const SECTION_USED = 0x41800;
export const SECTION_DATA = 0x42000;
export const SECTION_COPIES = 0x42800;
export const SECTION_BITMAP_SIZE = 0x800;
export const SECTION_HEAD = 0x43000;
/** Static data ends below: so frames lie where they lay when an image of them was made by another build. */
export const FIRST_FRAME = 0x70000;
export const PAGE_STRUCT_SIZE = 16;
export const PAGE_REFCOUNT = 0;
export const PAGE_MAPCOUNT = 4;
export const PAGE_FLAGS = 8;
export const PAGE_OWNER = 12;
/** Page flags: an anonymous page; a page of a Mapping; a page table; small objects; written through a mapping. */
export const PG_ANON = 1;
export const PG_CACHE = 2;
export const PG_TABLE = 4;
export const PG_SLAB = 8;
export const PG_DIRTY = 16;
/** Of a file, given memory by fallocate and never used since: not PG_uptodate, a hole to whoever looks. */
export const PG_FALLOCATED = 32;
/** An anonymous page that MADV_FREE gave up: not PG_swapbacked, discarded while it is clean. */
export const PG_LAZYFREE = 64;
/** A page table that several mms share and whose pages' mapcounts count it for each (share.ts). */
export const PG_SETTLED = 128;
/** A page table whose owner word counts its resident pages by kind. */
export const PG_COUNTED = 256;
/** Instructions of the page are decoded: whoever writes to it drops them. */
export const PG_CODE = 512;
/** The top page table of an mm. */
export const PG_ROOT = 1024;

/** State of the core outside of frames (assembly/mm/image.ts). */
export const IMAGE_STATE_SIZE = 64;
/** Raised with every change of what lies in the kernel's frames: images of another layout are refused. */
export const IMAGE_LAYOUT = 3;

/** The TLB (assembly/mm/tlb.ts): one entry for each 2 MiB in each of its tables. */
export const REGION_ENTRIES = 2048;
/** What a key of the TLB is shifted by to be, masked, the place of its entry in a table. */
export const REGION_INDEX_SHIFT = 17;
export const REGION_ENTRY_SIZE = 16;
export const RANGE_LAST = 8;
export const RANGE_PLACE = 12;
export const TABLE_LOADS = 8;
export const TABLE_STORES = 12;
