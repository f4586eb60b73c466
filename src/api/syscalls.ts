import { implementedSyscalls as namesOf, type SyscallArch } from '../syscall/dispatch.js';
import { oneOf } from './arguments.js';

const ARCHES: readonly SyscallArch[] = ['x86_64', 'riscv64', 'aarch64'];

/**
 * An architecture whose numbers and structures a call uses.
 *
 * @throws {TypeError | RangeError} none that is known
 */
export function archArgument(name: string, value: SyscallArch): SyscallArch {
  return oneOf(name, value, ARCHES);
}

/**
 * A system call by its name or number; one that does not exist is for the kernel to refuse.
 *
 * @throws {TypeError} neither a string nor a number
 * @throws {RangeError} no integer
 */
export function callArgument(name: string, value: string | number): string | number {
  if (typeof value === 'string') return value;
  if (typeof value !== 'number') throw new TypeError(`${name}: neither a name nor a number`);
  if (!Number.isSafeInteger(value)) throw new RangeError(`${name}: ${value} is no integer`);
  return value;
}

/**
 * The calls the machine implements on an architecture, in alphabetical order.
 *
 * @throws {TypeError | RangeError} arch is none that is known
 */
export function implementedSyscalls(arch: SyscallArch = 'x86_64'): string[] {
  return namesOf(archArgument('arch', arch));
}
