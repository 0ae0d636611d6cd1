#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weft::examples::vqa {

// The accuracy of the VQA challenge (Antol et al. 2015), with the quirks of its official program (GT-Vision-Lab/VQA,
// vqaEval.py), as published figures have them too:
//   - periods are removed unless a digit follows, whatever is before them, and only the first 32 of an answer;
//   - a mark that touches a space somewhere, or any mark of an answer with digits around a comma, is removed; other
//     marks become spaces, so that `t-shirt` reads `t shirt` and `red-and -blue` reads `redand blue`;
//   - where all humans gave the same answer, nothing is normalised: `yes!` earns nothing when all said `yes`.
// Letters are put into lower case and digits recognised within ASCII.

/// First step: marks and periods.
std::string strip_punctuation(std::string_view answer);
/// Second step: lower case, numbers none to ten as digits, no articles, apostrophes put back (`dont` -> `don't`).
std::string simplify_words(std::string_view answer);
/// Both, as answers are normalised for a list of answers.
std::string normalized_answer(std::string_view answer);

/// The mean over all humans of min(1, others who gave this answer / 3): with ten humans, 0, 0.3, 0.6, 0.9 and 1 for 0,
/// 1, 2, 3 and more who agree. Throws ValueError without a human answer.
double official_accuracy(std::string_view answer, const std::vector<std::string>& humans);

/// What one answer earns in a soft label: min(1, count / 3).
float soft_credit(int64_t count);

}  // namespace weft::examples::vqa
