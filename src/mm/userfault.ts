import { UFFD_NUMBER_SHIFT } from '../../assembly/abi/userfault.js';
import type { Core } from '../wasm/core.js';
import type { Mm } from './mm.js';
import { liveObjects } from './registry.js';

/** A fault as the message of a userfaultfd tells it. */
export interface Userfault {
  /** The byte that was to be had. */
  readonly address: number;
  /** UFFD_PAGEFAULT_FLAG_* */
  readonly flags: number;
}

/** The side of a userfaultfd that faults go to. */
export interface UserfaultSink {
  /**
   * Takes a fault.
   * @returns whether somebody resolved it, so that the access can be tried again
   */
  fault(event: Userfault): boolean;
}

/** The mm a fault of a userfaultfd happened in. */
function faultedMm(core: Core): Mm | null {
  const ptr = core.exports.userfaultMm();
  for (const mm of liveObjects(core).mms) if (mm.ptr === ptr) return mm;
  return null;
}

/**
 * Tells the userfaultfd about the fault that just stopped the core.
 * @returns whether to try the access again; if not, it waits until somebody resolves the fault
 * @throws whatever a handler throws
 * @see fs/userfaultfd.c, handle_userfault()
 */
export function userfaultResolved(core: Core): boolean {
  const { exports } = core;
  const number = exports.userfaultUffd() >>> UFFD_NUMBER_SHIFT;
  const sink = faultedMm(core)?.userfaultfds?.get(number);
  // A word without its descriptor: whoever had it is gone.
  if (sink === undefined) return true;
  return sink.fault({ address: exports.userfaultAddr(), flags: exports.userfaultFlags() });
}
