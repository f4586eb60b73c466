// The sieve of Eratosthenes: stores of bytes with a stride.
#include "start.h"

#define SIZE 1000000
static uint8_t composite[SIZE];

int main(void) {
  int primes = 0;
  for (int round = 0; round < 8; round++) {
    memset(composite, 0, SIZE);
    for (uint32_t i = 2; i * i < SIZE; i++) {
      if (composite[i]) continue;
      for (uint32_t j = i * i; j < SIZE; j += i) composite[j] = 1;
    }
    for (uint32_t i = 2; i < SIZE; i++) primes += !composite[i];
  }
  return primes & 0xff;
}
