import { pack } from './elf-writer.js';

/**
 * What the hart is, by key of riscv_hwprobe(): maker, architecture and implementation are nobody's; the base
 * is IMA with F and D and C; misaligned accesses are fast; user memory ends at 2^47; the clock counts
 * nanoseconds.
 */
export const HWPROBE: readonly bigint[] = [
  ...[0n, 0n, 0n, 1n, 3n, 3n, 0n],
  ...[0x7ffffffff000n, 1_000_000_000n, 3n],
];

/**
 * __vdso_riscv_hwprobe(pairs, count, cpusetsize, cpus, flags). About all harts it answers from a table behind it;
 * every other question is the call's:
 *
 *       or a5, a2, a3; or a5, a5, a4; bnez a5, call
 *       slli a1, a1, 4; add a1, a1, a0; auipc a6, 0; addi a6, a6, 84
 *     loop:
 *       beq a0, a1, done; ld a5, 0(a0); li a7, 0; sltiu t0, a5, 10; beqz t0, unknown
 *       slli a5, a5, 3; add a5, a5, a6; ld a7, 0(a5); j store
 *     unknown:
 *       li a5, -1; sd a5, 0(a0)
 *     store:
 *       sd a7, 8(a0); addi a0, a0, 16; j loop
 *     call:
 *       li a7, 258; ecall; ret
 *     done:
 *       li a0, 0; ret
 *
 * @see arch/riscv/kernel/vdso/hwprobe.c, riscv_vdso_get_values()
 */
const CODE = [
  0xd667b3, 0xe7e7b3, 0x4079663, 0x459593, 0xa585b3, 0x817, 0x5480813, 0x4b50263, 0x53783, 0x893,
  0xa7b293, 0x28a63, 0x379793, 0x10787b3, 0x7b883, 0xc0006f, 0xfff00793, 0xf53023, 0x1153423,
  0x1050513, 0xfcdff06f, 0x10200893, 0x73, 0x8067, 0x513, 0x8067,
];

/** The function and its table. */
export function hwprobeFunction(): Uint8Array {
  const words = CODE.map((word) => [4, word] as const);
  const values = HWPROBE.flatMap((value) => [
    [4, Number(value & 0xffffffffn)] as const,
    [4, Number(value >> 32n)] as const,
  ]);
  return pack(...words, ...values);
}
