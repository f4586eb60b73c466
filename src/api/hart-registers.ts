import { machineOfRegs } from '../elf/machines.js';
import { fail } from '../errno.js';
import { EINVAL } from '../../assembly/abi/errno.js';
import type { RegisterBlock, TargetArch } from '../gdb/target.js';
import { NT_PRFPREG, NT_PRSTATUS, regsetBytes, setRegsetBytes } from '../kernel/ptrace-regs.js';
import type { TaskStruct } from '../kernel/task.js';
import { type Cpu, startedCpu } from './cpu.js';

// Layouts of riscv64: struct user_regs_struct is pc and x1 to x31; struct __riscv_d_ext_state f0 to f31 and fcsr.
const REGS = 32 * 8;
const FCSR = 32 * 8;
const FPREGS = FCSR + 8;

/** The processor that a thread runs on: its hart's, or that of the core it came from. */
export function archOf(task: TaskStruct): TargetArch {
  if (startedCpu(task) !== null) return 'riscv64';
  const name = machineOfRegs(task.regs?.length ?? 0)?.name ?? 'x86-64';
  return name === 'x86-64' ? 'x86_64' : name;
}

/** The registers of a thread as a core of its processor has them; null where they are not known. */
export function registersOf(task: TaskStruct, block: RegisterBlock): Uint8Array | null {
  const cpu = startedCpu(task);
  if (cpu !== null) return block === 'general' ? generalOf(cpu) : floatOf(cpu);
  if (archOf(task) === 'x86_64') return regsetBytes(task, noteOf(block));
  return (block === 'general' ? task.regs : task.fpregs)?.slice() ?? null;
}

/** Sets them. @throws {LinuxError} EIO, EINVAL: a value user mode may not have, or another length */
export function setRegistersOf(task: TaskStruct, block: RegisterBlock, bytes: Uint8Array): void {
  const cpu = startedCpu(task);
  if (cpu === null && archOf(task) === 'x86_64') {
    return setRegsetBytes(task, noteOf(block), bytes);
  }
  if (bytes.length !== registersOf(task, block)?.length) fail(EINVAL);
  if (cpu !== null) setHart(cpu, block, new DataView(bytes.buffer, bytes.byteOffset));
  else if (block === 'general') task.regs = bytes.slice();
  else task.fpregs = bytes.slice();
}

function noteOf(block: RegisterBlock): number {
  return block === 'general' ? NT_PRSTATUS : NT_PRFPREG;
}

function generalOf(cpu: Cpu): Uint8Array {
  const bytes = new Uint8Array(REGS);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, cpu.pc, true);
  for (let i = 1; i < 32; i++) view.setBigUint64(i * 8, cpu.x(i), true);
  return bytes;
}

function floatOf(cpu: Cpu): Uint8Array {
  const bytes = new Uint8Array(FPREGS);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < 32; i++) view.setBigUint64(i * 8, cpu.f(i), true);
  view.setUint32(FCSR, cpu.fcsr, true);
  return bytes;
}

function setHart(cpu: Cpu, block: RegisterBlock, view: DataView): void {
  for (let i = 0; i < 32; i++) {
    const value = view.getBigUint64(i * 8, true);
    if (block === 'float') cpu.setF(i, value);
    else if (i === 0) cpu.pc = value;
    else cpu.setX(i, value);
  }
  if (block === 'float') cpu.fcsr = view.getUint32(FCSR, true) & 0xff;
}
