/**
 * A clock that goes on only when it is told to: what a machine shows as its time is then the same in every run.
 *
 * @example
 * const clock = new VirtualClock(Date.UTC(2026, 0, 1));
 * const machine = await Machine.create({ now: clock.now, seed: 1 });
 * const guest = new Guest(machine, { clock });
 */
export class VirtualClock {
  /** Nanoseconds that it has gone on. */
  private passed = 0;
  private readonly start: number;

  /**
   * @param start milliseconds since the epoch
   * @throws {RangeError} no such moment
   */
  constructor(start = 0) {
    if (!Number.isSafeInteger(start)) {
      throw new RangeError('start: must be a whole number of milliseconds');
    }
    this.start = start;
  }

  /** Milliseconds since the epoch: what `now` of a machine is to be. */
  readonly now = (): number => this.start + this.passed / 1e6;

  /** Lets milliseconds go by; a part of a nanosecond counts as one. @throws {RangeError} no length of time */
  advance(ms: number): void {
    if (!(ms >= 0 && ms < Infinity)) throw new RangeError('ms: must be a length of time');
    this.tick(Math.ceil(ms * 1e6));
  }

  /** Lets so many whole nanoseconds go by. */
  tick(ns: number): void {
    this.passed += ns;
  }
}
