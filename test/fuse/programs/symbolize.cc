// Names addresses as a crash handler does, by google-glog or, with -DABSL, by Abseil. glog's header
// does not show the function that its own handler calls; the library does.
#include <cstddef>
#include <cstdio>
#include <cstdlib>

#ifdef ABSL
#include <absl/debugging/symbolize.h>
static bool name(void *pc, char *out, int size) { return absl::Symbolize(pc, out, size); }
#else
namespace google {
bool Symbolize(void *pc, char *out, std::size_t out_size);
}
static bool name(void *pc, char *out, std::size_t size) { return google::Symbolize(pc, out, size); }
#endif

int main(int argc, char **argv) {
#ifdef ABSL
  absl::InitializeSymbolizer(argv[0]);
#endif
  for (int i = 1; i < argc; i++) {
    char text[256];
    void *pc = reinterpret_cast<void *>(std::strtoul(argv[i], nullptr, 16) + 1);
    std::puts(name(pc, text, sizeof text) ? text : "(unknown)");
  }
}
