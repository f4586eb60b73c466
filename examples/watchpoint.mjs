// Who overwrites a variable? A watch tells of every access, whichever way it comes, with before and after.
import { Machine } from 'procmem';

const machine = await Machine.create();
const target = machine.spawn({ comm: 'target' });
const friend = machine.spawn({ comm: 'friend' });
const counter = target.mmap({ length: 4096 });
const text = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');

const watch = target.watch({
  start: counter,
  length: 4,
  on: 'write',
  hit({ address, before, after, by, task }) {
    const where = `counter+${address - counter}`;
    console.log(`${where}: ${text(before)} -> ${text(after)} (${by}, ${task.comm})`);
  },
});

target.store32(counter, 1);
target.store64(counter, 2n); // eight bytes, of which four are watched
friend.open(`/proc/${target.pid}/mem`, 'r+').pwrite(Uint8Array.of(0xff), counter + 3n);
friend.processVmWrite(target, counter + 1n, Uint8Array.of(7, 8, 9, 10));
target.load32(counter); // a read is not what this watch is for

// A hook may stop what runs here: its error comes out of the call, which is done nevertheless.
target.watch({
  start: counter,
  length: 1,
  on: 'read',
  hit() {
    throw new Error('breakpoint');
  },
});
try {
  target.load8(counter);
} catch (error) {
  console.log(error.message);
}
watch.remove();
target.store32(counter, 0);
console.log(machine.check().length === 0 ? 'consistent' : 'inconsistent');
