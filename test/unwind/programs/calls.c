// A null pointer deep in plain calls; with -DNULL_CALL, a call through one.
static int (*volatile nothing)(int);

__attribute__((noinline)) static int innermost(const int *value, int n) {
#ifdef NULL_CALL
  return nothing(n) + 1;
#else
  return n == 0 ? *value + 1 : innermost(value, n - 1) + 1;
#endif
}

__attribute__((noinline)) int middle(const int *value) { return innermost(value, 5) * 3; }

__attribute__((noinline)) int outer(const int *value) { return middle(value) * 5; }

int main(void) { return outer(0) + 1; }
