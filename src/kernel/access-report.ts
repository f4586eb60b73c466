/** What a check did to the question: settled it, or left it to the next check. */
export type AccessOutcome = 'allowed' | 'denied' | 'continue';

/** One check of an access decision, in the order the kernel makes them. */
export interface AccessCheck {
  /** What was asked, in a few words. */
  readonly check: string;
  /** Where the kernel asks it: file and function. */
  readonly source: string;
  /** The values that were compared, by name. */
  readonly compared: Readonly<Record<string, unknown>>;
  /** What came of it. */
  readonly outcome: AccessOutcome;
  /** Whether this check decided the access. */
  readonly decided: boolean;
}

/**
 * Collects the checks as an access decision makes them. The decision itself takes it as an optional
 * last parameter, so that an explanation is the decision and cannot differ from it.
 */
export class AccessReport {
  private readonly entries: Omit<AccessCheck, 'decided'>[] = [];

  /** Number of checks so far. */
  get length(): number {
    return this.entries.length;
  }

  /** Adds a check. */
  add(
    check: string,
    source: string,
    compared: Record<string, unknown>,
    outcome: AccessOutcome,
  ): void {
    this.entries.push({ check, source, compared, outcome });
  }

  /** Gives the checks; the last one made is the one that decided, whatever it left open before. */
  conclude(allowed: boolean): AccessCheck[] {
    const last = this.entries.length - 1;
    return this.entries.map((entry, index) =>
      index === last
        ? { ...entry, outcome: allowed ? 'allowed' : 'denied', decided: true }
        : { ...entry, decided: false },
    );
  }
}
