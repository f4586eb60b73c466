#include "runtime.h"

// x86-64 system call numbers, arch/x86/entry/syscalls/syscall_64.tbl.
enum { SYS_write = 1, SYS_mmap = 9, SYS_munmap = 11, SYS_brk = 12, SYS_nanosleep = 35 };
enum { AT_NULL = 0, AT_SYSINFO_EHDR = 33 };

// The bottom of every stack says so: with rip undefined an unwinder stops there instead of guessing.
asm(R"(
    .globl _start
    .type _start, @function
_start:
    .cfi_startproc
    .cfi_undefined rip
    xor %ebp, %ebp
    mov %rsp, %rbx
    mov %rsp, %rdi
    and $-16, %rsp
    call prepare
    mov (%rbx), %edi
    lea 8(%rbx), %rsi
    call main
    mov %eax, %edi
    mov $231, %eax
    syscall
    hlt
    .cfi_endproc
    .size _start, .-_start

    .globl systemCall
    .type systemCall, @function
systemCall:
    .cfi_startproc
    mov %rdi, %rax
    mov %rsi, %rdi
    mov %rdx, %rsi
    mov %rcx, %rdx
    syscall
    ret
    .cfi_endproc
    .size systemCall, .-systemCall

    .globl cloneThread
    .type cloneThread, @function
cloneThread:
    .cfi_startproc
    xor %edx, %edx
    xor %r10d, %r10d
    xor %r8d, %r8d
    mov $56, %eax
    syscall
    test %eax, %eax
    jz 1f
    ret
1:  .cfi_undefined rip
    xor %ebp, %ebp
    pop %rax
    pop %rdi
    call *%rax
    hlt
    .cfi_endproc
    .size cloneThread, .-cloneThread
)");

extern "C" {
long cloneThread(long flags, void *stack);

// The vDSO is the kernel's code, not ours, and a core always carries it: give it back before it can be dumped.
void prepare(const u64 *stack) {
  const u64 *word = stack + 1 + stack[0] + 1;
  while (*word++ != 0) {
  }
  for (; word[0] != AT_NULL; word += 2) {
    if (word[0] == AT_SYSINFO_EHDR) systemCall(SYS_munmap, word[1], 0x2000, 0);
  }
}

void *allocate(u64 bytes) {
  const long start = systemCall(SYS_brk, 0, 0, 0);
  return (void *)(systemCall(SYS_brk, start + bytes, 0, 0) > start ? start : 0);
}

long startThread(void (*entry)(void *), void *argument) {
  static u64 stack[2048] __attribute__((aligned(4096)));
  u64 *top = stack + 2048 - 4;
  top[0] = (u64)entry;
  top[1] = (u64)argument;
  return cloneThread(0x50f00, top); // CLONE_VM|FS|FILES|SIGHAND|THREAD|SYSVSEM
}
}

void print(const char *text) {
  long length = 0;
  while (text[length] != 0) length++;
  systemCall(SYS_write, 2, (long)text, length);
}

void sleepMilliseconds(u64 milliseconds) {
  const u64 time[2] = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  systemCall(SYS_nanosleep, (long)time, 0, 0);
}
