// A byte code and its interpreter: indirect jumps.
#include "start.h"

static uint8_t program[256];

int main(void) {
  uint32_t seed = 7;
  for (int i = 0; i < 256; i++) {
    seed = seed * 1664525 + 1013904223;
    program[i] = (seed >> 24) & 15;
  }
  uint64_t a = 1, b = 2, c = 3;
  uint8_t pc = 0;
  for (int i = 0; i < 9000000; i++) {
    switch (program[pc++]) {
      case 0: a += b; break;
      case 1: b ^= c; break;
      case 2: c -= a; break;
      case 3: a <<= 1; break;
      case 4: b >>= 1; break;
      case 5: c |= 1; break;
      case 6: a = ~a; break;
      case 7: b += 7; break;
      case 8: c *= 3; break;
      case 9: pc ^= (uint8_t)(a & 1); break;
      case 10: a ^= a >> 9; break;
      case 11: b = c + i; break;
      case 12: c = b - a; break;
      case 13: a += c & 255; break;
      case 14: b *= 5; break;
      default: c ^= b << 3; break;
    }
  }
  return (int)(a ^ b ^ c);
}
