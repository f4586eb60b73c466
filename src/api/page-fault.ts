import type { Fault } from '../mm/cpu.js';

/**
 * A load or store that a CPU could not do: the signal Linux would send.
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
  readonly signal: 'SIGSEGV' | 'SIGBUS';
  /** si_code: nothing mapped, not permitted, or beyond the end of the file. */
  readonly code: 'SEGV_MAPERR' | 'SEGV_ACCERR' | 'BUS_ADRERR';
  /** si_addr: the first byte that could not be had. */
  readonly address: bigint;

  constructor(fault: Fault) {
    super(`${fault.signal} (${fault.code}) at 0x${fault.address.toString(16)}`);
    this.signal = fault.signal;
    this.code = fault.code;
    this.address = BigInt(fault.address);
  }
}
