#include <weft/examples/vqa/vocabulary.hpp>

#include <set>

#include <weft/core/error.hpp>

namespace weft::examples::vqa {

std::vector<std::string> split_words(std::string_view question) {
  std::vector<std::string> words;
  bool inside = false;
  for (char letter : question) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
    // Bytes of non-ASCII letters stay in their word, so that an error shows the word as it was typed.
    bool part = (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') || (letter & 0x80);
    if (part && !inside) words.emplace_back();
    if (part) words.back() += letter;
    inside = part;
  }
  return words;
}

Vocabulary::Vocabulary(std::vector<std::string> words) : words_(std::move(words)) {
  for (const std::string& word : words_)
    if (!tokens_.emplace(word, first_word + static_cast<int32_t>(tokens_.size())).second)
      throw ValueError("Vocabulary: the word \"" + word + "\" comes twice");
}

Vocabulary Vocabulary::of(const std::vector<std::string>& questions) {
  std::set<std::string> words;
  for (const std::string& question : questions)
    for (std::string& word : split_words(question)) words.insert(std::move(word));
  return Vocabulary(std::vector<std::string>(words.begin(), words.end()));
}

std::string Vocabulary::word(int32_t token) const {
  if (token == pad) return "<pad>";
  if (token == answer) return "<answer>";
  if (token < 0 || token >= size())
    throw IndexError("Vocabulary: expected a token below " + std::to_string(size()) + ", got " + std::to_string(token));
  return words_[static_cast<size_t>(token - first_word)];
}

std::vector<int32_t> Vocabulary::encode(std::string_view question) const {
  std::vector<int32_t> tokens{answer};
  for (const std::string& word : split_words(question)) {
    auto known = tokens_.find(word);
    if (known == tokens_.end()) known = tokens_.find(unknown);
    if (known == tokens_.end()) {
      std::string list;
      for (const std::string& other : words_) list += (list.empty() ? "" : ", ") + other;
      throw ValueError("unknown word \"" + word + "\" in the question; the model knows: " + list);
    }
    tokens.push_back(known->second);
  }
  if (tokens.size() == 1) throw ValueError("the question has no words: \"" + std::string(question) + '"');
  return tokens;
}

}  // namespace weft::examples::vqa
