// The memory API of v86, an x86 machine in wasm: what users of such an emulator have for reaching the
// guest's memory. It reaches physical memory; pages, processes and permissions are not looked at.
import { fileURLToPath } from 'node:url';
import { V86 } from 'v86';

import { type Clock, clockOf } from './clock.js';
import { operationsPerCall } from './sizes.js';

const MEBIBYTE = 2 ** 20;
/** Above the BIOS, the video memory and what else is special below 1 MiB. */
const ADDRESS = 2 * MEBIBYTE;

/** A machine that was made and never runs. */
export class V86Memory {
  readonly #emulator: V86;

  private constructor(emulator: V86) {
    this.#emulator = emulator;
  }

  static async create(): Promise<V86Memory> {
    const emulator = new V86({
      wasm_path: fileURLToPath(import.meta.resolve('v86').replace(/[^/]*$/, 'v86.wasm')),
      memory_size: 128 * MEBIBYTE,
      autostart: false,
      disable_keyboard: true,
      disable_mouse: true,
    });
    await new Promise((loaded) => emulator.add_listener('emulator-loaded', loaded));
    return new V86Memory(emulator);
  }

  /** One read_memory() of `size` bytes into the caller's array. */
  read(size: number): Clock {
    // Memory that was never written to is one page of zeros to the host, and read from its cache.
    this.#emulator.write_memory(new Uint8Array(size).fill(1), ADDRESS);
    const into = new Uint8Array(size);
    const operations = operationsPerCall(size);
    return clockOf(() => {
      for (let i = 0; i < operations; i++) into.set(this.#emulator.read_memory(ADDRESS, size));
    }, operations);
  }

  /** One write_memory() of `size` bytes. */
  write(size: number): Clock {
    const from = new Uint8Array(size).fill(1);
    const operations = operationsPerCall(size);
    return clockOf(() => {
      for (let i = 0; i < operations; i++) this.#emulator.write_memory(from, ADDRESS);
    }, operations);
  }

  async close(): Promise<void> {
    await this.#emulator.destroy();
  }
}
