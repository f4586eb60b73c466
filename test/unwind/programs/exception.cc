// An exception nobody catches: abort() below the C++ runtime and templates.
#include <stdexcept>
#include <string>
#include <vector>

namespace shop {

struct Order {
  std::string name;
  int count;
};

template <class T> void check(const std::vector<T> &orders) {
  if (orders.size() > 2) throw std::runtime_error("too many: " + orders[0].name);
}

struct Cart {
  std::vector<Order> orders;
  virtual ~Cart() {}
  void add(Order order) {
    orders.push_back(order);
    check(orders);
  }
};

} // namespace shop

int main() {
  shop::Cart cart;
  for (int i = 0; i < 5; i++) cart.add({"lamp", i});
}
