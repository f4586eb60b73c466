// gup_flags of a remote access: include/linux/mm_types.h.
export const FOLL_WRITE = 1;
export const FOLL_FORCE = 8;
