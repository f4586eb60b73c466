// vm_flags of a VMA: include/linux/mm.h. Those that Linux keeps at bit 31 and above have free bits here.
export const VM_READ = 0x1;
export const VM_WRITE = 0x2;
export const VM_EXEC = 0x4;
export const VM_SHARED = 0x8;
export const VM_MAYREAD = 0x10;
export const VM_MAYWRITE = 0x20;
export const VM_MAYEXEC = 0x40;
export const VM_MAYSHARE = 0x80;
export const VM_GROWSDOWN = 0x100;
/** Pages of a memfd_secret: no remote access (vma_is_secretmem() in Linux). */
export const VM_SECRETMEM = 0x200;
export const VM_PFNMAP = 0x400;
/** Linux: bit 40 (64-bit kernels). */
export const VM_DROPPABLE = 0x800;
/** Linux: bit 42. */
export const VM_SEALED = 0x1000;
export const VM_LOCKED = 0x2000;
export const VM_IO = 0x4000;
export const VM_SEQ_READ = 0x8000;
export const VM_RAND_READ = 0x10000;
export const VM_DONTCOPY = 0x20000;
export const VM_DONTEXPAND = 0x40000;
export const VM_LOCKONFAULT = 0x80000;
export const VM_ACCOUNT = 0x100000;
export const VM_NORESERVE = 0x200000;
/** Linux: bit 11. Guard pages were put into it once; set without a split, and kept by merges. */
export const VM_MAYBE_GUARD = 0x400000;
/** No reason not to merge, and the whole has it then. */
export const VM_STICKY = 0x400000;
export const VM_SYNC = 0x800000;
/** Not of Linux: vm_ops has a close(), so the VMA is never merged away (can_merge_remove_vma()). */
export const VM_CLOSES = 0x1000000;
export const VM_WIPEONFORK = 0x2000000;
export const VM_DONTDUMP = 0x4000000;
/** Linux: bit 31. */
export const VM_MERGEABLE = 0x8000000;
export const VM_MIXEDMAP = 0x10000000;
export const VM_HUGEPAGE = 0x20000000;
export const VM_NOHUGEPAGE = 0x40000000;

/** Names of special mappings (_install_special_mapping()), as a VMA keeps them; 0 is none. */
export const SPECIAL_VDSO = 1;
export const SPECIAL_VVAR = 2;
export const SPECIAL_VVAR_VCLOCK = 3;
