// A debugger that goes back in time: a program's bookkeeping is destroyed by one of a thousand steps, and
// nobody saw which. Checkpoints on the way, then halves of the time between a good one and a bad one.
import { Machine } from 'procmem';

const machine = await Machine.create();
const program = machine.spawn({ comm: 'program', uid: 1000 });
const addr = program.mmap({ length: 2 ** 20 });
const guard = addr + 64n;
program.store64(guard, 0xfeedn);

/** One step of the program: a message goes into its slot. The one of step 613 is too long. */
function step(n) {
  const slot = addr + BigInt(n % 2 === 0 ? 128 + n * 8 : 56);
  program.store(slot, new Uint8Array(n === 613 ? 16 : 8).fill(n));
}

const moments = [];
for (let n = 0; n < 1000; n++) {
  if (n % 100 === 0) moments.push({ n, checkpoint: machine.checkpoint() });
  step(n);
}
console.log('at the end:', program.load64(guard).toString(16)); // 6565656565656565

/** Whether the bookkeeping is still right before step `n`: back to the moment before, and on from it. */
function isRightBefore(n) {
  const { n: from, checkpoint } = moments.findLast((moment) => moment.n <= n);
  checkpoint.restore();
  for (let at = from; at < n; at++) step(at);
  return program.load64(guard) === 0xfeedn;
}

let right = 0;
let wrong = 1000;
while (wrong - right > 1) {
  const middle = (right + wrong) >> 1;
  if (isRightBefore(middle)) right = middle;
  else wrong = middle;
}
console.log('destroyed by step', right); // 613

// The moment before it, as a file: whoever gets it can look at the bug happening.
isRightBefore(right);
const copy = await Machine.restore(machine.snapshot());
const again = copy.task(program.pid);
console.log('in the file:', again.load64(guard).toString(16)); // feed

for (const { checkpoint } of moments) checkpoint.dispose();
console.log('held by checkpoints:', machine.stats().checkpointFrames); // 0
