// A RISC-V hart: its registers as they lie between host and core, and why a run came back.

/** Bytes of a register file: x0-x31, a place that writes to x0 go to, f0-f31. */
export const HART_X = 0;
export const HART_SINK = 256;
export const HART_F = 264;
/** u64: address of the next instruction. */
export const HART_PC = 520;
/** u32: fflags in bits 4-0, frm in bits 7-5. */
export const HART_FCSR = 528;
/** u32: 1 while a reservation of LR stands. */
export const HART_RESERVED = 532;
/** u64: its address, and the value that LR loaded. */
export const HART_RESERVED_ADDR = 536;
export const HART_RESERVED_VALUE = 544;
/** u64: instructions that have been executed. */
export const HART_INSTRET = 552;
export const HART_SIZE = 560;

/** Why a run came back. */
export const STOP_FUEL = 0;
export const STOP_ECALL = 1;
export const STOP_EBREAK = 2;
export const STOP_ILLEGAL = 3;
/** BUS_ADRALN: an atomic access that is not aligned. */
export const STOP_MISALIGNED = 4;
/** A load, store or fetch faulted: lastFault() has FAULT_*. */
export const STOP_FAULT = 5;

/** fflags. */
export const FLAG_NX = 1;
export const FLAG_UF = 2;
export const FLAG_OF = 4;
export const FLAG_DZ = 8;
export const FLAG_NV = 16;

/** Rounding modes; 7 in an instruction is the one in frm. */
export const RM_RNE = 0;
export const RM_RTZ = 1;
export const RM_RDN = 2;
export const RM_RUP = 3;
export const RM_RMM = 4;
export const RM_DYN = 7;
