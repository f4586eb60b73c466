// The worker with the machine: it answers what comes into the mailbox.
// Import maps are not for workers: the package by its address. A bundler takes 'procmem' here too.
import { LinuxError, Machine } from '/procmem/procmem.js';
import { Mailbox } from './mailbox.js';

/** One machine, two tasks: the target holds a text, the reader reads it through /proc. */
async function makeAnswer() {
  const machine = await Machine.create();
  const target = machine.spawn({ comm: 'target', uid: 1000 });
  const reader = machine.spawn({ comm: 'reader', uid: 1000 });
  const addr = target.mmap({ length: 4096 });
  target.store(addr, new TextEncoder().encode('told by the worker'));
  const mem = reader.open(`/proc/${target.pid}/mem`, 'r+');

  const calls = {
    where: () => Number(addr),
    read: ({ at, length }) => {
      const bytes = new Uint8Array(length);
      return [...bytes.subarray(0, mem.pread(bytes, at))];
    },
    write: ({ at, bytes }) => mem.pwrite(Uint8Array.from(bytes), at),
  };
  return (request) => {
    try {
      return { value: calls[request.call](request) };
    } catch (error) {
      if (!(error instanceof LinuxError)) throw error;
      return { code: error.code };
    }
  };
}

self.onmessage = async ({ data: buffer }) => {
  const answer = await makeAnswer();
  self.postMessage('ready');
  new Mailbox(buffer).serve(answer);
};
