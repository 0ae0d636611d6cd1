#include <weft/examples/vqa/question_encoder.hpp>

#include <weft/core/error.hpp>

namespace weft::examples::vqa {

TextEncoder text_encoder(const std::string& name) {
  if (name == "bow") return TextEncoder::bag_of_words;
  if (name == "gru") return TextEncoder::gru;
  if (name != "transformer") throw ValueError("text encoder: expected bow, gru or transformer, got '" + name + "'");
  return TextEncoder::transformer;
}

WordAttention::WordAttention(const ModelOptions& options, Rngs& rngs)
    : norm({}, rngs), attend({.query_features = options.word_width, .num_heads = options.heads}, rngs) {}

Tensor WordAttention::operator()(const Tensor& words, const Tensor& lengths, bool answer_only) const {
  Scope scope(*this);
  Tensor normed = norm(words);
  auto asking = [&](const Tensor& x) { return answer_only ? slice_axis(x, 2, 0, 1) : x; };
  return asking(words) + attend(asking(normed), normed, {.key_lengths = lengths});
}

QuestionEncoder::QuestionEncoder(const ModelOptions& options, Rngs& rngs)
    : embed({.num_embeddings = options.vocabulary, .features = options.word_width}, rngs),
      positions(initializers::normal(0.02), rngs.params()),
      text(options.text) {
  positions.resolve({options.tokens, options.word_width});
  if (text == TextEncoder::transformer) {
    read.emplace(options, rngs);
    think.emplace(options.word_width, 2 * options.word_width, rngs);
  }
  if (text == TextEncoder::gru)
    recur.emplace(GRUCell({.in_features = options.word_width, .hidden_features = options.word_width}, rngs));
}

Tensor QuestionEncoder::operator()(const Tensor& tokens, const Tensor& lengths) const {
  Scope scope(*this);
  Tensor words = embed(tokens);
  const int64_t length = tokens.size(2);
  if (text == TextEncoder::transformer) {
    words = words + slice_axis(positions, 0, 0, length);
    return (*think)((*read)(words, lengths));
  }
  Tensor answer;  // [R, Q, width]
  if (text == TextEncoder::gru) {
    RNNResult<Tensor> states = recur->run(words, {.seq_lengths = lengths});
    words = states.outputs;
    answer = states.carry;
  } else {
    Tensor real = expand_dims(arange(length, DType::int32).to(lengths.device()) < expand_dims(lengths, -1), -1);
    answer = sum(where(real, words, 0.0), 2) / cast(expand_dims(lengths, -1), words.dtype());
  }
  return concatenate({expand_dims(answer, 2), slice_axis(words, 2, 1, length - 1)}, 2);
}

}  // namespace weft::examples::vqa
