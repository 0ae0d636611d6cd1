#include <weft/layers/attention.hpp>

#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/cast.hpp>
#include <weft/autograd/ops/layout.hpp>
#include <weft/core/error.hpp>
#include <weft/layers/attention_checks.hpp>
#include <weft/layers/capture.hpp>

namespace weft {
namespace {

int64_t heads_of(const MultiHeadAttentionOptions& o) {
  check_size("num_heads", o.num_heads);
  return o.num_heads;
}

int64_t key_value_heads_of(const MultiHeadAttentionOptions& o) {
  int64_t heads = heads_of(o), kv = o.num_key_value_heads == same_as_heads ? heads : o.num_key_value_heads;
  check_size("num_key_value_heads", kv);
  if (heads % kv != 0)
    throw ValueError("expected num_heads that is a multiple of num_key_value_heads, got " + std::to_string(heads) +
                     " and " + std::to_string(kv));
  return kv;
}

int64_t divided(int64_t features, int64_t heads) {
  if (features % heads != 0)
    throw ValueError("expected query features that num_heads = " + std::to_string(heads) +
                     " divides, or a head_dim, got " + std::to_string(features) + " features");
  return features / heads;
}

/// -1 where it depends on the data.
int64_t head_dim_of(const MultiHeadAttentionOptions& o) {
  if (o.head_dim != query_features_over_heads) {
    check_size("head_dim", o.head_dim);
    return o.head_dim;
  }
  return o.query_features == inferred ? inferred : divided(o.query_features, heads_of(o));
}

int64_t value_head_dim_of(const MultiHeadAttentionOptions& o) {
  if (o.value_head_dim == same_as_head_dim) return head_dim_of(o);
  check_size("value_head_dim", o.value_head_dim);
  return o.value_head_dim;
}

/// Unknown sizes give the empty shape.
Shape if_known(std::initializer_list<int64_t> extents) {
  for (int64_t extent : extents)
    if (extent < 0) return {};
  return Shape(extents);
}

LinearGeneralOptions projection(const MultiHeadAttentionOptions& o, const char* name, int64_t in, int64_t heads,
                                int64_t features) {
  if (in != inferred) check_size((std::string(name) + "_features").c_str(), in);
  return {.in_features = if_known({in}),
          .out_features = if_known({heads, features}),
          .use_bias = o.use_bias,
          .dtype = o.dtype,
          .param_dtype = o.param_dtype,
          .kernel_init = o.kernel_init,
          .bias_init = o.bias_init};
}

LinearGeneralOptions out_projection(const MultiHeadAttentionOptions& o) {
  int64_t features = o.out_features == same_as_query ? o.query_features : o.out_features;
  if (features != inferred) check_size("out_features", features);
  return {.in_features = if_known({heads_of(o), value_head_dim_of(o)}),
          .out_features = if_known({features}),
          .axis = {-2, -1},
          .use_bias = o.use_bias,
          .dtype = o.dtype,
          .param_dtype = o.param_dtype,
          .kernel_init = o.out_kernel_init.value_or(o.kernel_init),
          .bias_init = o.out_bias_init.value_or(o.bias_init)};
}

std::optional<LayerNorm> head_norm(const MultiHeadAttentionOptions& o, const Initializer& scale, Rngs& rngs) {
  if (!o.normalize_qk) return std::nullopt;
  return LayerNorm({.num_features = head_dim_of(o),
                    .use_bias = false,
                    .dtype = o.dtype,
                    .param_dtype = o.param_dtype,
                    .scale_init = scale},
                   rngs);
}

/// Batch axes of extent 1 in front, up to `rank` axes.
Tensor with_rank(const Tensor& x, int rank) {
  if (x.rank() >= rank) return x;
  Shape shape = Shape::filled(rank - x.rank(), 1);
  for (int64_t extent : x.shape()) shape.push_back(extent);
  return reshape(x, shape);
}

}  // namespace

MultiHeadAttention::MultiHeadAttention(const MultiHeadAttentionOptions& o, Rngs& random)
    : query(projection(o, "query", o.query_features, heads_of(o), head_dim_of(o)), random),
      key(projection(o, "key", o.key_features, key_value_heads_of(o), head_dim_of(o)), random),
      value(projection(o, "value", o.value_features, key_value_heads_of(o), value_head_dim_of(o)), random),
      query_ln(head_norm(o, o.query_ln_scale_init, random)),
      key_ln(head_norm(o, o.key_ln_scale_init, random)),
      out(out_projection(o), random),
      num_heads(o.num_heads),
      num_key_value_heads(key_value_heads_of(o)),
      head_dim(head_dim_of(o)),
      value_head_dim(value_head_dim_of(o)),
      out_features(o.out_features),
      window_left(o.window_left),
      window_right(o.window_right),
      scale(o.scale),
      soft_cap(o.soft_cap),
      dropout_rate(o.dropout_rate),
      fully_masked(o.fully_masked),
      causal(o.causal),
      broadcast_dropout(o.broadcast_dropout),
      deterministic(o.deterministic),
      sow_weights(o.sow_weights) {
  if (!(dropout_rate >= 0 && dropout_rate <= 1))
    throw ValueError("expected a dropout_rate from 0 to 1, got " + std::to_string(dropout_rate));
  if (o.null_slot) {
    null_key = Param(o.null_init, random.params(), o.param_dtype);
    null_value = Param(o.null_init, random.params(), o.param_dtype);
    if (head_dim != inferred) null_key.resolve({num_key_value_heads, head_dim});
    if (value_head_dim != inferred) null_value.resolve({num_key_value_heads, value_head_dim});
  }
  if (dropout_rate > 0) rngs = random["dropout"].fork();
}

int64_t MultiHeadAttention::known_head_dim(const Tensor& input) const {
  if (head_dim != inferred) return head_dim;
  if (query.kernel.has_shape()) return query.kernel.shape()[2];
  if (input.defined()) return divided(input.shape().back(), num_heads);
  throw StateError(
      "the size of a head is not known before there was a query; give head_dim or query_features, or call "
      "initialize(model, inputs...) first");
}

Tensor MultiHeadAttention::project_one(const LinearGeneral& layer, const char* name, const Tensor& input,
                                       int64_t features) const {
  if (!layer.kernel.has_shape()) {
    ErrorScope scope(name);
    if (layer.in_features.rank() > 0) check_features(input, layer.in_features[0]);
    layer.resolve({input.shape().back()}, {&layer == &query ? num_heads : num_key_value_heads, features});
  }
  return layer(input);
}

Tensor MultiHeadAttention::project_query(const Tensor& input) const {
  Tensor projected = project_one(query, "query", input, known_head_dim(input));
  return query_ln ? (*query_ln)(projected) : projected;
}

ProjectedKeyValue MultiHeadAttention::project_pair(const Tensor& key_input, const Tensor& value_input,
                                                   int64_t features) const {
  Tensor k = project_one(key, "key", key_input, features);
  Tensor v = project_one(value, "value", value_input, value_head_dim == inferred ? features : value_head_dim);
  return {key_ln ? (*key_ln)(k) : k, v};
}

ProjectedKeyValue MultiHeadAttention::project(const Tensor& key_input, const Tensor& value_input) const {
  Scope scope(*this);
  const Tensor& values = value_input.defined() ? value_input : key_input;
  check_attention_inputs(key_input, key_input, values);
  return project_pair(key_input, values, known_head_dim({}));
}

AttentionOutput MultiHeadAttention::attend(const Tensor& q, const ProjectedKeyValue& projected,
                                           const AttentionCall& call, bool want_weights, int64_t query_width) const {
  const int rank = q.rank(), batch = rank - 3;
  const int64_t features = q.shape().back(), value_features = projected.value.shape().back();
  Shape logits = q.shape().slice(0, batch);
  logits.push_back(num_heads);
  logits.push_back(q.shape()[batch]);
  logits.push_back(projected.key.size(-3));
  check_mask("mask", call.mask, logits);
  check_mask("bias", call.bias, logits);

  AttentionOptions options;
  options.mask = call.mask;
  options.bias = call.bias;
  options.query_lengths = call.query_lengths;
  options.key_lengths = call.key_lengths;
  options.causal = call.causal.value_or(causal);
  options.window_left = call.window_left.value_or(window_left);
  options.window_right = call.window_right.value_or(window_right);
  options.scale = scale;
  options.soft_cap = soft_cap;
  options.fully_masked = fully_masked;
  if (null_key) {
    null_key.resolve({num_key_value_heads, features});
    null_value.resolve({num_key_value_heads, value_features});
    options.null_key = cast(null_key, q.dtype());
    options.null_value = cast(null_value, q.dtype());
  }
  if (dropout_rate > 0 && !call.deterministic.value_or(deterministic)) {
    options.dropout_rate = static_cast<double>(dropout_rate);
    options.dropout_broadcast = broadcast_dropout;
    options.dropout_key = call.dropout_key ? *call.dropout_key : rngs.next();
  }

  Tensor k = with_rank(projected.key, rank), v = with_rank(projected.value, rank);
  const bool sown = call.sow_weights.value_or(sow_weights) && is_captured(Intermediate::kind(), "attention_weights");
  AttentionOutput result;
  Tensor attended;
  if (want_weights || sown) {
    AttentionResult all = attention_with_weights(q, k, v, options);
    attended = all.out;
    result.weights = all.weights;
    if (sown) sow("attention_weights", all.weights);
  } else {
    attended = attention(q, k, v, options);
  }
  if (!out.kernel.has_shape())
    out.resolve({num_heads, value_features}, {out_features == same_as_query ? query_width : out_features});
  result.out = out(attended);
  return result;
}

AttentionOutput MultiHeadAttention::run(const Tensor& query_input, const Tensor& key_input, const Tensor& value_input,
                                        const AttentionCall& call, bool want_weights) const {
  Scope scope(*this);
  if (value_input.defined() && !key_input.defined())
    throw ValueError("value: expected a key with the value, got a value alone; a key that is left out is the query");
  const Tensor& keys = key_input.defined() ? key_input : query_input;
  const Tensor& values = value_input.defined() ? value_input : keys;
  check_attention_inputs(query_input, keys, values);
  Tensor q = project_query(query_input);
  return attend(q, project_pair(keys, values, q.shape().back()), call, want_weights, query_input.shape().back());
}

Tensor MultiHeadAttention::operator()(const Tensor& query_input, const AttentionCall& call) const {
  return run(query_input, {}, {}, call, false).out;
}

Tensor MultiHeadAttention::operator()(const Tensor& query_input, const Tensor& key_input,
                                      const AttentionCall& call) const {
  return run(query_input, key_input, {}, call, false).out;
}

Tensor MultiHeadAttention::operator()(const Tensor& query_input, const Tensor& key_input, const Tensor& value_input,
                                      const AttentionCall& call) const {
  return run(query_input, key_input, value_input, call, false).out;
}

Tensor MultiHeadAttention::operator()(const Tensor& query_input, const ProjectedKeyValue& projected,
                                      const AttentionCall& call) const {
  Scope scope(*this);
  return attend(project_query(query_input), projected, call, false, query_input.shape().back()).out;
}

AttentionOutput MultiHeadAttention::with_weights(const Tensor& query_input, const Tensor& key_input,
                                                 const Tensor& value_input, const AttentionCall& call) const {
  return run(query_input, key_input, value_input, call, true);
}

AttentionOutput MultiHeadAttention::with_weights(const Tensor& query_input, const ProjectedKeyValue& projected,
                                                 const AttentionCall& call) const {
  Scope scope(*this);
  return attend(project_query(query_input), projected, call, true, query_input.shape().back());
}

}  // namespace weft
