import type { TaskStruct } from '../kernel/task.js';

/** The one CPU as x86-64 shows it. It has no name and no speed of its own, only what every x86-64 has. */
const X86_64 = [
  'processor\t: 0',
  'vendor_id\t: GenuineIntel',
  'cpu family\t: 6',
  'model\t\t: 0',
  'model name\t: procmem',
  'stepping\t: 0',
  'physical id\t: 0',
  'siblings\t: 1',
  'core id\t\t: 0',
  'cpu cores\t: 1',
  'apicid\t\t: 0',
  'initial apicid\t: 0',
  'fpu\t\t: yes',
  'fpu_exception\t: yes',
  'cpuid level\t: 13',
  'wp\t\t: yes',
  'flags\t\t: fpu tsc msr cx8 cmov mmx fxsr sse sse2 syscall nx lm',
  'bugs\t\t:',
  'clflush size\t: 64',
  'cache_alignment\t: 64',
  'address sizes\t: 32 bits physical, 48 bits virtual',
  'power management:',
].join('\n');

/** RV64GC, and what that comprises by the names that Linux has for it, in its order. */
const ISA = 'rv64imafdc_zicntr_zicsr_zifencei_zaamo_zalrsc_zca_zcd';

/** The hart: arch/riscv/kernel/cpu.c c_show(). User memory ends at 2^47: sv48. Its maker is nobody. */
const RISCV64 = [
  'processor\t: 0',
  'hart\t\t: 0',
  `isa\t\t: ${ISA}`,
  'mmu\t\t: sv48',
  'mvendorid\t: 0x0',
  'marchid\t\t: 0x0',
  'mimpid\t\t: 0x0',
  `hart isa\t: ${ISA}`,
].join('\n');

/** /proc/cpuinfo: the CPU that the reader runs on, as uname tells it the machine. */
export function showCpuinfo({ hart }: TaskStruct): string {
  return `${hart === null ? X86_64 : RISCV64}\n\n`;
}
