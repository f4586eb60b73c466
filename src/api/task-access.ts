import { EFAULT, EINVAL, ESRCH } from '../../assembly/abi/errno.js';
import { fail, ofCall } from '../errno.js';
import { ptracePeek, ptracePoke } from '../kernel/attach.js';
import { MAX_RW_COUNT } from '../kernel/iovec.js';
import type { Kernel } from '../kernel/kernel.js';
import { processVmArray, processVmRange } from '../kernel/process-vm.js';
import { PTRACE_ATTACH, PTRACE_DETACH, PTRACE_SEIZE } from '../kernel/ptrace-abi.js';
import { sysPtrace } from '../kernel/ptrace-request.js';
import type { TaskStruct } from '../kernel/task.js';
import { acting, mustAct } from '../mm/acting.js';
import { accessOk } from '../mm/address.js';
import { isNegative } from '../vfs/u64.js';
import { bytesArgument, intArgument, u64Argument } from './arguments.js';
import { TaskFiles } from './task-files.js';
import type { Task } from './task.js';

/** What a task does to others of its machine: ptrace and process_vm. Part of Task. */
export abstract class TaskAccess extends TaskFiles {
  /** Attaches to a task and stops it. @throws {LinuxError} EPERM: not permitted; ESRCH */
  ptraceAttach(target: Task): void {
    this.making('ptrace', (task) => sysPtrace(task, PTRACE_ATTACH, this.#target(target).pid, 0, 0));
  }

  /** Attaches to a task that runs on. @throws {LinuxError} EPERM: not permitted; ESRCH */
  ptraceSeize(target: Task, options = 0): void {
    const { pid } = this.#target(target);
    this.making('ptrace', (task) =>
      sysPtrace(task, PTRACE_SEIZE, pid, 0, intArgument('options', options, 0, 0xffffffff)),
    );
  }

  /** Lets a tracee go. @throws {LinuxError} ESRCH: no tracee, or one that is not stopped */
  ptraceDetach(target: Task): void {
    this.making('ptrace', (task) => sysPtrace(task, PTRACE_DETACH, this.#target(target).pid, 0, 0));
  }

  /** Reads a word of a tracee, whatever its protection. @throws {LinuxError} EIO: not mapped */
  ptracePeek(target: Task, addr: number | bigint): bigint {
    if (mustAct(this.struct)) return acting(this.struct, this.ptracePeek.bind(this, target, addr));
    const word = this.making('ptrace', (task) =>
      ptracePeek(task, this.#target(target), u64Argument('addr', addr)),
    );
    return new DataView(word.buffer).getBigUint64(0, true);
  }

  /** Writes a word of a tracee, whatever its protection. @throws {LinuxError} EIO: not mapped */
  ptracePoke(target: Task, addr: number | bigint, value: number | bigint): void {
    if (mustAct(this.struct)) {
      return acting(this.struct, this.ptracePoke.bind(this, target, addr, value));
    }
    const word = u64Argument('value', value);
    this.making('ptrace', (task) =>
      ptracePoke(task, this.#target(target), u64Argument('addr', addr), word),
    );
  }

  /**
   * Reads another process's memory as process_vm_readv does: protections count.
   *
   * @returns bytes read, up to the first page that cannot be read
   * @throws {LinuxError} EPERM: not permitted; ESRCH: it has exited; EFAULT: not one byte
   */
  processVmRead(target: Task, addr: number | bigint, into: Uint8Array): number {
    return this.#processVm(target, addr, bytesArgument('into', into), false);
  }

  /**
   * Writes another process's memory as process_vm_writev does: protections count.
   *
   * @returns bytes written, up to the first page that cannot be written
   * @throws {LinuxError} EPERM: not permitted; ESRCH: it has exited; EFAULT: not one byte
   */
  processVmWrite(target: Task, addr: number | bigint, from: Uint8Array): number {
    return this.#processVm(target, addr, bytesArgument('from', from), true);
  }

  /**
   * Copies another process's memory into this task's own, as process_vm_readv with one segment on
   * either side does; the bytes never leave the machine's memory.
   *
   * @param into an address of this task
   * @returns bytes copied, up to the first page that cannot be read or filled
   * @throws {LinuxError} as processVmRead(); EFAULT also: `into` is no user range; EINVAL: a negative length
   */
  processVmCopy(
    target: Task,
    addr: number | bigint,
    into: number | bigint,
    length: number | bigint,
  ): number {
    if (mustAct(this.struct)) {
      return acting(this.struct, this.processVmCopy.bind(this, target, addr, into, length));
    }
    const from = u64Argument('addr', addr);
    const to = u64Argument('into', into);
    const bytes = u64Argument('length', length);
    if (isNegative(bytes)) fail(EINVAL, 'process_vm_readv');
    const count = Math.min(Number(bytes), MAX_RW_COUNT);
    if (!accessOk(to, count)) fail(EFAULT, 'process_vm_readv');
    const { leader } = this.#target(target).group;
    const task = this.calling('process_vm_readv');
    if (count === 0) return 0;
    try {
      return processVmRange(task, leader, from, count, to as number, count, false);
    } catch (error) {
      throw ofCall(error, 'process_vm_readv');
    }
  }

  /**
   * The other side of an access that names it by number.
   *
   * @throws {LinuxError} ESRCH: it was reaped, and its number may be another's by now
   */
  #target(value: Task): TaskStruct {
    const { struct } = taskArgument('target', value, this.struct.kernel);
    return struct.state === 'X' ? fail(ESRCH) : struct;
  }

  #processVm(target: Task, addr: number | bigint, host: Uint8Array, write: boolean): number {
    if (mustAct(this.struct)) {
      return acting(this.struct, this.#processVm.bind(this, target, addr, host, write));
    }
    const at = u64Argument('addr', addr);
    const { leader } = this.#target(target).group;
    const task = this.calling(write ? 'process_vm_writev' : 'process_vm_readv');
    try {
      return processVmArray(task, leader, at, host, write);
    } catch (error) {
      throw ofCall(error, write ? 'process_vm_writev' : 'process_vm_readv');
    }
  }
}

/**
 * A task of the machine that acts on it.
 *
 * @throws {TypeError} no Task, or one of another machine: its number means somebody else here
 */
export function taskArgument(name: string, value: Task, kernel: Kernel): Task {
  if (!(value instanceof TaskAccess)) throw new TypeError(`${name}: not a Task`);
  if (value.struct.kernel !== kernel) throw new TypeError(`${name}: a task of another machine`);
  return value;
}
