// A debugger reads by process_vm_readv and falls back to /proc/PID/mem. Does its fallback work? On most
// machines the first call never fails; here each failure that users report is made to happen.
import { Machine, PROT_NONE } from 'procmem';

/** What is tested: reads all of a range, whatever it takes; returns the bytes and how they were got. */
function readMemory(reader, target, addr, length) {
  const bytes = new Uint8Array(length);
  const used = [];
  let mem = null;
  for (let done = 0; done < length;) {
    const rest = bytes.subarray(done);
    const at = addr + BigInt(done);
    try {
      used.push(mem === null ? 'readv' : 'mem');
      const count = mem === null ? reader.processVmRead(target, at, rest) : mem.pread(rest, at);
      if (count === 0) throw new Error('the process has gone');
      done += count;
    } catch (error) {
      if (mem !== null || !['ENOSYS', 'EPERM', 'EFAULT'].includes(error.code)) throw error;
      mem = reader.open(`/proc/${target.pid}/mem`);
    }
  }
  mem?.close();
  return { bytes, used: used.join(' ') };
}

async function attempt(what, prepare, profile = 'linux-6.18') {
  const machine = await Machine.create({ profile });
  const target = machine.spawn({ comm: 'target' });
  const reader = machine.spawn({ comm: 'debugger' });
  const addr = target.mmap({ length: 8192 });
  target.store(addr, new Uint8Array(8192).fill(42));
  prepare({ machine, target, reader, addr });
  try {
    const { bytes, used } = readMemory(reader, target, addr, 8192);
    console.log(`${what}: ${bytes.every((byte) => byte === 42) ? 'all' : 'WRONG'} by ${used}`);
  } catch (error) {
    console.log(`${what}: ${error.code ?? error.message}`);
  }
}

const readv = 'process_vm_readv';
await attempt('nothing wrong', () => {});
await attempt('forbidden by seccomp', ({ machine }) => {
  machine.inject({ call: readv, errno: 'EPERM' });
});
await attempt('forbidden half way', ({ machine }) => {
  machine.inject({ call: readv, nth: 1, short: 5000 });
  machine.inject({ call: readv, nth: 2, errno: 'EPERM' });
});
await attempt('a protected page', ({ target, addr }) => {
  target.mprotect(addr + 4096n, 4096, PROT_NONE);
});
await attempt('short reads only', ({ machine }) => {
  machine.inject({ call: [readv, 'pread64'], short: 3000 });
});
await attempt('it exits between the two', ({ machine, target }) => {
  machine.inject({ call: readv, errno: 'EPERM' });
  machine.inject({ call: 'pread64', nth: 1, exit: target });
});
await attempt('and no mem either', () => {}, 'gvisor-2020');
