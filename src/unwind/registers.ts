/**
 * The registers of one frame by their DWARF numbers: 16 integer registers, then the return
 * address. A value that is not known any more is null.
 */
export type Registers = readonly (bigint | null)[];

/** DWARF numbers of x86-64 (System V ABI, AMD64 supplement, figure "DWARF Register Number Mapping"). */
export const RBP = 6;
export const RSP = 7;
export const RIP = 16;

/**
 * For each DWARF number its place in struct user_regs_struct, in 8-byte words:
 *
 *     r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp …
 */
const USER_REGS_WORD = [10, 12, 11, 5, 13, 14, 4, 19, 9, 8, 7, 6, 3, 2, 1, 0, 16];

/**
 * The registers in a struct user_regs_struct, as NT_PRSTATUS and PTRACE_GETREGS give it.
 *
 * @param regs at least 160 bytes
 * @throws {RangeError} `regs` is shorter
 */
export function registersFromUser(regs: Uint8Array): Registers {
  if (regs.length < 160) throw new RangeError(`regs: ${regs.length} bytes, not the 160 needed`);
  const view = new DataView(regs.buffer, regs.byteOffset, regs.byteLength);
  return USER_REGS_WORD.map((word) => view.getBigUint64(word * 8, true));
}
