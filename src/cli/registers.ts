import { machineOfRegs } from '../elf/machines.js';
import { architectureOf } from '../gdb/arch.js';
import { registersOf } from '../gdb/registers.js';

/** A register of 64 bits, and where it lies in the general registers of a core. */
interface NamedRegister {
  readonly name: string;
  readonly offset: number;
}

/** Members of x86-64's struct user_regs_struct, in its order. */
const X86_64 = (
  'r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss ' +
  'fs_base gs_base'
)
  .split(' ')
  .map((name, i) => ({ name, offset: i * 8 }));

/** The registers of the processor whose general registers these are. */
function namesOf(regs: Uint8Array): readonly NamedRegister[] {
  const name = machineOfRegs(regs.length)?.name ?? 'x86-64';
  if (name === 'x86-64') return X86_64;
  const all = registersOf(architectureOf(name));
  return all.filter(({ block, size }) => block === 'general' && size === 8);
}

/** The names by which a thread's registers are called, of any processor. */
export function registerNames(regs: Uint8Array): string[] {
  return [...new Set([...namesOf(regs).map(({ name }) => name), 'pc', 'sp'])];
}

/** A register by its name, or `pc` and `sp` on every processor; null for none. */
export function registerOf(regs: Uint8Array, name: string): bigint | null {
  const { pcOffset, spOffset } = machineOfRegs(regs.length) ?? { pcOffset: 128, spOffset: 152 };
  const places: Readonly<Record<string, number>> = { pc: pcOffset, sp: spOffset };
  const offset = namesOf(regs).find((one) => one.name === name)?.offset ?? places[name];
  if (offset === undefined || offset + 8 > regs.length) return null;
  return new DataView(regs.buffer, regs.byteOffset, regs.length).getBigUint64(offset, true);
}
