import * as abi from '../abi.js';
import type { Scenario } from '../scenario.js';
import { hex } from '../step.js';
import { SINK } from './places.js';

/** Two children that end in either order, and waits that take whichever comes first. */
export function brothers(s: Scenario, pair: readonly [string, string]): void {
  for (const child of pair) s.fork('A', child);
  s.exit(pair[s.rng.int(2)]!, 5);
  const alive = pair.filter(
    (child) => !s.steps.some((step) => 'exit' in step && step.task === child),
  );
  if (s.rng.chance(0.5))
    s.bind(s.fresh('wait'), 'A', 'wait4', [-1, { out: 4 }, s.rng.pick([0, abi.WNOHANG]), 0]);
  for (const child of alive) s.exit(child, 6);
  for (let i = 0; i < 3; i++)
    s.bind(s.fresh('wait'), 'A', 'wait4', [-1, { out: 4 }, abi.WNOHANG, 0]);
}

/** wait4 for a child; what it gives is a pid, so only the status is compared. */
export function waitFor(s: Scenario, task: string, child: string, options: number): void {
  const name = s.fresh('wait');
  s.bind(name, task, 'wait4', [{ ref: `${child}.pid` }, { out: 4 }, options, 0]);
}

/** waitid that leaves the zombie; its siginfo but for the pid. */
export function waitForInfo(s: Scenario, child: string): void {
  const options = 0x01000000 | s.rng.pick([4, 4, 4 | abi.WNOHANG, 0]);
  if (!s.call('A', 'waitid', [1, { ref: `${child}.pid` }, hex(SINK), options, 0]).ok) return;
  s.peek('A', SINK, 12);
  s.peek('A', SINK + 20, 8);
}
