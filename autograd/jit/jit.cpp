#include <weft/autograd/jit.hpp>

#include <cstdio>
#include <fstream>

#include <weft/autograd/jit/describe.hpp>
#include <weft/autograd/jit/plan.hpp>
#include <weft/autograd/tape.hpp>
#include <weft/core/error.hpp>
#include <weft/core/file.hpp>

namespace weft {
namespace {

using jit_graph::Graph;

struct Known {
  std::vector<Spec> specs;
  std::vector<Device> devices;
  std::string statics;
  uint64_t epoch;
  std::unique_ptr<Plan> plan;
  size_t number;

  bool fits(std::span<const Tensor* const> arguments, const std::string& other_statics) const {
    if (epoch != structure_epoch() || arguments.size() != specs.size() || statics != other_statics) return false;
    for (size_t i = 0; i < arguments.size(); ++i)
      if (arguments[i]->dtype() != specs[i].dtype || !(arguments[i]->shape() == specs[i].shape) ||
          !(arguments[i]->device() == devices[i]))
        return false;
    return plan->fits_state();
  }
};

bool ends_with(const std::string& text, const char* end) {
  const std::string tail = end;
  return text.size() >= tail.size() && text.compare(text.size() - tail.size(), tail.size(), tail) == 0;
}

}  // namespace

struct PlanCache::Impl {
  Arena arena;  // outlives the plans
  std::vector<Known> known;
  size_t last = 0, made = 0;
  std::vector<Tensor> dense;  // arguments with gaps, copied
  std::vector<const Tensor*> given;

  const Known& ran_last() const {
    for (const Known& one : known)
      if (one.number == last) return one;
    throw StateError("jit: the function has not been called yet, so there is no plan");
  }

  Known& make(std::span<const Tensor* const> arguments, const std::string& statics, TraceRef trace) {
    // What was traced under another structure will hardly come back.
    std::erase_if(known, [](const Known& one) { return one.epoch != structure_epoch(); });
    Known fresh;
    Graph graph;
    fresh.statics = statics;
    fresh.number = made;
    {
      Trace tracing(graph);
      Tensors traced;
      for (const Tensor* argument : arguments) {
        fresh.specs.push_back(argument->spec());
        fresh.devices.push_back(argument->device());
        traced.push_back(tracing.argument(argument->spec(), argument->device()));
      }
      Tensors results = trace.call(trace.object, traced);
      for (Tensor& result : results) {
        if (!result.defined()) throw StateError("jit: the function returned a tensor that has no value");
        result = result.detach();
      }
      tracing.finish(results);
      fresh.plan = std::make_unique<Plan>(std::move(graph), tracing, arena);
    }
    fresh.epoch = structure_epoch();
    ++made;
    known.push_back(std::move(fresh));
    return known.back();
  }
};

PlanCache::PlanCache() : impl_(std::make_unique<Impl>()) {}
PlanCache::PlanCache(PlanCache&&) noexcept = default;
PlanCache& PlanCache::operator=(PlanCache&&) noexcept = default;
PlanCache::~PlanCache() = default;

bool PlanCache::must_run_eagerly(std::span<const Tensor* const> arguments) {
  if (Trace::current() || is_recording() || NanMode::active() || OpListener::current()) return true;
  for (const Tensor* argument : arguments)
    if (!argument->defined() || argument->is_meta() || argument->is_traced()) return true;
  return false;
}

std::span<const Tensor> PlanCache::run(std::span<const Tensor* const> arguments, const std::string& statics,
                                       TraceRef trace) {
  Impl& impl = *impl_;
  Known* plan = nullptr;
  for (Known& one : impl.known)
    if (one.fits(arguments, statics)) {
      plan = &one;
      break;
    }
  impl.given.assign(arguments.begin(), arguments.end());
  if (!plan) plan = &impl.make(impl.given, statics, trace);
  bool all_dense = true;
  for (const Tensor* argument : impl.given) all_dense = all_dense && argument->is_contiguous();
  if (!all_dense) {
    impl.dense.resize(impl.given.size());
    for (size_t i = 0; i < impl.given.size(); ++i) {
      impl.dense[i] = impl.given[i]->contiguous();
      impl.given[i] = &impl.dense[i];
    }
  }
  impl.last = plan->number;
  return plan->plan->run(impl.given);
}

size_t PlanCache::last() const { return impl_->last; }
size_t PlanCache::size() const { return impl_->known.size(); }
void PlanCache::clear() { impl_ = std::make_unique<Impl>(); }

std::string PlanCache::describe() const {
  if (impl_->known.empty()) return "jit: not called yet, so there is no plan\n";
  std::string text;
  for (const Known& one : impl_->known) text += describe_plan(*one.plan);
  return text;
}

void PlanCache::write_graph(const std::string& path) const {
  const std::string dot = plan_as_dot(*impl_->ran_last().plan);
  if (ends_with(path, ".dot")) {
    std::ofstream file(path);
    if (!(file << dot).flush()) throw FileError(path + ": cannot be written");
    return;
  }
  if (!ends_with(path, ".svg")) throw FileError(path + ": expected a name that ends in .dot or .svg");
  std::string quoted = "'";
  for (char c : path) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  FILE* graphviz = popen(("dot -Tsvg -o " + quoted + "'").c_str(), "w");
  const bool written = graphviz && std::fwrite(dot.data(), 1, dot.size(), graphviz) == dot.size();
  const bool drawn = graphviz && pclose(graphviz) == 0;
  if (!written || !drawn)
    throw FileError(path +
                    ": could not be drawn; expected Graphviz's program `dot` to be installed (or a name that "
                    "ends in .dot)");
}

}  // namespace weft
