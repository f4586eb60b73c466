import type { Kernel } from '../../src/kernel/kernel.js';
import { sysPtrace } from '../../src/kernel/ptrace-request.js';
import type { TaskStruct } from '../../src/kernel/task.js';
import { __WALL, wait4, WNOHANG } from '../../src/kernel/wait.js';
import type { SpawnOptions } from './fixture.js';
import { makeKernel, outcome, spawn } from './fixture.js';

// Requests of ptrace: include/uapi/linux/ptrace.h.
export const TRACEME = 0;
export const PEEKDATA = 2;
export const POKEDATA = 5;
export const CONT = 7;
export const KILL = 8;
export const ATTACH = 16;
export const DETACH = 17;
export const SETOPTIONS = 0x4200;
export const SEIZE = 0x4206;
export const INTERRUPT = 0x4207;
export const LISTEN = 0x4208;
export const EXITKILL = 0x100000;

const U = { uid: 1000 };

type U64 = number | bigint;

/** The error of a request, undefined for none. */
export function ptrace(
  caller: TaskStruct,
  request: number,
  target: TaskStruct | number,
  addr: U64 = 0,
  data: U64 = 0,
): unknown {
  const pid = typeof target === 'number' ? target : target.pid;
  const result = outcome(() => sysPtrace(caller, request, pid, addr, data));
  return result === 0 ? undefined : result;
}

/** Status of any child or tracee that has something to tell, null for none. */
export function wait(task: TaskStruct, pid = -1): unknown {
  const result = outcome(() => wait4(task, pid, WNOHANG | __WALL));
  return typeof result === 'object' && result !== null ? result.status : result;
}

/** A tracer and its child. */
export interface Pair {
  readonly kernel: Kernel;
  readonly tracer: TaskStruct;
  readonly tracee: TaskStruct;
}

/** Root and a child of it that runs as uid 1000. */
export function pair(options: SpawnOptions = U): Pair {
  const kernel = makeKernel();
  const tracer = spawn(kernel);
  return { kernel, tracer, tracee: spawn(kernel, { ...options, parent: tracer }) };
}
