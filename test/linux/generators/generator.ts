import type { Scenario } from '../scenario.js';

/** A family of scenarios. */
export interface Generator {
  /** As `--generator` names it. */
  readonly name: string;
  /** The processes that exist at the start. */
  readonly tasks: readonly string[];
  /** Acts until at least `steps` steps are written. */
  readonly run: (s: Scenario, steps: number) => void;
}
