#include "helpers.hpp"

using namespace weft;
using namespace weft::testing;
using Catch::Matchers::Contains;

namespace {

struct Block {
  Linear up, down;
  Dropout dropout;
  double factor;
  WEFT_MODULE(Block, up, down, dropout, factor)

  explicit Block(Rngs& rngs)
      : up({.in_features = 3, .out_features = 5}, rngs),
        down({.in_features = 5, .out_features = 3, .use_bias = false}, rngs),
        dropout({.rate = 0.5}, rngs),
        factor(0.5) {}
  Tensor operator()(const Tensor& x) const {
    Scope scope(*this);
    return x + dropout(down(relu(up(x)))) * factor;
  }
};

class Net {
 public:
  explicit Net(Rngs& rngs) : embed_({.num_embeddings = 7, .features = 3}, rngs), extra_(std::nullopt) {
    for (int i = 0; i < 2; ++i) blocks_.emplace_back(rngs);
    heads_.emplace("left", Linear({.in_features = 3, .out_features = 2}, rngs));
    heads_.emplace("right", Linear({.in_features = 3, .out_features = 2}, rngs));
    // Tied weights.
    heads_.at("right").kernel = heads_.at("left").kernel.share();
    pair_[0] = Param(wavy({1}));
    pair_[1] = Param(wavy({2}));
    owned_ = std::make_unique<Linear>(LinearOptions{.in_features = 2, .out_features = 1}, rngs);
  }
  Tensor operator()(const Tensor& ids) const {
    Scope scope(*this);
    Tensor x = embed_(ids);
    for (const Block& block : blocks_) x = block(x);
    return (*owned_)(heads_.at("left")(x) + heads_.at("right")(x));
  }
  Linear& left() { return heads_.at("left"); }
  Linear& right() { return heads_.at("right"); }
  std::vector<Block>& blocks() { return blocks_; }

 private:
  Embed embed_;
  std::vector<Block> blocks_;
  std::map<std::string, Linear> heads_;
  std::optional<Linear> extra_;
  std::array<Param, 2> pair_;
  std::unique_ptr<Linear> owned_;
  WEFT_MODULE(Net, embed_, blocks_, heads_, extra_, pair_, owned_)
};

struct Forgetful {
  Param listed, forgotten;
};

Tensor ids() { return Tensor::from<int>({1, 6, 0}, {3}); }

const std::vector<std::string> net_params{"embed_.embedding",
                                          "blocks_.0.up.kernel",
                                          "blocks_.0.up.bias",
                                          "blocks_.0.down.kernel",
                                          "blocks_.1.up.kernel",
                                          "blocks_.1.up.bias",
                                          "blocks_.1.down.kernel",
                                          "heads_.left.kernel",
                                          "heads_.left.bias",
                                          "heads_.right.bias",
                                          "pair_.0",
                                          "pair_.1",
                                          "owned_.kernel",
                                          "owned_.bias"};

}  // namespace

TEST_CASE("modules move and do not copy") {
  STATIC_REQUIRE(!std::is_copy_constructible_v<Block>);  // so std::vector<Block>(6, block) does not compile
  STATIC_REQUIRE(!std::is_copy_assignable_v<Net>);
  STATIC_REQUIRE(std::is_move_constructible_v<Block>);
  STATIC_REQUIRE(std::is_move_constructible_v<Net>);
}

TEST_CASE("members that are not listed are noticed by the layout") {
  STATIC_REQUIRE(layout_accounts_for<Forgetful, Param, Param>());
  STATIC_REQUIRE(!layout_accounts_for<Forgetful, Param>());
  STATIC_REQUIRE(!layout_accounts_for<Block, Linear, Linear, Dropout>());
}

TEST_CASE("paths follow members, containers and keys, and shared variables come once") {
  Rngs rngs(0);
  Net net(rngs);
  std::vector<std::string> paths;
  for (const NamedCell& cell : cells(net, of_type<Param>)) paths.push_back(cell.path);
  CHECK(paths == net_params);
  std::vector<std::string> all_paths;
  for_each_variable(net, [&](const std::string& path, Variable&) { all_paths.push_back(path); });
  CHECK(std::count(all_paths.begin(), all_paths.end(), "heads_.right.kernel") == 1);
  CHECK(num_parameters(net) == 7 * 3 + 2 * (15 + 5 + 15) + 6 + 2 + 2 + 3 + 2 + 1);
  CHECK(num_bytes(net, of_type<Param>) == 4 * num_parameters(net));
}

