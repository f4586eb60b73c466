import { EINVAL, EIO } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { Hart } from '../mm/hart.js';
import { NT_PRFPREG, NT_PRSTATUS, type Regset } from './ptrace-regs.js';
import type { TaskStruct } from './task.js';

// Layouts of riscv64: struct user_regs_struct is pc and x1 to x31; struct __riscv_d_ext_state f0 to f31 and fcsr,
// which ptrace pads to 8 bytes.
const REGS_SIZE = 32 * 8;
const FCSR = 32 * 8;
const FPREGS_SIZE = FCSR + 8;

function hartOf(task: TaskStruct): Hart {
  return task.hart ?? fail(EIO);
}

const GENERAL: Regset = {
  size: REGS_SIZE,
  get(task) {
    const hart = hartOf(task);
    const words = BigUint64Array.from({ length: 32 }, (_, i) => (i === 0 ? hart.pc : hart.x(i)));
    return new Uint8Array(words.buffer);
  },
  set(task, bytes) {
    const hart = hartOf(task);
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    for (let at = 0; at + 8 <= bytes.length; at += 8) {
      const value = view.getBigUint64(at, true);
      if (at === 0) hart.pc = value;
      else hart.setX(at / 8, value);
    }
  },
};

const FLOATING: Regset = {
  size: FPREGS_SIZE,
  get(task) {
    const hart = hartOf(task);
    const words = BigUint64Array.from({ length: 33 }, (_, i) =>
      i < 32 ? hart.f(i) : BigInt(hart.fcsr),
    );
    return new Uint8Array(words.buffer);
  },
  set(task, bytes) {
    const hart = hartOf(task);
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const whole = Math.min(Math.floor(bytes.length / 8), 32);
    for (let i = 0; i < whole; i++) hart.setF(i, view.getBigUint64(i * 8, true));
    if (bytes.length > FCSR) hart.fcsr = view.getUint32(FCSR, true);
  },
};

/**
 * The registers of a task that runs on a hart, by the type of their note.
 *
 * @throws {LinuxError} EINVAL: no such type; there are no vector registers
 * @see arch/riscv/kernel/ptrace.c, riscv_user_regset
 */
export function riscvRegset(type: number): Regset {
  if (type === NT_PRSTATUS) return GENERAL;
  return type === NT_PRFPREG ? FLOATING : fail(EINVAL);
}
