// Arguments of requests. What is none is answered with an error, never guessed.
import { EINVAL } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { SessionState, ThreadName } from './state.js';

/** A number of up to 64 bits in hexadecimal. @throws {LinuxError} EINVAL: none */
export function hexArgument(text: string | undefined): bigint {
  if (text === undefined || !/^[0-9a-fA-F]{1,16}$/.test(text)) return fail(EINVAL);
  return BigInt(`0x${text}`);
}

/** A number up to 2^53 in hexadecimal: a count, an offset. @throws {LinuxError} EINVAL: none */
export function sizeArgument(text: string | undefined): number {
  const value = hexArgument(text);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) fail(EINVAL);
  return Number(value);
}

/** `A,B` of two numbers. @throws {LinuxError} EINVAL: not two */
export function rangeArgument(text: string): { addr: bigint; length: number } {
  const [addr, length, ...more] = text.split(',');
  if (more.length > 0) fail(EINVAL);
  return { addr: hexArgument(addr), length: sizeArgument(length) };
}

/** Cuts a text at the first of a character. @throws {LinuxError} EINVAL: it has none */
export function splitAt(text: string, separator: string): [before: string, after: string] {
  const at = text.indexOf(separator);
  if (at < 0) fail(EINVAL);
  return [text.slice(0, at), text.slice(at + separator.length)];
}

/** What a thread argument names: -1 for all, 0 for any. */
interface ThreadPattern {
  readonly pid: number;
  readonly tid: number;
}

/** `pPID.TID`, `pPID` or `TID`. @throws {LinuxError} EINVAL: none of them */
function threadPattern(text: string): ThreadPattern {
  const match = /^(?:p(-1|[0-9a-fA-F]{1,8})(?:\.(-1|[0-9a-fA-F]{1,8}))?|(-1|[0-9a-fA-F]{1,8}))$/;
  const found = match.exec(text);
  if (found === null) return fail(EINVAL);
  const [, pid, tid, alone] = found;
  const number = (digits: string): number => Number.parseInt(digits, 16);
  if (alone !== undefined) return { pid: 0, tid: number(alone) };
  return { pid: number(pid ?? '0'), tid: number(tid ?? '-1') };
}

/**
 * The thread that an argument names; of several the one that comes first, the present one before all.
 *
 * @returns null when there is no such thread
 * @throws {LinuxError} EINVAL: no thread's name
 */
export function threadArgument(state: SessionState, text: string): ThreadName | null {
  const wanted = threadPattern(text);
  const fits = ({ pid, tid }: ThreadName): boolean =>
    (wanted.pid <= 0 || wanted.pid === pid) && (wanted.tid <= 0 || wanted.tid === tid);
  const { current } = state;
  if (current !== null && fits(current) && state.findThread(current) !== null) return current;
  const found = state.threads().find(fits);
  return found === undefined ? null : { pid: found.pid, tid: found.tid };
}
