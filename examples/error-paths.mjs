// Every way in which reading another process's memory goes wrong, without a process to break: what a
// debugger or a profiler has to get right.
import { Machine, O_RDWR, PROT_READ, MAP_SHARED, MAP_ANONYMOUS } from 'procmem';

const machine = await Machine.create();
const parent = machine.spawn({ comm: 'parent' });
const target = parent.fork();
const reader = machine.spawn({ comm: 'reader' });
const addr = target.mmap({ length: 3 * 4096 });
const shared = target.mmap({ length: 4096, prot: PROT_READ, flags: MAP_SHARED | MAP_ANONYMOUS });
target.munmap(addr + 4096n, 4096);

const mem = reader.open(`/proc/${target.pid}/mem`, O_RDWR);
const page = new Uint8Array(4096);
const attempt = (what, act) => {
  try {
    console.log(`${what}: ${act()}`);
  } catch (error) {
    console.log(`${what}: ${error.code}`);
  }
};
attempt('up to the hole', () => mem.pread(page, addr + 2048n)); // 2048, short
attempt('in the hole', () => mem.pread(page, addr + 4096n)); // EIO
attempt('into shared read-only memory', () => mem.pwrite(page, shared)); // EIO
attempt('by process_vm_readv', () => reader.processVmRead(target, addr + 4096n, page)); // EFAULT

target.exit();
attempt('the file of a zombie, held open', () => mem.pread(page, addr)); // 0, not an error
attempt('opened now', () => reader.open(`/proc/${target.pid}/mem`)); // ESRCH
parent.wait();
attempt('after the reap', () => reader.open(`/proc/${target.pid}/mem`)); // ENOENT
