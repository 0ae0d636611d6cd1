#pragma once

#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>

#include <weft/backends/cuda/cudnn/frontend.hpp>
#include <weft/core/device.hpp>
#include <weft/core/dtype.hpp>

// What the families that run through cuDNN's graphs share. A graph names its tensors by set_uid(), is built once, and
// then run with pointers:
//   std::shared_ptr<Graph> graph = new_graph(dtype);
//   graph->conv_fprop(...), ...
//   PlanCache<Key> plans;
//   std::shared_ptr<const Plan> plan = plans.find(key, [&] { return build(graph, dtype, device); });
//   return plan && run(*plan, {{x_uid, x}, ...}, device);

namespace weft::cuda::cudnn {

using Graph = fe::graph::Graph;

/// A graph with the engine chosen that runs it.
struct Plan {
  std::shared_ptr<Graph> graph;
  int64_t workspace_bytes = 0;
};

/// 90 for compute capability 9.0; 0 where it cannot be asked. build() tells the graph, but attention wants to know it
/// when it is added.
int capability(Device device);

fe::DataType_t data_type(DType dtype);

/// An empty graph whose tensors are of `dtype` where they do not say otherwise, with half types computed in float32.
std::shared_ptr<Graph> new_graph(DType dtype);

/// The plan for a graph from new_graph(dtype), whose tensors have uids, dims and strides. Of the engines that give the
/// same bits on each run, the first of cuDNN's own order that takes the graph; float32 is not rounded to TF32 unless
/// that is allowed (precision.hpp: so whether it is belongs into the key). Null where there is no such engine, or no
/// cuDNN.
std::unique_ptr<Plan> build(std::shared_ptr<Graph> graph, DType dtype, Device device);

/// What build() does once cuDNN knows the graph's operations: false where no engine serves.
bool choose_engine(Graph& graph, DType dtype);

/// Runs it on the current stream; false where cuDNN refuses.
bool run(const Plan& plan, std::unordered_map<int64_t, void*> tensors, Device device);

/// Plans by key, the most recently used `most` of them; a key without a plan is remembered as such.
template <class Key> class PlanCache {
 public:
  /// The plan of `key`, from `make()` where it is not there yet; null where that gives none. The plan lives on while it
  /// is held, whatever the cache drops.
  template <class Make> std::shared_ptr<const Plan> find(const Key& key, Make&& make) {
    std::lock_guard lock(mutex_);
    if (auto found = places_.find(key); found != places_.end()) {
      entries_.splice(entries_.begin(), entries_, found->second);
      return found->second->second;
    }
    entries_.emplace_front(key, std::shared_ptr<const Plan>(make()));
    places_[key] = entries_.begin();
    if (entries_.size() > most) {
      places_.erase(entries_.back().first);
      entries_.pop_back();
    }
    return entries_.front().second;
  }

 private:
  static constexpr size_t most = 512;
  using Entries = std::list<std::pair<Key, std::shared_ptr<const Plan>>>;
  Entries entries_;  ///< the most recent first
  std::map<Key, typename Entries::iterator> places_;
  std::mutex mutex_;
};

}  // namespace weft::cuda::cudnn
