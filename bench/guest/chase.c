// Pointers in a random ring of 4 MiB, one after the other.
#include "start.h"

#define COUNT (1 << 19)
static uint64_t next[COUNT];

int main(void) {
  uint32_t seed = 1;
  for (uint32_t i = 0; i < COUNT; i++) next[i] = i;
  for (uint32_t i = COUNT - 1; i > 0; i--) { // Sattolo: one ring
    seed = seed * 1664525 + 1013904223;
    uint32_t j = (uint32_t)((uint64_t)seed * i >> 32);
    uint64_t t = next[i];
    next[i] = next[j], next[j] = t;
  }
  uint64_t at = 0, sum = 0;
  for (int i = 0; i < 10000000; i++) sum += at = next[at];
  return (int)(sum ^ at);
}
