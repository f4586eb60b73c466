/** SIGINT and SIGTERM during a copy: a process that is stopped must be let go first, and half a file must go. */
export class Interrupt {
  came = false;
  readonly #listen = (): void => {
    this.came = true;
  };

  constructor() {
    process.on('SIGINT', this.#listen).on('SIGTERM', this.#listen);
  }

  release(): void {
    process.off('SIGINT', this.#listen).off('SIGTERM', this.#listen);
  }
}
