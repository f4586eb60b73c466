import type { Fault } from '../mm/cpu.js';

/**
 * A load or store that a CPU could not do: the signal Linux would send, or, of a page that a userfaultfd
 * has to fill, that it waits: make it again once somebody has.
 *
 * @example
 * try {
 *   task.load8(0);
 * } catch (error) {
 *   if (error instanceof PageFault) console.log(error.signal, error.code); // SIGSEGV SEGV_MAPERR
 * }
 */
export class PageFault extends Error {
  override readonly name = 'PageFault';
  /** Null where Linux sends none, and the access waits. */
  readonly signal: Fault['signal'];
  /**
   * si_code: nothing mapped, not permitted, beyond the end of the file, poisoned; USERFAULT: it waits for
   * a userfaultfd.
   */
  readonly code: Fault['code'];
  /** si_addr: the first byte that could not be had. */
  readonly address: bigint;

  constructor(fault: Fault) {
    super(`${fault.signal ?? 'waits'} (${fault.code}) at 0x${fault.address.toString(16)}`);
    this.signal = fault.signal;
    this.code = fault.code;
    this.address = BigInt(fault.address);
  }
}
