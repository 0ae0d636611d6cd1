#include <weft/autograd/ops/gather.hpp>
#include <weft/autograd/ops/layout.hpp>
#include <weft/autograd/ops/one_hot.hpp>
#include <weft/autograd/ops/scatter.hpp>
#include <weft/autograd/ops/slice.hpp>
#include <weft/autograd/ops/sort.hpp>

#include "calls.hpp"

namespace weft::conformance {

namespace {

std::optional<int64_t> bound(const Config& value) {
  if (value.is_null()) return std::nullopt;
  return value.integer();
}

/// `[0, {"slice": [start, stop, step]}, "newaxis", "ellipsis"]`.
std::vector<Index> items_of(const Arguments& a) {
  std::vector<Index> items;
  for (const Config& item : a.config["index"].items()) {
    if (item.is_number()) {
      items.emplace_back(item.integer());
    } else if (item.is_object()) {
      const std::vector<Config>& parts = item["slice"].items();
      items.emplace_back(bound(parts.at(0)), bound(parts.at(1)), bound(parts.at(2)).value_or(1));
    } else if (item.text() == "newaxis") {
      items.emplace_back(newaxis);
    } else if (item.text() == "ellipsis") {
      items.emplace_back(ellipsis);
    } else {
      throw Unsupported("index " + item.text());
    }
  }
  return items;
}

Tensors pick(const Tensors& x, const Arguments& a) {
  static const std::map<std::string, OutOfRange> modes{
      {"error", OutOfRange::error}, {"fill", OutOfRange::fill}, {"clip", OutOfRange::clip}, {"wrap", OutOfRange::wrap}};
  const std::string mode = a.config.text("mode", "error");
  auto found = modes.find(mode);
  if (found == modes.end()) throw Unsupported("mode " + mode);
  const Config &axis = a.config.get("axis"), &fill = a.config.get("fill_value");
  const double fill_value = fill.is_null() ? std::numeric_limits<double>::quiet_NaN() : fill.number();
  const Tensor source = axis.is_null() ? ravel(x.at(0)) : x.at(0);
  return {take(source, x.at(1), axis.is_null() ? 0 : static_cast<int>(axis.integer()), found->second, fill_value)};
}

using Scatter = Tensor (*)(const Tensor&, const std::vector<Tensor>&, const Tensor&);
/// (x, updates, i, j, ...).
Function scatter(Scatter function) {
  return [function](const Tensors& x, const Arguments&) {
    return Tensors{function(x.at(0), Tensors(x.begin() + 2, x.end()), x.at(1))};
  };
}

Function segments(Tensor (*function)(const Tensor&, const Tensor&, int64_t)) {
  return [function](const Tensors& x, const Arguments& a) {
    return Tensors{function(x.at(0), x.at(1), a.config["num_segments"].integer())};
  };
}

using Sort = Tensor (*)(const Tensor&, int, bool);
Function sorting(Sort function) {
  return [function](const Tensors& x, const Arguments& a) {
    return Tensors{
        function(x.at(0), static_cast<int>(a.config.integer("axis", -1)), a.config.flag("descending", false))};
  };
}

}  // namespace

void add_indexing(FunctionTable& table) {
  table["index"] = [](const Tensors& x, const Arguments& a) { return Tensors{index(x.at(0), items_of(a))}; };
  table["slice_set"] = [](const Tensors& x, const Arguments& a) {
    return Tensors{slice_update(x.at(0), x.at(1), items_of(a))};
  };
  table["slice_add"] = [](const Tensors& x, const Arguments& a) {
    return Tensors{slice_add(x.at(0), x.at(1), items_of(a))};
  };
}

void add_gather(FunctionTable& table) {
  table["jnp.take"] = pick;
  table["jnp.take_along_axis"] = [](const Tensors& x, const Arguments& a) {
    return Tensors{take_along_axis(x.at(0), x.at(1), static_cast<int>(a.config["axis"].integer()))};
  };
  table["gather"] = [](const Tensors& x, const Arguments& a) {
    return Tensors{gather(x.at(0), Tensors(x.begin() + 1, x.end()), static_cast<int>(a.config.integer("leading", 0)))};
  };
  table["scatter_add"] = scatter(weft::scatter_add);
  table["scatter_set"] = scatter(scatter_set);
  table["scatter_max"] = scatter(scatter_max);
  table["jax.ops.segment_sum"] = segments(segment_sum);
  table["jax.ops.segment_max"] = segments(segment_max);
  table["jax.nn.one_hot"] = [](const Tensors& x, const Arguments& a) {
    return Tensors{one_hot(x.at(0), a.config["num_classes"].integer())};
  };
  table["jnp.sort"] = sorting(sort);
  table["jnp.argsort"] = sorting(argsort);
  table["jax.lax.top_k"] = [](const Tensors& x, const Arguments& a) {
    TopK result = top_k(x.at(0), a.config["k"].integer());
    return Tensors{result.values, result.indices};
  };
  table["jnp.median"] = [](const Tensors& x, const Arguments& a) {
    return Tensors{median(x.at(0), static_cast<int>(a.config["axis"].integer()))};
  };
  table["jnp.searchsorted"] = [](const Tensors& x, const Arguments&) {
    return Tensors{searchsorted(x.at(0), x.at(1))};
  };
}

}  // namespace weft::conformance
