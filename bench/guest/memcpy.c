// Copies of 64 KiB, eight words at a time.
#include "start.h"

#define SIZE 65536
static uint64_t from[SIZE / 8], to[SIZE / 8];

int main(void) {
  uint64_t sum = 0;
  for (int i = 0; i < SIZE / 8; i++) from[i] = (uint64_t)i * 0x9e3779b97f4a7c15;
  for (int round = 0; round < 5000; round++) {
    from[round] += round;
    memcpy(to, from, SIZE);
    __asm__ volatile("" ::: "memory");
    sum += to[round * 7 % (SIZE / 8)];
  }
  return (int)(sum ^ (sum >> 24));
}
