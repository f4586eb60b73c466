/** One call of the page on its way: how a handler that takes long reports, rests and ends early. */
export class Call {
  /** True once the page no longer wants it. */
  cancelled = false;
  readonly #report: (progress: unknown) => void;
  #rested = performance.now();

  /** @param report sends a step to the page */
  constructor(report: (progress: unknown) => void) {
    this.#report = report;
  }

  /** Tells the page how far it is: any value that can be cloned. */
  progress(value: unknown): void {
    this.#report(value);
  }

  /**
   * Lets other messages in, at most every few milliseconds: one of them may cancel this call.
   *
   * @returns whether to go on
   */
  async rest(): Promise<boolean> {
    if (performance.now() - this.#rested >= 8) {
      await new Promise<void>((resolve) => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => (port1.close(), resolve());
        port2.postMessage(null);
      });
      this.#rested = performance.now();
    }
    return !this.cancelled;
  }
}
