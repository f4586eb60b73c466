// Measures one suite in a worker of its own: what one leaves behind does not weigh on the next.
import { runSuite } from '../bench.js';
import { Kernel } from '../kernel.js';
import { BROWSER_SUITES } from '../suites.js';

/** Which suite, and how long. */
interface Order {
  readonly name: string;
  readonly quick: boolean;
}

self.addEventListener('message', ({ data: { name, quick } }: MessageEvent<Order>) => {
  const suite = BROWSER_SUITES.find((each) => each.name === name);
  if (suite === undefined) throw new RangeError(`no bench is called '${name}'`);
  const measured = runSuite(suite, { quick, kernel: new Kernel() });
  measured.then(
    (rows) => self.postMessage({ rows }),
    (error: unknown) => self.postMessage({ error: String(error) }),
  );
});
