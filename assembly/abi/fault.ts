// What a fault came to: 0 is success, the rest are told apart by the caller (include/linux/mm_types.h
// has the same as VM_FAULT_* bits; the two SEGV codes come from the architecture's fault handler).
export const FAULT_OK = 0;
/** SIGSEGV, SEGV_MAPERR: no mapping at the address. */
export const FAULT_MAPERR = 1;
/** SIGSEGV, SEGV_ACCERR: the mapping forbids the access. */
export const FAULT_ACCERR = 2;
/** SIGBUS, BUS_ADRERR: a file page beyond the end of its file. */
export const FAULT_SIGBUS = 3;
/** No frame or page table could be had. */
export const FAULT_OOM = 4;
/** The page belongs to a file of the host and is not loaded: the host fills it and calls again. */
export const FAULT_NEED_PAGE = 5;
/** VM_FAULT_SIGSEGV from below the architecture's checks: a guard marker. */
export const FAULT_SIGSEGV = 6;
/** A userfaultfd has the fault: the access waits until somebody resolves it. */
export const FAULT_USERFAULT = 7;
/** Memory of a device, behind which there is no frame: the host asks the device, or makes a SIGBUS of it. */
export const FAULT_DEVICE = 8;
/** Nothing was done yet: the page is watched, and the host does the access itself (mm/watch.ts). */
export const FAULT_WATCH = 9;

/** Returned beside negative errnos by calls that stopped at a page only the host can load. */
export const NEED_PAGE = 4096;
/** Returned likewise by calls that stopped at a fault that a userfaultfd has. */
export const NEED_USERFAULT = 4097;
/** The same where the host has to do the rest: FAULT_DEVICE or FAULT_WATCH. */
export const NEED_HOST = 4098;
