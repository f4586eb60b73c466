import type { Task } from '../../src/index.js';

/** struct user_regs_struct of riscv64: pc and x1 to x31. */
const REGS_SIZE = 32 * 8;
/** struct __riscv_d_ext_state: f0 to f31 and fcsr. */
const FPREGS_SIZE = 32 * 8 + 8;

/** The general registers of a thread: its CPU's, or those of its core; null of one that no CPU ran. */
export function registersOf(task: Task): Uint8Array | null {
  if (!hasCpu(task)) return task.struct.regs;
  const { cpu } = task;
  const words = new BigUint64Array(REGS_SIZE / 8);
  words[0] = cpu.pc;
  for (let i = 1; i < 32; i++) words[i] = cpu.x(i);
  return new Uint8Array(words.buffer);
}

/** The same of the floating point registers. */
export function floatRegistersOf(task: Task): Uint8Array | null {
  if (!hasCpu(task)) return task.struct.fpregs;
  const { cpu } = task;
  const bytes = new Uint8Array(FPREGS_SIZE);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < 32; i++) view.setBigUint64(i * 8, cpu.f(i), true);
  view.setUint32(FPREGS_SIZE - 8, cpu.fcsr, true);
  return bytes;
}

function hasCpu({ struct, exited }: Task): boolean {
  return struct.hart !== null && !exited;
}
