/**
 * Threads by their real user id, zombies included: what RLIMIT_NPROC bounds.
 * @see include/linux/user_namespace.h, UCOUNT_RLIMIT_NPROC
 */
export class ProcessCount {
  private readonly counts = new Map<number, number>();

  /** How many a user has. */
  of(uid: number): number {
    return this.counts.get(uid) ?? 0;
  }

  /** Counts so many more, or fewer, of a user. */
  add(uid: number, more: number): void {
    const count = this.of(uid) + more;
    if (count === 0) this.counts.delete(uid);
    else this.counts.set(uid, count);
  }

  /** One thread changes its user. */
  move(from: number, to: number): void {
    this.add(from, -1);
    this.add(to, 1);
  }
}
