#include <cmath>

#include <catch2/catch.hpp>

#include <weft/autograd/ops/global_norm.hpp>
#include <weft/autograd/ops/optimizer_update.hpp>
#include <weft/autograd/ops/parameter_average.hpp>
#include <weft/autograd/primitive.hpp>
#include <weft/core/backend.hpp>
#include <weft/tests/support/same_bits.hpp>

#include "isa_helpers.hpp"

using namespace weft;
using weft::test::for_each_isa;
using weft::test::random_values;

namespace {

/// Sizes about the kernels' pieces, and more than one piece together.
const std::vector<int64_t> sizes{1, 0, 17, 16384, 16385, 5, 40009, 64};

Tensors tensors(unsigned seed, double low, double high) {
  Tensors list;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (i % 3 == 2) list.push_back(Tensor::from(random_values<double>(sizes[i], seed++, low, high), {sizes[i]}));
    else list.push_back(Tensor::from(random_values<float>(sizes[i], seed++, low, high), {sizes[i]}));
  }
  return list;
}

void append(Tensors& list, const Tensors& more) { list.insert(list.end(), more.begin(), more.end()); }

bool same_bits(const Tensors& a, const Tensors& b) {
  bool same = a.size() == b.size();
  for (size_t i = 0; same && i < a.size(); ++i) same = testing::same_bits(a[i], b[i]);
  return same;
}

/// Runs a primitive with its results written over the inputs that it allows.
template <class Op> Tensors in_place(const Op& op, const Tensors& inputs) {
  const Primitive& primitive = find_primitive(primitive_id<Op>());
  Tensors own, outputs;
  Specs specs;
  for (const Tensor& input : inputs) own.push_back(input.copy()), specs.push_back(input.spec());
  const int count = static_cast<int>(inputs.size());
  for (size_t i = 0; i < primitive.shape(&op, specs).size(); ++i) {
    const int place = primitive.overwrites(&op, static_cast<int>(i), count);
    REQUIRE(place >= 0);
    outputs.push_back(own[static_cast<size_t>(place)]);
  }
  Device("cpu").backend().kernels().find(primitive.id())->run({&op, own, outputs});
  return outputs;
}

op::OptimizerUpdate clipped(op::UpdateRule rule, bool adds) {
  op::OptimizerUpdate op;
  op.clips = op.scales = op.traces = true;
  op.max_norm = 1;
  op.direction = {.rule = rule, .b1 = 0.9, .b2 = 0.99, .eps = 1e-3, .eps_root = 1e-4};
  op.decay = {0.1, {true, false, true, true, false, true, true, false}};
  op.momentum = 0.5;
  op.adds = adds;
  return op;
}

}  // namespace

TEST_CASE("updates have the same bits in place and at any number of threads", "[optimizer]") {
  for_each_isa([](const std::string& isa) {
    for (auto rule : {op::UpdateRule::plain, op::UpdateRule::trace, op::UpdateRule::mean, op::UpdateRule::adam,
                      op::UpdateRule::lion, op::UpdateRule::rms, op::UpdateRule::centered, op::UpdateRule::adagrad})
      for (bool adds : {true, false}) {
        INFO(isa << ", rule " << static_cast<int>(rule) << (adds ? ", added" : ""));
        const op::OptimizerUpdate op = clipped(rule, adds);
        Tensors inputs{Tensor(int64_t{3}), Tensor(0.01), Tensor(2.5)};
        append(inputs, tensors(1, -1, 1));
        append(inputs, tensors(100, -1, 1));
        for (int state = 0; state < op.states(); ++state)
          append(inputs, tensors(200 + 20 * static_cast<unsigned>(state), 1, 2));
        set_num_threads(1);
        const Tensors expected = apply_all(op, inputs);
        set_num_threads(3);
        CHECK(same_bits(apply_all(op, inputs), expected));
        CHECK(same_bits(in_place(op, inputs), expected));
      }
  });
}

TEST_CASE("averages have the same bits in place and at any number of threads", "[optimizer]") {
  for_each_isa([](const std::string& isa) {
    INFO(isa);
    Tensors inputs = tensors(1, -1, 1);
    append(inputs, tensors(50, -1, 1));
    set_num_threads(1);
    const Tensors expected = apply_all(op::ParameterAverage{0.1}, inputs);
    set_num_threads(3);
    CHECK(same_bits(apply_all(op::ParameterAverage{0.1}, inputs), expected));
    CHECK(same_bits(in_place(op::ParameterAverage{0.1}, inputs), expected));
  });
}

TEST_CASE("the norm of many tensors is exact, whatever the number of threads", "[optimizer]") {
  const Tensors inputs = tensors(1, -1, 3);
  double total = 0;
  for (const Tensor& tensor : inputs)
    visit_wide_float(tensor.dtype(), [&]<class T>(std::type_identity<T>) {
      for (T value : tensor.to_vector<T>()) total += static_cast<double>(value) * static_cast<double>(value);
    });
  for_each_isa([&](const std::string& isa) {
    INFO(isa);
    set_num_threads(1);
    const double norm = global_norm(inputs).item();
    CHECK(norm == Approx(std::sqrt(total)).epsilon(1e-7));
    set_num_threads(3);
    CHECK(global_norm(inputs).item() == norm);
  });
}
