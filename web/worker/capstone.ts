// The disassembler: 3 MB of wasm that is fetched, or unpacked, when somebody first asks for it.
import { capstonePacked } from 'procmem:capstone';

import { gunzip } from './file-source.js';

/** One instruction as Capstone tells it. */
export interface Instruction {
  readonly address: bigint;
  readonly size: number;
  readonly mnemonic: string;
  readonly op_str: string;
}

interface Disassembler {
  disasm(code: ArrayLike<number>, address: number, max?: number): Instruction[];
  close(): void;
}

interface Capstone {
  readonly Capstone: new (arch: number, mode: number) => Disassembler;
  readonly ARCH_X86: number;
  readonly ARCH_ARM64: number;
  readonly ARCH_RISCV: number;
  readonly MODE_64: number;
  readonly MODE_LITTLE_ENDIAN: number;
  readonly MODE_RISCV64: number;
  readonly MODE_RISCVC: number;
}

let loading: Promise<Capstone> | null = null;

async function load(): Promise<Capstone> {
  const { default: create } = await import('@alexaltea/capstone-js');
  const wasmBinary = await wasmBytes();
  return (await create({ wasmBinary })) as unknown as Capstone;
}

async function wasmBytes(): Promise<Uint8Array> {
  if (capstonePacked !== null) return gunzip('capstone.wasm.gz', new Blob([capstonePacked]));
  const response = await fetch(new URL('./capstone.wasm', import.meta.url));
  if (!response.ok) {
    throw new TypeError(
      `capstone.wasm: the server answered ${response.status}; is the page whole?`,
    );
  }
  return new Uint8Array(await response.arrayBuffer());
}

/**
 * Disassembles bytes of a processor, up to the first that are no instruction.
 *
 * @throws {TypeError} the disassembler could not be loaded
 */
export async function disassemble(
  arch: 'x86-64' | 'aarch64' | 'riscv64',
  code: Uint8Array,
  addr: number,
): Promise<readonly Instruction[]> {
  loading ??= load();
  const capstone = await loading.catch((error: unknown) => {
    loading = null; // so that the next attempt tries again
    throw error;
  });
  const [architecture, mode] = {
    'x86-64': [capstone.ARCH_X86, capstone.MODE_64],
    aarch64: [capstone.ARCH_ARM64, capstone.MODE_LITTLE_ENDIAN],
    riscv64: [capstone.ARCH_RISCV, capstone.MODE_RISCV64 | capstone.MODE_RISCVC],
  }[arch] as [number, number];
  const disassembler = new capstone.Capstone(architecture, mode);
  try {
    return disassembler.disasm(code, addr);
  } finally {
    disassembler.close();
  }
}
