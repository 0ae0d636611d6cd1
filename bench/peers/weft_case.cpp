#include <weft/bench/peers/weft_case.hpp>

#include <weft/autograd/jit.hpp>
#include <weft/core/safetensors.hpp>

namespace weft::bench {
namespace {

/// Every array has numbers of its own, the same ones whatever the order in which arrays are asked for.
RandomKey key_of(const std::string& name) {
  uint64_t hash = 1469598103934665603u;  // FNV-1a
  for (char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  RandomKey key;
  key.key = hash;
  return key;
}

const char* const parameter_prefix = "param.";

}  // namespace

Arrays::Arrays(const std::string& file) : reads_(true), tensors_(read_safetensors(file).tensors) {}

Tensor Arrays::find(const std::string& name, const Spec& spec, const std::function<Tensor(const RandomKey&)>& draw) {
  auto found = tensors_.find(name);
  if (found == tensors_.end()) {
    if (reads_) throw FormatError("arrays: expected `" + name + "`, got a file without it");
    found = tensors_.emplace(name, draw(key_of(name))).first;
  }
  if (found->second.spec() != spec)
    throw FormatError("arrays: " + name + ": expected " + to_string(spec) + ", got " + to_string(found->second.spec()));
  return found->second;
}

Tensor Arrays::normal(const std::string& name, const Shape& shape) {
  return cast(find(name, {shape, DType::float32}, [&](const RandomKey& key) { return weft::normal(shape, key); }),
              floats_);
}
Tensor Arrays::uniform(const std::string& name, const Shape& shape) {
  return cast(find(name, {shape, DType::float32}, [&](const RandomKey& key) { return weft::uniform(shape, key); }),
              floats_);
}
Tensor Arrays::integers(const std::string& name, const Shape& shape, int64_t high) {
  return find(name, {shape, DType::int32}, [&](const RandomKey& key) { return randint(shape, key, 0, high); });
}
Tensor Arrays::booleans(const std::string& name, const Shape& shape, double p) {
  return find(name, {shape, DType::boolean}, [&](const RandomKey& key) { return bernoulli(shape, key, p); });
}
Tensor Arrays::given(const std::string& name, const std::vector<int32_t>& values) {
  Shape shape{static_cast<int64_t>(values.size())};
  return find(name, {shape, DType::int32}, [&](const RandomKey&) { return Tensor::from(values, shape); });
}

State Arrays::exchange(const State& own) {
  return own.map([&](const std::string& path, const Tensor& value) {
    return find(parameter_prefix + path, value.spec(), [&](const RandomKey&) { return value; });
  });
}

void Arrays::save(const std::string& file) const { write_safetensors(file, tensors_); }

Step prepare(Step step, const CaseOptions& options) {
  if (options.eager) return step;
  auto jitted = std::make_shared<Jitted<Step>>(jit(std::move(step)));
  return [jitted](const Tensors& inputs) { return (*jitted)(inputs); };
}

Case make_case(const Json& spec, Arrays& arrays, const CaseOptions& options) {
  using Maker = Case (*)(const Json&, Arrays&, const CaseOptions&);
  static const std::map<std::string, Maker> makers{
      {"sdpa", sdpa_case},
      {"mha", mha_case},
      {"mlp", mlp_step},
      {"vqa", vqa_step},
      {"gemm", gemm_case},
      {"encoder", encoder_step},
      {"layer_norm", layer_norm_case},
      {"cross_entropy", cross_entropy_case},
  };
  const std::string kind = spec.at("kind");
  auto maker = makers.find(kind);
  if (maker == makers.end()) throw ValueError("workload: unknown kind `" + kind + "`");
  return maker->second(spec, arrays, options);
}

}  // namespace weft::bench
