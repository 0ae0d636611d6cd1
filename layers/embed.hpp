#pragma once

#include <optional>

#include <weft/layers/compute_dtype.hpp>
#include <weft/layers/module.hpp>
#include <weft/layers/rngs.hpp>

namespace weft {

struct EmbedOptions {
  int64_t num_embeddings = 0, features = 0;  ///< both have to be given
  std::optional<DType> dtype = std::nullopt;
  DType param_dtype = DType::float32;
  /// Normal with standard deviation 1 / sqrt(features) when not given.
  std::optional<Initializer> embedding_init = std::nullopt;
};

/// A table of vectors.
struct Embed {
  Param embedding;  ///< [num_embeddings, features]
  std::optional<DType> dtype;
  WEFT_MODULE(Embed, embedding, dtype)

  Embed(const EmbedOptions& options, Rngs& rngs);
  /// Integers [batch...] -> [batch..., features]; negative ones count from the end. Throws IndexError naming one out of
  /// range, DTypeError when they are no integers.
  Tensor operator()(const Tensor& ids) const;
  /// query [batch..., features] -> scores [batch..., num_embeddings], the query times every row: the output layer of a
  /// model whose embedding is tied.
  Tensor attend(const Tensor& query) const;
};

}  // namespace weft
