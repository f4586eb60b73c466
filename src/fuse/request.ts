import { EINVAL } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { decodeName } from '../mm/name-bytes.js';
import type { U64 } from '../vfs/u64.js';
import { IN_HEADER } from './abi.js';

/** Who makes a request, as the host's kernel names it. */
export interface HostCaller {
  readonly uid: number;
  readonly gid: number;
  /** The number of the calling thread; 0 where the host does not say. */
  readonly pid: number;
}

/** One request of the kernel. */
export interface Request extends HostCaller {
  readonly opcode: number;
  /** The node it is about. */
  readonly nodeid: U64;
  /** What follows the header. */
  readonly body: Uint8Array;
}

/** Bytes of a request up to the end of its `unique`: with fewer it cannot be answered. */
export const ANSWERABLE = 16;

/**
 * Takes a request apart.
 *
 * @throws {LinuxError} EINVAL: shorter than a header, or of another length than it says
 */
export function parseRequest(bytes: Uint8Array): Request {
  const { len, opcode, nodeid, uid, gid, pid } = IN_HEADER.decode(bytes);
  if (len !== bytes.length) fail(EINVAL);
  return { opcode, nodeid, uid, gid, pid, body: bytes.subarray(IN_HEADER.size) };
}

/**
 * The name at the start of a body: up to its NUL, which must be there.
 *
 * @throws {LinuxError} EINVAL: no NUL, an empty name, or one with a slash
 */
export function nameOf(body: Uint8Array): string {
  const end = body.indexOf(0);
  if (end <= 0) fail(EINVAL);
  const name = body.subarray(0, end);
  if (name.includes(0x2f)) fail(EINVAL);
  return decodeName(name);
}
