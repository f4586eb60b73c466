// A crash while two exceptions are in flight, below a lambda, a generic lambda, a pack and a std::function.
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace app {

template <class... T> struct Pack {
  template <class F> __attribute__((noinline)) static auto each(F f, T... t) -> decltype(f(t...)) {
    auto result = f(t...);
    asm("");
    return result;
  }
};

struct Node {
  std::map<std::string, int> children;
  __attribute__((noinline)) int operator()(int a, const char *) const {
    volatile int *nothing = nullptr;
    return *nothing + a;
  }
};

template <int N> __attribute__((noinline)) int go(std::vector<int> &values) {
  static Node node;
  auto call = [&](auto a, const char *text) {
    int result = node(a, text);
    asm("");
    return result + values[0];
  };
  int result = Pack<int, const char *>::each(call, N, "x");
  asm("");
  return result;
}

} // namespace app

int main() {
  std::vector<int> values{1};
  std::function<int()> function = [&] {
    int result = app::go<3>(values);
    asm("");
    return result;
  };
  try {
    throw 1;
  } catch (int) {
    try {
      throw std::string("in flight");
    } catch (...) {
      int result = function();
      return result + 1;
    }
  }
}
