// What a CPU emulator does: a task's memory through loads and stores, its system calls by register.
import { Machine, NR_X86_64, PageFault } from 'procmem';

const machine = await Machine.create();
const task = machine.spawn({ comm: 'guest' });

// mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
const addr = BigInt(task.syscall(NR_X86_64.mmap, 0, 8192, 3, 0x22, -1, 0));
task.store64(addr, 0x6f6c6c6568n); // "hello"
console.log(task.load8(addr + 1n).toString(16)); // 65

// openat(AT_FDCWD, "/proc/self/mem", O_RDWR), the path in guest memory
task.store(addr + 4096n, new TextEncoder().encode('/proc/self/mem\0'));
const fd = task.syscall(NR_X86_64.openat, -100, addr + 4096n, 2);
console.log(task.syscall(NR_X86_64.pread64, fd, addr + 8n, 5, addr)); // 5
console.log(new TextDecoder().decode(task.load(addr + 8n, 5))); // hello

// A negative result is an errno; a store that cannot be done is the signal Linux would send.
console.log(task.syscall(NR_X86_64.pread64, fd, addr, 8, 0)); // -5
task.mprotect(addr, 4096, 1);
try {
  task.store8(addr, 1);
} catch (error) {
  console.log(error instanceof PageFault, error.code); // true SEGV_ACCERR
}
