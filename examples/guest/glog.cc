// The same crash with Debian's google-glog: a CHECK fails, and glog prints the stack of the program it is in.
#include <glog/logging.h>

#include <map>
#include <string>
#include <vector>

namespace shop {

using Order = std::vector<std::string>;

const std::map<std::string, unsigned> prices = {{"bread", 300}, {"jam", 400}, {"tea", 250}};

[[gnu::noinline]] unsigned PriceOf(const std::string &name) {
  const auto found = prices.find(name);
  CHECK(found != prices.end()) << "no price of " << name;
  return found->second;
}

[[gnu::noinline]] unsigned CostOf(const Order &order) {
  unsigned sum = 0;
  for (const std::string &name : order) sum += PriceOf(name);
  return sum;
}

[[gnu::noinline]] void PrintBill(const Order &order) {
  LOG(INFO) << "the bill: " << CostOf(order);
}

}  // namespace shop

int main(int, char **argv) {
  google::InitGoogleLogging(argv[0]);
  FLAGS_logtostderr = true;
  shop::PrintBill({"bread", "tea"});
  shop::PrintBill({"jam", "honey"});
}
