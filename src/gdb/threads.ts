// Requests about threads and their registers.
import { EINVAL, ENXIO, EPERM, ESRCH } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { sizeArgument, splitAt, threadArgument } from './arguments.js';
import { bytesOfHex, hexOf } from './packet.js';
import { readRegisters, type Register, writeRegisters } from './registers.js';
import type { SessionState } from './state.js';

/** Threads named in one reply. */
const THREADS_PER_REPLY = 512;

/** `HgTHREAD`, `HcTHREAD`: which thread requests are about. */
export function selectThread(state: SessionState, args: string): string {
  const kind = args.charAt(0);
  if (kind !== 'g' && kind !== 'c') fail(EINVAL);
  const thread = threadArgument(state, args.slice(1));
  // Before anything is attached gdb selects any thread, and is to be told that this is fine.
  if (thread === null) return state.attached.size === 0 ? 'OK' : fail(ESRCH);
  // Without a CPU it does not matter which thread would go on.
  if (kind === 'g') state.current = thread;
  return 'OK';
}

/** `TTHREAD`: whether it is alive. */
export function isAlive(state: SessionState, args: string): string {
  return threadArgument(state, args) === null ? fail(ESRCH) : 'OK';
}

/** `qC`: the current thread. */
export function currentThread(state: SessionState): string {
  return `QC${state.nameOf(state.thread())}`;
}

/** `qfThreadInfo` and `qsThreadInfo`: all threads, from one of them on. */
export function listThreads(state: SessionState, from: number): string {
  const names = state.threads().map((thread) => state.nameOf(thread));
  const piece = names.slice(from, from + THREADS_PER_REPLY);
  return piece.length === 0 ? 'l' : `m${piece.join(',')}`;
}

/** How many threads one reply names: where the next begins. */
export const THREAD_LIST_STEP = THREADS_PER_REPLY;

/** `qThreadExtraInfo,THREAD`: its name. */
export function describeThread(state: SessionState, args: string): string {
  const thread = threadArgument(state, args) ?? fail(ESRCH);
  const found = state.findThread(thread) ?? fail(ESRCH);
  return hexOf(new TextEncoder().encode(found.name));
}

/** `g`: all registers. */
export function readAllRegisters(state: SessionState): string {
  return readRegisters(state.target, state.thread().tid, state.registers());
}

/** `GHEX`: all registers; what is short ends early. */
export function writeAllRegisters(state: SessionState, args: string): string {
  if (!/^(?:[0-9a-fA-F]{2}|xx)*$/.test(args)) fail(EINVAL);
  let at = 0;
  const changes: [Register, Uint8Array | null][] = [];
  for (const register of state.registers()) {
    const text = args.slice(at, (at += 2 * register.size));
    if (text.length < 2 * register.size) break;
    changes.push([register, /^x+$/.test(text) ? null : (bytesOfHex(text) ?? fail(EINVAL))]);
  }
  return writeRegisters(state.target, state.thread().tid, changes) ? 'OK' : fail(EPERM);
}

/** `pNUMBER`: one register. */
export function readOneRegister(state: SessionState, args: string): string {
  return readRegisters(state.target, state.thread().tid, [registerOf(state, args)]);
}

/** `PNUMBER=HEX`. */
export function writeOneRegister(state: SessionState, args: string): string {
  const [number, hex] = splitAt(args, '=');
  const register = registerOf(state, number);
  const value = bytesOfHex(hex);
  if (value === null || value.length !== register.size) return fail(EINVAL);
  return writeRegisters(state.target, state.thread().tid, [[register, value]]) ? 'OK' : fail(EPERM);
}

function registerOf(state: SessionState, number: string): Register {
  return state.registers()[sizeArgument(number)] ?? fail(ENXIO);
}
