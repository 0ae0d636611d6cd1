#include <weft/layers/perturb.hpp>

#include <utility>

#include <weft/autograd/grad.hpp>
#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/cast.hpp>
#include <weft/layers/scope.hpp>

namespace weft {
namespace {

thread_local PerturbationScope* innermost = nullptr;

}  // namespace

PerturbationScope::PerturbationScope() : outer_(std::exchange(innermost, this)) {}
PerturbationScope::~PerturbationScope() { innermost = outer_; }
PerturbationScope* PerturbationScope::current() { return innermost; }

void PerturbationScope::start(const Tensor& watched_zero) {
  gradients_ = State();
  zero_ = watched_zero;
}

Tensor perturb(const std::string& name, const Tensor& x) {
  PerturbationScope* scope = innermost;
  if (!scope || !scope->zero_.defined() || !is_recording()) return x;
  std::string path = Scope::current() ? Scope::current()->path() : std::string();
  path += (path.empty() ? "" : ".") + name;
  // The zero ties x to the tape even where no parameter does.
  return gradient_hook(x + cast(scope->zero_, x.dtype()), [scope, path](const Tensor& cotangent) {
    State& gradients = scope->gradients_;
    Tensor sum = gradients.contains(path) ? gradients[path] + cotangent : cotangent;
    gradients.set(path, sum.detach(), &Perturbation::kind());
    return cotangent;
  });
}

}  // namespace weft
