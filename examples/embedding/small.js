// Memory alone: what `procmem/core` has, for pages that count kilobytes.
import { CoreMachine, LinuxError, PageFault } from 'procmem/core';

const machine = await CoreMachine.create({ yama: 1 });
const target = machine.spawn({ comm: 'target', uid: 1000 });
const root = machine.spawn({ comm: 'root' });
const neighbour = machine.spawn({ comm: 'neighbour', uid: 1000 });
const addr = target.mmap({ length: 4096 });
target.store(addr, new TextEncoder().encode('small'));
target.mprotect(addr, 4096, 1);

const said = [];
const mem = root.openMem(target, 'r+');
said.push(`${mem.pwrite(new TextEncoder().encode('SM'), addr)} bytes by force`);
said.push(new TextDecoder().decode(target.load(addr, 5)));
try {
  target.store64(addr, 0n);
} catch (error) {
  if (!(error instanceof PageFault)) throw error;
  said.push(error.code);
}
try {
  neighbour.processVmRead(target, addr, new Uint8Array(1));
} catch (error) {
  if (!(error instanceof LinuxError)) throw error;
  said.push(error.code);
}
const child = target.fork();
child.mprotect(addr, 4096, 3);
child.store64(addr, 7n);
said.push(`${child.load64(addr)} is the child's alone: ${target.load64(addr) !== 7n}`);

document.querySelector('output').textContent = said.join('; ');
