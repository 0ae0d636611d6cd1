#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace weft::examples::vqa {

/// The words of a question: letters in lower case; everything else parts words.
std::vector<std::string> split_words(std::string_view question);

/// Words and their numbers. Every question starts with the answer token, whose final features are classified.
class Vocabulary {
 public:
  static constexpr int32_t pad = 0, answer = 1, first_word = 2;
  /// Where it is one of the words, it stands for all that are not known.
  static constexpr std::string_view unknown = "<unknown>";

  Vocabulary() = default;
  /// `words` take the numbers from 2 on, in this order. Throws ValueError when one comes twice.
  explicit Vocabulary(std::vector<std::string> words);
  /// The distinct words of all questions, sorted.
  static Vocabulary of(const std::vector<std::string>& questions);

  /// Number of token numbers, with padding and the answer token.
  int64_t size() const { return first_word + static_cast<int64_t>(words_.size()); }
  const std::vector<std::string>& words() const { return words_; }
  /// The word of a token, `<pad>` or `<answer>`. Throws IndexError.
  std::string word(int32_t token) const;

  /// The answer token and one token per word. Throws ValueError when there is no word, or one that is not known and
  /// has no `unknown` to stand for it (the text names it and lists the words that are).
  std::vector<int32_t> encode(std::string_view question) const;

 private:
  std::vector<std::string> words_;
  std::map<std::string, int32_t, std::less<>> tokens_;
};

}  // namespace weft::examples::vqa
