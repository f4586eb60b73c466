// A program that crashes, and names the functions on its own stack as google-glog does: it finds them in
// /proc/self/maps, reads the ELF headers of what is mapped through /proc/self/mem, and the symbols from the file.
// Where one of the two files is missing, every frame is (unknown). No libc: see runtime.h.
#include "runtime.h"
#include "symbolize.h"

struct item {
  const char *name;
  unsigned price;
  struct item *next;
};

static struct item tea = {"tea", 250, 0}, jam = {"jam", 400, &tea}, bread = {"bread", 300, &jam};

NOINLINE static struct item *findItem(struct item *shelf, const char *name) {
  while (shelf != 0 && !sameText(shelf->name, name)) shelf = shelf->next;
  return shelf;
}

// The bug: nobody asks whether the shop has it.
NOINLINE static unsigned priceOf(const char *name) {
  return findItem(&bread, name)->price;
}

NOINLINE static unsigned costOf(const char *const *order, unsigned *sum) {
  for (; *order != 0; order++) *sum += priceOf(*order);
  return *sum;
}

NOINLINE static void printBill(const char *const *order) {
  unsigned sum = 0;
  printText("the bill: ");
  printNumber(costOf(order, &sum), 10, 1);
  printText("\n");
}

// The C library's names for two things: a frame is a pair of saved registers that ends where s0 points.
static void onSegv(int signal, void *info, struct ucontext *context) {
  unsigned long pc = context->regs[PC], frame = context->regs[S0];
  (void)signal;
  printText("*** SIGSEGV (@0x");
  printNumber(*(unsigned long *)((char *)info + SI_ADDR), 16, 1);
  printText("), stack trace: ***\n");
  for (int i = 0; i < 16 && pc != 0; i++) {
    printText("    @ 0x");
    printNumber(pc, 16, 12);
    printText("  ");
    // A return address is named by the call before it.
    printSymbol(i == 0 ? pc : pc - 1);
    printText("\n");
    if (frame == 0) break;
    pc = ((unsigned long *)frame)[-1];
    frame = ((unsigned long *)frame)[-2];
  }
}

int main(void) {
  static const char *const first[] = {"bread", "tea", 0}, *const second[] = {"jam", "honey", 0};
  // Once: when the handler returns, the same instruction faults again and ends the program.
  handleOnce(SIGSEGV, onSegv);
  printBill(first);
  printBill(second);
  return 0;
}