TEST_CASE("state copies and state_view aliases", "[host]") {
  Rngs rngs(0);
  Block block(rngs);
  State copy = state(block), view = state_view(block, of_type<Param>);
  Tensor bias = block.up.bias;
  bias.mutable_data<float>()[0] = 9;
  CHECK(copy["up.bias"].to_vector<float>()[0] == 0);
  CHECK(view["up.bias"].to_vector<float>()[0] == 9);
  CHECK_THAT(error_of<IndexError>([&] { copy["up.biass"]; }), Contains("up.bias") && Contains("up.biass"));
  CHECK(copy.contains("dropout.rngs.count"));
  CHECK(!view.contains("dropout.rngs.count"));
}

TEST_CASE("clone copies, and keeps inner ties") {
  Rngs rngs(0);
  Net net(rngs);
  eval(net);
  Net copy = clone(net);
  CHECK(copy.left().kernel.cell() == copy.right().kernel.cell());
  CHECK(!(copy.left().kernel.cell() == net.left().kernel.cell()));
  CHECK(same_bits(net(ids()), copy(ids())));
  Tensor before = net(ids());
  copy.left().kernel.set(zeros({3, 2}));
  CHECK(same_bits(net(ids()), before));
  CHECK(!same_bits(copy(ids()), before));
}

TEST_CASE("split and merge give the model back") {
  Rngs rngs(3);
  Net net(rngs);
  eval(net);
  auto [graph, params, rest] = split(net, of_type<Param>, everything);
  CHECK(params.size() == net_params.size());
  CHECK(rest.size() == 4);
  for (auto [path, value, kind] : rest) CHECK(kind == &RngState::kind());
  Net again = merge(graph, params, rest);
  CHECK(same_bits(net(ids()), again(ids())));
  CHECK(again.left().kernel.cell() == again.right().kernel.cell());
  // The first filter that chooses a variable gets it.
  auto [graph2, biases, others] = split(net, path_glob("**.bias"), everything);
  CHECK(biases.size() == 5);
  CHECK(others.size() == net_params.size() + 4 - 5);
}

TEST_CASE("split refuses filters that leave something") {
  Rngs rngs(0);
  Block block(rngs);
  CHECK_THAT(error_of<ValueError>([&] { split(block, of_type<Param>); }),
             Contains("dropout.rngs.key") && Contains("dropout.rngs.count") && !Contains("kernel"));
}

TEST_CASE("filters combine") {
  Rngs rngs(0);
  Block block(rngs);
  auto paths = [&](const Filter& filter) {
    std::string text;
    for (auto [path, value, kind] : state(block, filter)) text += path + ' ';
    return text;
  };
  CHECK(paths(path_glob("*.kernel")) == "up.kernel down.kernel ");
  CHECK(paths(path_glob("up.*")) == "up.kernel up.bias ");
  CHECK(paths(path_glob("*")).empty());
  CHECK(paths(path_glob("**")) == paths(everything));
  CHECK(paths(path_glob("dropout.**")) == "dropout.rngs.key dropout.rngs.count ");
  CHECK(paths(path_contains("up")) == "up.kernel up.bias ");
  CHECK(paths(path_contains("u")).empty());
  CHECK(paths(all_of(of_type<Param>, not_(path_contains("bias")))) == "up.kernel down.kernel ");
  CHECK(paths(any_of(path_glob("up.bias"), of_type<RngState>)) == "up.bias dropout.rngs.key dropout.rngs.count ");
  CHECK(paths(nothing).empty());
  CHECK(paths([](const VariableInfo& v) { return v.cell->spec().shape.rank() == 1; }) == "up.bias ");
}

TEST_CASE("update is strict and lists what does not fit, before anything is written") {
  Rngs rngs(0);
  Block block(rngs);
  State params = state(block, of_type<Param>);
  Tensor before = block.up.kernel.get().copy();

  State wrong;
  wrong.set("up.kernel", ones({3, 5}));
  wrong.set("up.bias", ones({7}));
  wrong.set("down.kernell", ones({5, 3}));
  std::string text = error_of<StateError>([&] { update(block, wrong, {.only = of_type<Param>}); });
  CHECK_THAT(text, Contains("missing: down.kernel;") && Contains("unexpected: down.kernell;") &&
                       Contains("misshapen: up.bias: expected float32[5], got float32[7]"));
  CHECK(same_bits(block.up.kernel, before));

  UpdateReport report = update(block, wrong, {.only = of_type<Param>, .strict = false});
  CHECK(report.missing == std::vector<std::string>{"down.kernel"});
  CHECK(report.unexpected == std::vector<std::string>{"down.kernell"});
  CHECK(report.misshapen.size() == 1);
  CHECK(numbers(block.up.kernel) == std::vector<double>(15, 1));

  CHECK_THAT(error_of<StateError>([&] { update(block, params); }), Contains("missing: dropout.rngs.key"));
  CHECK(update(block, params, {.only = of_type<Param>}).ok());
  CHECK(same_bits(block.up.kernel, before));
}

