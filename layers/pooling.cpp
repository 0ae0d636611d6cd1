#include <weft/layers/pooling.hpp>

#include <weft/core/error.hpp>

namespace weft {
namespace {

const PoolOptions& checked(const PoolOptions& options, const char* name) {
  if (options.window.rank() < 1 || options.window.rank() > 3)
    throw ValueError(std::string(name) + ": expected a window of one to three numbers, got " +
                     to_string(options.window));
  return options;
}

}  // namespace

MaxPool::MaxPool(const PoolOptions& given) : options(checked(given, "max_pool")) {}
Tensor MaxPool::operator()(const Tensor& x) const {
  Scope scope(*this);
  return max_pool(x, options.window, options.strides, options.padding);
}

MinPool::MinPool(const PoolOptions& given) : options(checked(given, "min_pool")) {}
Tensor MinPool::operator()(const Tensor& x) const {
  Scope scope(*this);
  return min_pool(x, options.window, options.strides, options.padding);
}

AvgPool::AvgPool(const PoolOptions& given) : options(checked(given, "avg_pool")) {}
Tensor AvgPool::operator()(const Tensor& x) const {
  Scope scope(*this);
  return avg_pool(x, options.window, options.strides, options.padding, options.count_include_pad);
}

}  // namespace weft
