// A device of your own: a serial port whose registers a task maps. No memory is behind them; each load and
// store calls a function, and so do system calls that copy from or to them.
import { Machine } from 'procmem';

const machine = await Machine.create();
const driver = machine.spawn({ comm: 'driver' });

const [DATA, STATUS] = [0, 5];
const READY = 0x20;
const sent = [];
const uart = driver.mapDevice({
  name: 'ttyS0',
  length: 8,
  read: (offset) => (offset === STATUS ? READY : 0),
  write(offset, size, value) {
    if (offset === DATA) sent.push(Number(value & 0xff));
  },
});

for (const byte of new TextEncoder().encode('hello')) {
  while ((driver.load8(uart + BigInt(STATUS)) & READY) === 0);
  driver.store8(uart + BigInt(DATA), byte);
}
console.log(new TextDecoder().decode(Uint8Array.from(sent)));

const mapping = driver.readText('/proc/self/maps').split('\n')[0];
console.log(mapping.slice(mapping.indexOf(' ') + 1).replace(/ 0.*\//, ' … /'));

// To others it is not memory: mem answers EIO, process_vm_readv EFAULT, as of a real device.
const other = machine.spawn({ comm: 'other' });
const tries = {
  mem: () => other.open(`/proc/${driver.pid}/mem`).pread(new Uint8Array(1), uart),
  process_vm_readv: () => other.processVmRead(driver, uart, new Uint8Array(1)),
};
for (const [name, attempt] of Object.entries(tries)) {
  try {
    attempt();
  } catch (error) {
    console.log(`${name}: ${error.code}`);
  }
}
try {
  driver.load8(uart + 8n); // behind the last register
} catch (error) {
  console.log(error.signal);
}
