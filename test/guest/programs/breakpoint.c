// A debugger of riscv64 in small: registers as sets, a breakpoint, another argument; and what RISC-V does not have.
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define EBREAK 0x00100073L

__attribute__((noinline, aligned(8))) int twice(int n) {
  __asm__ volatile("");
  return n * 2;
}

static long registers(int request, int pid, int type, void *base, size_t *length) {
  struct iovec iov = {base, *length};
  long result = ptrace(request, pid, type, &iov);
  *length = iov.iov_len;
  return result;
}

static void tell(const char *what, long result) {
  printf("%s: %ld %s\n", what, result, result < 0 ? strerror(errno) : "");
}

int main(void) {
  int status;
  unsigned long regs[40], fp[40];
  size_t length = sizeof regs;
  setvbuf(stdout, NULL, _IONBF, 0);
  int pid = fork();
  if (pid == 0) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    __asm__ volatile("ebreak; .option push; .option norvc; nop; .option pop");
    _exit(twice(5));
  }
  waitpid(pid, &status, 0);
  printf("at ebreak %x\n", status);
  tell("registers", registers(PTRACE_GETREGSET, pid, NT_PRSTATUS, regs, &length));
  printf("bytes %zu\n", length);
  long word = ptrace(PTRACE_PEEKTEXT, pid, regs[0], 0);
  regs[0] += (word & 3) == 3 ? 4 : 2;
  registers(PTRACE_SETREGSET, pid, NT_PRSTATUS, regs, &length);
  length = sizeof fp;
  tell("floating", registers(PTRACE_GETREGSET, pid, NT_PRFPREG, fp, &length));
  printf("bytes %zu\n", length);
  tell("vector", registers(PTRACE_GETREGSET, pid, 0x901, fp, &length));
  tell("step", ptrace(PTRACE_SINGLESTEP, pid, 0, 0));
  tell("user", ptrace(PTRACE_PEEKUSER, pid, 0, 0));
  tell("all", ptrace(12 /* PTRACE_GETREGS */, pid, 0, fp));
  long text = ptrace(PTRACE_PEEKTEXT, pid, twice, 0);
  ptrace(PTRACE_POKETEXT, pid, twice, (text & ~0xffffffffL) | EBREAK);
  ptrace(PTRACE_CONT, pid, 0, 0);
  waitpid(pid, &status, 0);
  length = sizeof regs;
  registers(PTRACE_GETREGSET, pid, NT_PRSTATUS, regs, &length);
  printf("stop %x at twice %d, argument %lu\n", status, regs[0] == (unsigned long)twice, regs[10]);
  regs[10] = 21;
  registers(PTRACE_SETREGSET, pid, NT_PRSTATUS, regs, &length);
  ptrace(PTRACE_POKETEXT, pid, twice, text);
  ptrace(PTRACE_CONT, pid, 0, 0);
  waitpid(pid, &status, 0);
  printf("exit code %d\n", WEXITSTATUS(status));
  return 0;
}
