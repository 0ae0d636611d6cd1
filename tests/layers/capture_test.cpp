#include <sstream>

#include "helpers.hpp"

using namespace weft;
using namespace weft::testing;
using Catch::Matchers::Contains;

namespace {

struct Block {
  Linear layer;
  WEFT_MODULE(Block, layer)
  explicit Block(Rngs& rngs) : layer({.out_features = 3}, rngs) {}
  Tensor operator()(const Tensor& x) const {
    Scope scope(*this);
    Tensor y = layer(x);
    sow("hidden", y);
    return relu(y);
  }
};

struct Fusion {
  Linear embed;
  MultiHeadAttention attend;
  LayerNorm norm;
  WEFT_MODULE(Fusion, embed, attend, norm)

  explicit Fusion(Rngs& rngs)
      : embed({.out_features = 12}, rngs), attend({.num_heads = 3, .head_dim = 5}, rngs), norm({}, rngs) {}
  Tensor operator()(const Tensor& camera, const Tensor& lidar) const {
    Scope scope(*this);
    Tensor x = embed(camera);
    return norm(x + attend(x, lidar, lidar));
  }
};

}  // namespace

TEST_CASE("sown values are captured under their module's path") {
  Rngs rngs(0);
  Sequential net{Block(rngs), Block(rngs)};
  initialize(net, wavy({2, 7}));
  auto [y, sown] = capture([&] { return net(wavy({2, 7})); });
  CHECK(sown.size() == 2);
  CHECK(same_bits(relu(sown["layers.1.hidden"]), y));
  CHECK(sown.kind(0) == &Intermediate::kind());

  CaptureScope scope(path_contains("1"));
  net(wavy({2, 7}));
  net(wavy({2, 7}));
  CHECK(scope.values().size() == 2);
  CHECK(scope.values().contains("layers.1.hidden.1"));
}

TEST_CASE("a captured value keeps its tape within a loss") {
  Rngs rngs(0);
  Block block(rngs);
  initialize(block, wavy({2, 7}));
  State grads = grad(block, [&] {
    auto [y, sown] = capture([&] { return block(wavy({2, 7})); });
    return sum(sown["hidden"]);
  });
  CHECK(numbers(grads["layer.bias"]) == std::vector<double>{2, 2, 2});
}

TEST_CASE("initialize finds every size without running a kernel") {
  Rngs rngs(0);
  Fusion model(rngs);
  Tensor camera = wavy({2, 7, 11}), lidar = wavy({2, 5, 13});
  CHECK(!model.attend.key.kernel.has_shape());
  initialize(model, camera, lidar);
  CHECK(model.embed.kernel.shape() == Shape{11, 12});
  CHECK(model.attend.query.kernel.shape() == Shape{12, 3, 5});
  CHECK(model.attend.key.kernel.shape() == Shape{13, 3, 5});
  CHECK(model.attend.out.kernel.shape() == Shape{3, 5, 12});
  CHECK(model.norm.scale.shape() == Shape{12});
  for (const NamedCell& cell : cells(model)) CHECK(cell.cell->has_value());
  CHECK(model(camera, lidar).shape() == Shape{2, 7, 12});
  CHECK(error_of<ShapeError>([&] {
          model(camera, wavy({2, 5, 12}));
        }) == "attend.key: expected inputs with 13 features, got [2, 5, 12]");
}

TEST_CASE("tabulate shows shapes, parameters and FLOPs of each projection") {
  Rngs rngs(0);
  Fusion model(rngs);
  Table table = tabulate(model, wavy({2, 7, 11}), wavy({2, 5, 13}));
  CHECK(!model.embed.kernel.has_value());  // a shape-only run
  const Table::Row& whole = table[""];
  CHECK(whole.type == "Fusion");
  CHECK(whole.inputs == std::vector<Spec>{{{2, 7, 11}, DType::float32}, {{2, 5, 13}, DType::float32}});
  CHECK(whole.outputs == std::vector<Spec>{{{2, 7, 12}, DType::float32}});
  CHECK(whole.parameters == num_parameters(model));
  CHECK(whole.bytes == 4 * whole.parameters);
  const Table::Row& key = table["attend.key"];
  CHECK(key.parameters == 13 * 15 + 15);
  CHECK(key.inputs == std::vector<Spec>{{{2, 5, 13}, DType::float32}});
  CHECK(key.outputs == std::vector<Spec>{{{2, 5, 3, 5}, DType::float32}});
  CHECK(key.flops >= 2.0 * 2 * 5 * 13 * 15);
  CHECK(key.flops <= 2.1 * 2 * 5 * 13 * 15);
  CHECK(table["attend"].flops >
        key.flops + table["attend.query"].flops + table["attend.value"].flops + table["attend.out"].flops);
  CHECK(whole.flops > table["attend"].flops);
  CHECK_THROWS_AS(table["attend.keys"], IndexError);

  std::ostringstream text;
  text << table;
  CHECK_THAT(text.str(),
             Contains("attend.key") && Contains("float32[2, 5, 13]") && Contains("LinearGeneral") && Contains("FLOPs"));
}
