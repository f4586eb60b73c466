// Calls: Fibonacci numbers by recursion.
#include "start.h"

__attribute__((noinline, optimize("no-optimize-sibling-calls", "no-inline"))) static uint32_t fib(uint32_t n) {
  return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

int main(void) { return (int)fib(33); }
