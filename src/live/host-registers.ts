/** struct user_regs_struct, bytes, and where its fields lie. */
const SIZE = 216;
const ORIG_RAX = 15 * 8;
const RIP = 16 * 8;
const CS = 17 * 8;
const RSP = 19 * 8;
const SS = 20 * 8;
/** rdi rsi rdx r10 r8 r9: the arguments of a system call. */
const ARGUMENTS = [14, 13, 12, 7, 9, 8].map((index) => index * 8);

/**
 * What /proc/PID/task/TID/syscall tells of a thread's registers; null while it runs.
 *
 *     NR ARG0 … ARG5 SP PC     it waits in a system call
 *     -1 SP PC                 it waits in a fault, or is stopped outside of a call
 *     running
 *
 * @see fs/proc/base.c, proc_pid_syscall()
 */
export function hostRegisters(text: string): Uint8Array | null {
  const words = text.trim().split(' ');
  if (!/^-?\d+$/.test(words[0] ?? '') || words.length < 3) return null;
  const hex = words.slice(1);
  if (!hex.every((word) => /^0x[0-9a-f]{1,16}$/.test(word))) return null;
  const regs = new Uint8Array(SIZE);
  const view = new DataView(regs.buffer);
  view.setBigInt64(ORIG_RAX, BigInt(words[0] ?? '-1'), true);
  const [sp = '0', pc = '0'] = hex.slice(-2);
  view.setBigUint64(RSP, BigInt(sp), true);
  view.setBigUint64(RIP, BigInt(pc), true);
  view.setBigUint64(CS, 0x33n, true);
  view.setBigUint64(SS, 0x2bn, true);
  hex.slice(0, -2).forEach((word, i) => {
    const at = ARGUMENTS[i];
    if (at !== undefined) view.setBigUint64(at, BigInt(word), true);
  });
  return regs;
}
