#include <weft/layers/embed.hpp>

#include <cmath>

#include <weft/autograd/ops/gather.hpp>
#include <weft/autograd/ops/layout.hpp>
#include <weft/autograd/ops/matmul.hpp>
#include <weft/core/error.hpp>

namespace weft {

Embed::Embed(const EmbedOptions& options, Rngs& rngs) : dtype(options.dtype) {
  check_size("num_embeddings", options.num_embeddings);
  check_size("features", options.features);
  embedding =
      Param(options.embedding_init.value_or(initializers::normal(1 / std::sqrt(static_cast<double>(options.features)))),
            rngs.params(), options.param_dtype);
  embedding.resolve({options.num_embeddings, options.features});
}

Tensor Embed::operator()(const Tensor& ids) const {
  Scope scope(*this);
  Tensor table = embedding;
  if (!is_integer(ids.dtype())) throw DTypeError("expected integer ids, got " + to_string(ids.spec()));
  return weft::embedding(in_dtype(table, compute_dtype(dtype, {table})), ids);
}

Tensor Embed::attend(const Tensor& query) const {
  Scope scope(*this);
  Tensor table = embedding;
  check_features(query, table.shape()[1]);
  DType type = compute_dtype(dtype, {query, table});
  return matmul(in_dtype(query, type), transpose(in_dtype(table, type)));
}

}  // namespace weft
