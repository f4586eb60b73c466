/** One call of the page on its way: how a handler that takes long reports, rests and ends early. */
export class Call {
  #cancelled = false;
  #onCancel = (): void => {};
  readonly #report: (progress: unknown) => void;
  #rested = performance.now();

  /** @param report sends a step to the page */
  constructor(report: (progress: unknown) => void) {
    this.#report = report;
  }

  /** True once the page no longer wants it. */
  get isCancelled(): boolean {
    return this.#cancelled;
  }

  /** Ends it: the page no longer wants it. */
  cancel(): void {
    this.#cancelled = true;
    this.#onCancel();
  }

  /** Has `end` called when the page ends it: what it waits for may never come. */
  whenCancelled(end: () => void): void {
    this.#onCancel = end;
    if (this.#cancelled) end();
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
    return !this.#cancelled;
  }
}
