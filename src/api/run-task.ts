import type { TargetRun } from '../gdb/target.js';
import { SIGBUS, SIGILL, SIGSEGV, SIGTRAP } from '../kernel/signal.js';
import { doSyscall } from '../syscall/dispatch.js';
import { type CpuStop, startedCpu } from './cpu.js';
import type { Task } from './task.js';

/** Where arguments and number of a system call are, and where its result goes: a0 to a5, a7. */
const A0 = 10;
const A7 = 17;
const ARGUMENTS = [10, 11, 12, 13, 14, 15];

/**
 * Runs the hart of a thread until a signal would stop it, and makes its system calls in the machine.
 *
 * @param fuel instructions at most
 * @returns null for a thread that runs on no hart
 */
export function runTask(task: Task, fuel: number): TargetRun | null {
  const { struct } = task;
  const cpu = startedCpu(struct);
  if (cpu === null) return null;
  for (let left = fuel; left > 0;) {
    const before = cpu.instret;
    const stop = cpu.run(left);
    // A call is an instruction, whether it was counted or not: a run of one makes it and ends.
    left -= Math.max(1, Number(cpu.instret - before));
    const signal = signalOf(stop);
    if (signal !== 0) return { kind: 'signal', signal };
    if (stop.reason !== 'ecall') continue;
    const args = ARGUMENTS.map((register) => cpu.x(register));
    const result = doSyscall(struct, Number(cpu.x(A7)), args, 'riscv64');
    if (task.exited) return { kind: 'gone', status: struct.exitCode };
    cpu.setX(A0, BigInt(result));
  }
  return { kind: 'fuel' };
}

/** The signal that Linux would send; 0 for none. */
function signalOf(stop: CpuStop): number {
  if (stop.reason === 'ebreak') return SIGTRAP;
  if (stop.reason === 'illegal') return SIGILL;
  if (stop.reason !== 'fault') return 0;
  // A fault that a userfaultfd has is nobody's signal: the next run makes the access again.
  if (stop.signal === null) return 0;
  return stop.signal === 'SIGBUS' ? SIGBUS : SIGSEGV;
}
