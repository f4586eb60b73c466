/** AUDIT_ARCH_*: how filters and tracers are told whose calls they see (include/uapi/linux/audit.h). */
export const AUDIT_ARCH = {
  x86_64: 0xc000003e,
  riscv64: 0xc00000f3,
  aarch64: 0xc00000b7,
} as const;
