// The little that the program runs on: its start, system calls of Linux for riscv64, and text.
#ifndef RUNTIME_H
#define RUNTIME_H

#define NOINLINE __attribute__((noinline, noclone))

enum { SIGSEGV = 11, SI_ADDR = 16 };
enum { PC = 0, S0 = 8 };

// What a handler gets of the interrupted code: the kernel's struct ucontext, with pc and x1 to x31.
struct ucontext {
  char other[176];
  unsigned long regs[32];
};

typedef void handler(int signal, void *info, struct ucontext *context);

void handleOnce(int signal, handler *run);

// Both answer a negative errno where they fail.
long openFile(const char *path);
long readFile(long file, void *into, unsigned long length);
// Reads all of it at an offset; false: it is not there.
int readAt(long file, void *into, unsigned long length, unsigned long offset);
void closeFile(long file);

int sameText(const char *a, const char *b);
void printText(const char *text);
void printNumber(unsigned long value, unsigned base, int digits);

#endif
