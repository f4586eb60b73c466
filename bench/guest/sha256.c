// SHA-256 of 2 MiB: rotations and additions in registers (FIPS 180-4).
#include "start.h"

static const uint8_t primes[64] = {
    2,   3,   5,   7,   11,  13,  17,  19,  23,  29,  31,  37,  41,  43,  47,  53,
    59,  61,  67,  71,  73,  79,  83,  89,  97,  101, 103, 107, 109, 113, 127, 131,
    137, 139, 149, 151, 157, 163, 167, 173, 179, 181, 191, 193, 197, 199, 211, 223,
    227, 229, 233, 239, 241, 251, 1,   7,   13,  15,  21,  25,  27,  37,  51,  55};
static uint32_t k[64], state[8];

// The first 32 bits of the fraction of the cube root (or square root) of a prime.
static uint32_t root(uint64_t prime, int cube) {
  unsigned __int128 low = 0, high = (unsigned __int128)8 << 32;
  while (high - low > 1) {
    unsigned __int128 middle = (low + high) >> 1;
    int above = cube ? middle * middle * middle > (unsigned __int128)prime << 96
                     : middle * middle > (unsigned __int128)prime << 64;
    if (above) high = middle;
    else low = middle;
  }
  return (uint32_t)low;
}

static uint32_t rotate(uint32_t x, int n) { return x >> n | x << (32 - n); }

static void block(const uint8_t *data) {
  uint32_t w[64], v[8];
  for (int i = 0; i < 16; i++, data += 4)
    w[i] = (uint32_t)data[0] << 24 | data[1] << 16 | data[2] << 8 | data[3];
  for (int i = 16; i < 64; i++) {
    uint32_t a = w[i - 15], b = w[i - 2];
    w[i] = w[i - 16] + (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) + w[i - 7] +
           (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
  }
  for (int i = 0; i < 8; i++) v[i] = state[i];
  for (int i = 0; i < 64; i++) {
    uint32_t e = v[4], a = v[0];
    uint32_t t = v[7] + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) +
                 ((e & v[5]) ^ (~e & v[6])) + k[i] + w[i];
    uint32_t u = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) +
                 ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
    v[7] = v[6], v[6] = v[5], v[5] = e, v[4] = v[3] + t;
    v[3] = v[2], v[2] = v[1], v[1] = a, v[0] = t + u;
  }
  for (int i = 0; i < 8; i++) state[i] += v[i];
}

static uint8_t data[65536];

int main(void) {
  for (int i = 0; i < 64; i++) k[i] = root(i < 54 ? primes[i] : 256 + primes[i], 1);
  for (int i = 0; i < 8; i++) state[i] = root(primes[i], 0);
  for (uint32_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)(i * 31);
  for (int round = 0; round < 32; round++)
    for (uint32_t at = 0; at < sizeof data; at += 64) block(data + at);
  return (int)(state[0] ^ state[7]);
}
