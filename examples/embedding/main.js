// Runs as it is in a page, in Vite, through esbuild and in Node: one task reads another's memory.
import { LinuxError, Machine } from 'procmem';

export async function main() {
  const machine = await Machine.create({ yama: 1 });
  const target = machine.spawn({ comm: 'target', uid: 1000 });
  const root = machine.spawn({ comm: 'root' });
  const stranger = machine.spawn({ comm: 'stranger', uid: 1001 });
  const addr = target.mmap({ length: 4096 });
  target.store(addr, new TextEncoder().encode('hello from the target'));

  const bytes = new Uint8Array(21);
  const read = root.open(`/proc/${target.pid}/mem`).pread(bytes, addr);
  try {
    stranger.open(`/proc/${target.pid}/mem`);
  } catch (error) {
    if (!(error instanceof LinuxError)) throw error;
    return `${read} bytes: ${new TextDecoder().decode(bytes)}; a stranger gets ${error.code}`;
  }
  throw new Error('a stranger may not');
}