TEST_CASE("update takes any path of a shared variable, and shapes for those without one") {
  Rngs rngs(0);
  Net net(rngs);
  State all = state(net);
  Tensor kernel = all["heads_.left.kernel"];
  all.erase("heads_.left.kernel");
  all.set("heads_.right.kernel", kernel * 2.0f);
  CHECK(update(net, all).ok());
  CHECK(same_bits(net.left().kernel, kernel * 2.0f));

  Linear lazy({.out_features = 2}, rngs);
  State values;
  values.set("kernel", wavy({5, 2}));
  values.set("bias", wavy({2}));
  update(lazy, values);
  CHECK(lazy.kernel.shape() == Shape{5, 2});
}

TEST_CASE("pop takes variables out") {
  Rngs rngs(0);
  Block block(rngs);
  State popped = pop(block, of_type<RngState>);
  CHECK(popped.size() == 2);
  CHECK(!block.dropout.rngs);
  CHECK(state(block).size() == 3);
}

TEST_CASE("cells stay valid when the model moves") {
  Rngs rngs(0);
  auto first = std::make_unique<Block>(rngs);
  std::vector<NamedCell> held = cells(*first, of_type<Param>);
  Block moved = std::move(*first);
  first.reset();
  held[0].cell->put(zeros({3, 5}));
  CHECK(numbers(moved.up.kernel) == std::vector<double>(15, 0));
}

TEST_CASE("the list of a model follows changes of its containers") {
  Rngs rngs(0);
  Net net(rngs);
  size_t before = cells(net).size();
  net.blocks().emplace_back(rngs);
  CHECK(cells(net).size() == before + 5);
  net.blocks().erase(net.blocks().begin());
  CHECK(cells(net).size() == before);
  std::swap(net.blocks()[0], net.blocks()[1]);
  CHECK(cells(net)[1].cell == net.blocks()[0].up.kernel.cell());
}

TEST_CASE("train, eval and set_attributes reach every module") {
  Rngs rngs(0);
  Net net(rngs);
  uint64_t epoch = structure_epoch();
  eval(net);
  CHECK(structure_epoch() != epoch);
  CHECK(net.blocks()[0].dropout.deterministic);
  CHECK(net.blocks()[1].dropout.deterministic);
  train(net);
  CHECK(!net.blocks()[1].dropout.deterministic);
  CHECK(set_attributes(net, {{"rate", 0.25}}) == 2);
  CHECK(net.blocks()[0].dropout.rate == 0.25);
  CHECK(set_attributes(net, {{"deterministic", true}}, "blocks_.1.**") == 1);
  CHECK(!net.blocks()[0].dropout.deterministic);
  CHECK_THAT(error_of<ValueError>([&] { set_attributes(net, {{"rte", 0.25}}); }), Contains("rte") && Contains("none"));
  CHECK_THAT(error_of<ValueError>([&] { set_attributes(net, {{"rate", true}}); }), Contains("blocks_.0.dropout.rate"));
  CHECK_THAT(error_of<ValueError>([&] { set_attributes(net, {{"in_features", 2.5}}); }), Contains("2.5"));
}

TEST_CASE("modules by type") {
  Rngs rngs(0);
  Net net(rngs);
  std::vector<std::string> paths;
  for_each<Linear>(net, [&](const std::string& path, Linear& layer) {
    paths.push_back(path);
    CHECK(layer.kernel);
  });
  CHECK(paths == std::vector<std::string>{"blocks_.0.up", "blocks_.0.down", "blocks_.1.up", "blocks_.1.down",
                                          "heads_.left", "heads_.right", "owned_"});
}

TEST_CASE("errors carry the path of the layer") {
  Rngs rngs(0);
  Net net(rngs);
  net.blocks()[1].down = Linear({.in_features = 4, .out_features = 3}, rngs);
  CHECK(error_of<ShapeError>([&] { net(ids()); }) == "blocks_.1.down: expected inputs with 4 features, got [3, 5]");
}

TEST_CASE("display shows the tree") {
  Rngs rngs(0);
  Block block(rngs);
  std::string text = display(block);
  CHECK_THAT(text, Contains("Block\n") && Contains("  up: Linear\n") && Contains("    kernel: params float32[3, 5]") &&
                       Contains("    rate: 0.5"));
}
