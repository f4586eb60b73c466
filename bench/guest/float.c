// Doubles: the Mandelbrot set, and a sum with divisions and roots.
#include "start.h"

int main(void) {
  int inside = 0;
  for (int y = 0; y < 160; y++) {
    for (int x = 0; x < 240; x++) {
      double cr = x / 80.0 - 2.0, ci = y / 80.0 - 1.0, zr = 0, zi = 0;
      int n = 0;
      for (; n < 500 && zr * zr + zi * zi < 4.0; n++) {
        double t = zr * zr - zi * zi + cr;
        zi = 2.0 * zr * zi + ci;
        zr = t;
      }
      inside += n;
    }
  }
  double sum = 0;
  for (int i = 1; i < 1000000; i++) sum += __builtin_sqrt(i) / (i + 0.5);
  return inside + (int)sum;
}
