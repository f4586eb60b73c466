// Adds up, three calls deep, without a library: what gdb steps through on the machine's hart.
int total;

static long call(long number, long argument) {
  register long a0 __asm__("a0") = argument;
  register long a7 __asm__("a7") = number;
  __asm__ volatile("ecall" : "+r"(a0) : "r"(a7) : "memory");
  return a0;
}

__attribute__((noinline)) int add(int n) {
  total += n;
  return total;
}

__attribute__((noinline)) int sum(int last) {
  for (int i = 1; i <= last; i++) add(i);
  return total;
}

void _start(void) {
  int pid = call(172, 0);
  call(94, sum(3) + (pid > 0 ? 30 : 0));
}
