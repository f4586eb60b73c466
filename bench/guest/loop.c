// A tight loop of arithmetic in registers.
#include "start.h"

int main(void) {
  uint64_t x = 1, sum = 0;
  for (uint32_t i = 0; i < 16000000; i++) {
    x ^= x << 13;
    x ^= x >> 7;
    sum += x + i;
    __asm__ volatile("" : "+r"(x));
  }
  return (int)(sum ^ (sum >> 32));
}
