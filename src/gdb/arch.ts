import { AARCH64 } from './arch-aarch64.js';
import { RISCV64 } from './arch-riscv64.js';
import { X86_64 } from './arch-x86-64.js';
import type { Architecture } from './registers.js';
import type { TargetArch } from './target.js';

const ARCHITECTURES: Readonly<Record<TargetArch, Architecture>> = {
  x86_64: X86_64,
  aarch64: AARCH64,
  riscv64: RISCV64,
};

/** The registers of a processor. */
export function architectureOf(arch: TargetArch): Architecture {
  return ARCHITECTURES[arch];
}
