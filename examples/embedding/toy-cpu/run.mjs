// Builds the toy CPU and runs programs on it, in the memory of tasks.
import asc from 'assemblyscript/asc';
import { fileURLToPath } from 'node:url';
import { coreImports, Machine, PageFault, PROT_READ } from 'procmem';

/** The module's bytes; `npx asc cpu.ts --runtime stub --importMemory -O3 --outFile cpu.wasm` makes the same. */
async function buildCpu() {
  let wasm;
  const baseDir = fileURLToPath(new URL('.', import.meta.url));
  const args = ['cpu.ts', '--baseDir', baseDir, '--runtime', 'stub', '--importMemory', '-O3'];
  const { error, stderr } = await asc.main([...args, '--outFile', 'cpu.wasm'], {
    writeFile: (name, contents) => (wasm = contents),
  });
  if (error) throw new Error(stderr.toString());
  return WebAssembly.compile(wasm);
}

const compiled = await buildCpu();

/** A CPU for a task: the same module beside the core, once more for each. */
async function cpuOf(task) {
  const { imports, enter } = coreImports(task);
  const instance = { procmem: imports, env: { memory: imports.memory } };
  const { exports: cpu } = await WebAssembly.instantiate(compiled, instance);
  /** Says why it stopped, as a debugger would. */
  const run = (pc, fuel = 1000) => {
    cpu.pc.value = Number(pc);
    try {
      return enter(() => cpu.run(fuel)) ? 'halt' : 'fuel';
    } catch (error) {
      if (!(error instanceof PageFault)) throw error;
      const at = (Number(error.address) % 65536).toString(16);
      return `${error.signal} ${error.code} at …${at}, instruction ${(cpu.pc.value - Number(pc)) / 4}`;
    }
  };
  return { cpu, run };
}

const SET = 1;
const ADD = 2;
const LOAD = 3;
const STORE = 4;
const SUM = 5;
const program = (...instructions) => Uint8Array.from([...instructions.flat(), 0, 0, 0, 0]);

const machine = await Machine.create();
const parent = machine.spawn({ comm: 'toy', uid: 1000 });
const code = parent.mmap({ addr: 0x10000, length: 4096 });
const data = parent.mmap({ addr: 0x20000, length: 3 * 4096 });
parent.munmap(0x22000, 4096);
// r1 = the word at r0; r1 += 1; store it back; r2 = the sum of the 200 bytes at r0
parent.store(code, program([LOAD, 1, 0, 0], [ADD, 1, 1, 1], [STORE, 1, 0, 0], [SUM, 2, 0, 200]));
parent.store64(data, 41);

const first = await cpuOf(parent);
first.cpu.set(0, data);
console.log(first.run(code), parent.load64(data), first.cpu.get(2));

// Copy-on-write: what a child's CPU stores is its own.
const child = parent.fork();
const second = await cpuOf(child);
second.cpu.set(0, data);
console.log(second.run(code), parent.load64(data), child.load64(data));

// Across two pages that lie anywhere in linear memory.
second.cpu.set(0, data + 4000n);
child.store(data + 4000n, new Uint8Array(200).fill(2));
console.log(second.run(code), second.cpu.get(2)); // 400, and the 1 that was added

// What another task writes through /proc/PID/mem is what the CPU loads.
const debuggerTask = machine.spawn({ comm: 'debugger' });
debuggerTask.open(`/proc/${child.pid}/mem`, 'r+').pwrite(Uint8Array.of(99), data);
second.cpu.set(0, data);
console.log(second.run(code), child.load64(data));

// Protections and holes are those of the mappings.
parent.mprotect(data, 4096, PROT_READ);
console.log(first.run(code), parent.load64(data));
first.cpu.set(0, data + 8192n);
console.log(first.run(code));
first.cpu.set(0, data + 8000n);
console.log(first.run(code + 12n));

// A watch sees it as it sees any CPU.
const seen = [];
child.watch({ start: data, length: 8, on: 'write', hit: ({ by }) => seen.push(by) });
console.log(second.run(code), seen.join());
child.store(code, program([SET, 3, 0, 7], [ADD, 3, 3, 1]));
console.log(second.run(code, 1), second.cpu.get(3));
