#include <weft/autograd/ops/join.hpp>
#include <weft/autograd/ops/layout.hpp>
#include <weft/autograd/ops/pad.hpp>
#include <weft/autograd/ops/repeat.hpp>
#include <weft/autograd/ops/triangle.hpp>

#include "calls.hpp"

namespace weft::conformance {

namespace {

int axis_of(const Arguments& a, const std::string& key, int otherwise) {
  return static_cast<int>(a.config.integer(key, otherwise));
}

Tensors permute(const Tensors& x, const Arguments& a) {
  const Config& axes = a.config.get("axes");
  return {axes.is_null() ? transpose(x.at(0)) : transpose(x.at(0), axes.shape())};
}

Tensors shift(const Tensors& x, const Arguments& a) {
  const Config &axis = a.config.get("axis"), &places = a.config["shift"];
  if (axis.is_null()) return {roll(x.at(0), places.integer())};
  return {roll(x.at(0), places.shape(), axis.shape())};
}

Tensors cut(const Tensors& x, const Arguments& a) {
  const Config& parts = a.config["indices_or_sections"];
  const int axis = axis_of(a, "axis", 0);
  if (parts.is_number()) return split(x.at(0), parts.integer(), axis);
  std::vector<int64_t> places;
  for (const Config& place : parts.items()) places.push_back(place.integer());
  return split_at(x.at(0), places, axis);
}

Tensors extend(const Tensors& x, const Arguments& a) {
  std::vector<PadWidth> widths;
  for (const Config& width : a.config["pad_width"].items())
    widths.emplace_back(width.items().at(0).integer(), width.items().at(1).integer());
  static const std::map<std::string, PadMode> modes{{"constant", PadMode::constant},
                                                    {"edge", PadMode::edge},
                                                    {"reflect", PadMode::reflect},
                                                    {"symmetric", PadMode::symmetric},
                                                    {"wrap", PadMode::wrap}};
  const std::string mode = a.config.text("mode", "constant");
  auto found = modes.find(mode);
  if (found == modes.end()) throw Unsupported("padding mode " + mode);
  return {pad(x.at(0), widths, found->second, a.config.number("constant_values", 0))};
}

}  // namespace

void add_layout(FunctionTable& table) {
  table["jnp.reshape"] = [](const Tensors& x, const Arguments& a) {
    return Tensors{reshape(x.at(0), a.config["shape"].shape())};
  };
  table["jnp.ravel"] = unary(ravel);
  table["jnp.broadcast_to"] = [](const Tensors& x, const Arguments& a) {
    return Tensors{broadcast_to(x.at(0), a.config["shape"].shape())};
  };
  table["jnp.expand_dims"] = [](const Tensors& x, const Arguments& a) {
    return Tensors{expand_dims(x.at(0), a.config["axis"].shape())};
  };
  table["jnp.squeeze"] = [](const Tensors& x, const Arguments& a) {
    return Tensors{squeeze(x.at(0), a.config["axis"].shape())};
  };
  table["jnp.transpose"] = permute;
  table["jnp.swapaxes"] = [](const Tensors& x, const Arguments& a) {
    return Tensors{swapaxes(x.at(0), axis_of(a, "axis1", 0), axis_of(a, "axis2", 0))};
  };
  table["jnp.moveaxis"] = [](const Tensors& x, const Arguments& a) {
    return Tensors{moveaxis(x.at(0), axis_of(a, "source", 0), axis_of(a, "destination", 0))};
  };
  table["jnp.concatenate"] = [](const Tensors& x, const Arguments& a) {
    return Tensors{concatenate(x, axis_of(a, "axis", 0))};
  };
  table["jnp.stack"] = [](const Tensors& x, const Arguments& a) { return Tensors{stack(x, axis_of(a, "axis", 0))}; };
  table["jnp.split"] = cut;
  table["jnp.pad"] = extend;
  table["jnp.tile"] = [](const Tensors& x, const Arguments& a) {
    return Tensors{tile(x.at(0), a.config["reps"].shape())};
  };
  table["jnp.repeat"] = [](const Tensors& x, const Arguments& a) {
    return Tensors{repeat(x.at(0), a.config["repeats"].integer(), axis_of(a, "axis", 0))};
  };
  table["jnp.flip"] = [](const Tensors& x, const Arguments& a) {
    return Tensors{flip(x.at(0), a.config.shape("axis", {}))};
  };
  table["jnp.roll"] = shift;
  table["jnp.diag"] = [](const Tensors& x, const Arguments& a) {
    return Tensors{diag(x.at(0), a.config.integer("k", 0))};
  };
  table["jnp.trace"] = [](const Tensors& x, const Arguments&) { return Tensors{trace(x.at(0))}; };
  table["jnp.tril"] = [](const Tensors& x, const Arguments& a) {
    return Tensors{tril(x.at(0), a.config.integer("k", 0))};
  };
  table["jnp.triu"] = [](const Tensors& x, const Arguments& a) {
    return Tensors{triu(x.at(0), a.config.integer("k", 0))};
  };
}

}  // namespace weft::conformance
