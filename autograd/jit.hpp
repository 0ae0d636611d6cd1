#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <weft/core/tensor.hpp>

namespace weft {

/// for_each_tensor(value, f) calls f(Tensor&) for every tensor in what a jitted function takes or returns: tensors,
/// vectors, arrays, optionals, pairs and tuples of such. For a struct of one's own, define one beside it.
template <class F> void for_each_tensor(Tensor& value, F&& f) { f(value); }
template <class T, class F> void for_each_tensor(std::vector<T>& values, F&& f) {
  for (T& value : values) for_each_tensor(value, f);
}
template <class T, size_t N, class F> void for_each_tensor(std::array<T, N>& values, F&& f) {
  for (T& value : values) for_each_tensor(value, f);
}
template <class T, class F> void for_each_tensor(std::optional<T>& value, F&& f) {
  if (value) for_each_tensor(*value, f);
}
template <class A, class B, class F> void for_each_tensor(std::pair<A, B>& values, F&& f) {
  for_each_tensor(values.first, f);
  for_each_tensor(values.second, f);
}
template <class... T, class F> void for_each_tensor(std::tuple<T...>& values, F&& f) {
  std::apply([&](T&... each) { (for_each_tensor(each, f), ...); }, values);
}

/// The plans of one jitted function, whatever its type. For Jitted.
class PlanCache {
 public:
  PlanCache();
  PlanCache(PlanCache&&) noexcept;
  PlanCache& operator=(PlanCache&&) noexcept;
  ~PlanCache();

  /// The function on traced arguments: a reference to a callable.
  struct TraceRef {
    void* object;
    std::vector<Tensor> (*call)(void* object, const std::vector<Tensor>& arguments);
  };

  /// Whether now is a time to run the function itself: while gradients are recorded, another function is traced, shapes
  /// alone are asked for, or NanMode or an OpListener wants to see every op.
  static bool must_run_eagerly(std::span<const Tensor* const> arguments);
  /// Runs the plan for these arguments. `statics` are the values of arguments that are not tensors. Where there is no
  /// plan yet, `trace` is called for the results.
  std::span<const Tensor> run(std::span<const Tensor* const> arguments, const std::string& statics, TraceRef trace);
  /// Of the plan that ran last; counted from 0 as they were made.
  size_t last() const;

  std::string describe() const;
  void write_graph(const std::string& path) const;
  size_t size() const;
  void clear();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

namespace detail {
template <class T>
concept StaticArgument = std::is_arithmetic_v<T> || std::is_enum_v<T>;

template <class T> void append_static(std::string& key, const T& value) {
  key.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

/// A tensor argument stays a reference; others are copied to have their tensors exchanged for traced ones.
template <class T> void collect(const T& argument, std::vector<const Tensor*>& tensors, std::string& statics) {
  if constexpr (std::is_same_v<T, Tensor>) tensors.push_back(&argument);
  else if constexpr (StaticArgument<T>) append_static(statics, argument);
  else for_each_tensor(const_cast<T&>(argument), [&](Tensor& tensor) { tensors.push_back(&tensor); });
}
}  // namespace detail

/// A function that is traced when it is called for the first time and from then on replayed: its ops as one fused,
/// preallocated plan, with the same results. What may differ from run to run is what is passed as an argument, kept in
/// a Variable, or drawn from a random stream; everything else - captured tensors, numbers, the way taken at an `if` -
/// is frozen as it was. Arguments of other shapes, dtypes, devices or other numbers, and train(), eval() or
/// set_attributes(), are traced anew. Looking at a tensor's elements while traced throws StateError.
///
/// Results may be kept; their memory is used again only when they have been dropped. One thread at a time may call it.
template <class F> class Jitted {
 public:
  explicit Jitted(F function) : function_(std::move(function)) {}

  template <class... Arguments> auto operator()(const Arguments&... arguments) {
    using Result = std::decay_t<std::invoke_result_t<F&, const Arguments&...>>;
    // Kept from call to call, so that a replay asks for no memory.
    thread_local std::vector<const Tensor*> tensors;
    thread_local std::string statics;
    tensors.clear();
    statics.clear();
    (detail::collect(arguments, tensors, statics), ...);
    if (PlanCache::must_run_eagerly(tensors)) return function_(arguments...);

    auto trace = [&](const std::vector<Tensor>& traced) {
      std::tuple<Arguments...> copies(arguments...);
      size_t next = 0;
      std::apply(
          [&](Arguments&... each) {
            auto exchange = [&]<class T>(T& value) {
              if constexpr (!detail::StaticArgument<T>) for_each_tensor(value, [&](Tensor& t) { t = traced[next++]; });
            };
            (exchange(each), ...);
          },
          copies);
      std::vector<Tensor> results;
      if constexpr (std::is_void_v<Result>) {
        std::apply(function_, std::as_const(copies));
      } else {
        auto result = std::make_shared<Result>(std::apply(function_, std::as_const(copies)));
        for_each_tensor(*result, [&](Tensor& tensor) { results.push_back(std::exchange(tensor, Tensor())); });
        pending_ = result;
      }
      return results;
    };
    std::span<const Tensor> results =
        plans_.run(tensors, statics, {&trace, [](void* object, const std::vector<Tensor>& traced) {
                                        return (*static_cast<decltype(trace)*>(object))(traced);
                                      }});
    if (pending_) {
      prototypes_.resize(plans_.last() + 1);
      prototypes_.back() = std::move(pending_);
    }
    if constexpr (std::is_same_v<Result, Tensor>) {
      return Tensor(results[0]);
    } else if constexpr (!std::is_void_v<Result>) {
      Result result = *static_cast<const Result*>(prototypes_[plans_.last()].get());
      size_t next = 0;
      for_each_tensor(result, [&](Tensor& tensor) { tensor = results[next++]; });
      return result;
    }
  }

  /// The plans: their ops before and after, memory, what was fused with what, what is live and what frozen.
  std::string describe() const { return plans_.describe(); }
  /// The plan that ran last as a picture: `.dot`, or `.svg` through Graphviz. Throws FileError.
  void write_graph(const std::string& path) const { plans_.write_graph(path); }
  /// How many plans there are.
  size_t plans() const { return plans_.size(); }
  /// Forgets all plans and gives their memory back.
  void clear() {
    plans_.clear();
    prototypes_.clear();
  }

 private:
  F function_;
  PlanCache plans_;
  std::vector<std::shared_ptr<const void>> prototypes_;  // of each plan's results, without their tensors
  std::shared_ptr<const void> pending_;
};

template <class F> Jitted<std::decay_t<F>> jit(F&& function) {
  return Jitted<std::decay_t<F>>(std::forward<F>(function));
}

}  // namespace weft
