// Trains a small model on a backend from outside the tree, and compares every result with `cpu`.

#include <iostream>

#include <slow_cpu.hpp>

#include <weft/weft.hpp>

using namespace weft;

namespace {

int failures = 0;

void check(bool good, const std::string& what) {
  std::cout << (good ? "passed: " : "FAILED: ") << what << '\n';
  failures += !good;
}

struct Encoder {
  Linear embed;
  MultiHeadAttention attend;
  LayerNorm norm;
  WEFT_MODULE(Encoder, embed, attend, norm)

  explicit Encoder(Rngs& rngs) : embed({.out_features = 12}, rngs), attend({.num_heads = 3}, rngs), norm({}, rngs) {}
  Tensor operator()(const Tensor& query, const Tensor& key) const {
    Scope scope(*this);
    Tensor x = embed(query);
    return norm(x + attend(x, key));
  }
};

/// Three steps from one seed on the default device; the losses.
std::vector<double> train() {
  Rngs rngs(0);
  Encoder model(rngs);
  Tensor query = normal({2, 3, 5}, rngs.next()), key = normal({2, 7, 11}, rngs.next());
  initialize(model, query, key);
  Optimizer optimizer(model, adam({.learning_rate = 1e-2}));
  std::vector<double> losses;
  for (int step = 0; step < 3; ++step) {
    auto [loss, grads] = value_and_grad(model, [&] { return mean(abs(model(query, key) - 0.5)); });
    optimizer.update(grads);
    losses.push_back(loss.item());
  }
  return losses;
}

}  // namespace

int main() try {
  Device device = slow_cpu::register_backend();
  check(Device("slow_cpu") == device, "found by its name");

  std::vector<double> expected = train(), got;
  {
    DeviceScope scope(device);  // parameters and data live there
    got = train();
  }
  bool equal = true;
  for (size_t i = 0; i < got.size(); ++i) {
    std::cout << "  loss " << got[i] << " on slow_cpu, " << expected[i] << " on cpu\n";
    equal = equal && std::abs(got[i] - expected[i]) < 1e-5;
  }
  slow_cpu::Counts counts = slow_cpu::counts();
  check(equal && got[2] < got[0], "a model trains there as on cpu");
  check(counts.add > 0 && counts.matmul > 0, "through the backend's own kernels: " + std::to_string(counts.add) +
                                                 " additions, " + std::to_string(counts.matmul) + " products");

  const KernelTable& table = device.backend().kernels();
  check(!table.find(primitive_id<op::Attention>()), "attention has no kernel there and ran as its composed form");

  Tensor x = Tensor::from(std::vector<float>{3, 1, 2}, {3}, device);
  std::string text;
  try {
    argsort(x);
  } catch (const DeviceError& error) {
    text = error.what();
    std::cout << "  " << text << '\n';
  }
  check(text.find("argsort") == 0 && text.find("slow_cpu") != text.npos && text.find("cpu, reference") != text.npos,
        "a missing base kernel is an error that names op, backend, and those that have it");
  check(argsort(x.to("cpu")).to_vector<int32_t>() == std::vector<int32_t>{1, 2, 0}, "and runs elsewhere");
  return failures == 0 ? 0 : 1;
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
