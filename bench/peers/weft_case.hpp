#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <weft/weft.hpp>

namespace weft::bench {

using Json = nlohmann::json;

/// The named inputs and parameters of a case: read from a file, so that all peers have the same ones, or drawn.
class Arrays {
 public:
  /// Draws.
  Arrays() = default;
  /// Reads.
  explicit Arrays(const std::string& file);

  /// What normal() and uniform() give from now on; files hold float32.
  void set_floats(DType dtype) { floats_ = dtype; }
  Tensor normal(const std::string& name, const Shape& shape);
  Tensor uniform(const std::string& name, const Shape& shape);
  /// int32 in [0, high).
  Tensor integers(const std::string& name, const Shape& shape, int64_t high);
  /// True with probability p.
  Tensor booleans(const std::string& name, const Shape& shape, double p);
  Tensor given(const std::string& name, const std::vector<int32_t>& values);
  /// The model's parameters, under `param.<path>`; those drawn are the model's own.
  template <Module T> void parameters(T& model) {
    State own = state(model, of_type<Param>);
    update(model, exchange(own), {.only = of_type<Param>});
  }

  void save(const std::string& file) const;

 private:
  Tensor find(const std::string& name, const Spec& spec, const std::function<Tensor(const RandomKey&)>& draw);
  State exchange(const State& own);

  bool reads_ = false;
  DType floats_ = DType::float32;
  std::map<std::string, Tensor> tensors_;
};

/// A case made ready: everything but the call itself is done.
struct Case {
  std::function<Tensors()> run;    ///< one call, as timed
  std::vector<std::string> names;  ///< of the results of run()
  int check_runs = 1;              ///< as many calls' results are compared; more than one where state moves on
};

struct CaseOptions {
  bool eager = false;  ///< without jit
};

using Step = std::function<Tensors(const Tensors&)>;
/// The function as it is timed: recorded once and replayed, or run op by op.
Step prepare(Step step, const CaseOptions& options);

/// A case from the fields of its workload; `kind` says which, docs/performance.md lists them. Throws ValueError for a
/// kind that is not known, and json exceptions for missing fields.
Case make_case(const Json& spec, Arrays& arrays, const CaseOptions& options);

// One for each kind of workload.
Case sdpa_case(const Json& spec, Arrays& arrays, const CaseOptions& options);
Case mha_case(const Json& spec, Arrays& arrays, const CaseOptions& options);
Case mlp_step(const Json& spec, Arrays& arrays, const CaseOptions& options);
Case vqa_step(const Json& spec, Arrays& arrays, const CaseOptions& options);
Case encoder_step(const Json& spec, Arrays& arrays, const CaseOptions& options);
Case gemm_case(const Json& spec, Arrays& arrays, const CaseOptions& options);
Case layer_norm_case(const Json& spec, Arrays& arrays, const CaseOptions& options);
Case cross_entropy_case(const Json& spec, Arrays& arrays, const CaseOptions& options);

}  // namespace weft::bench
