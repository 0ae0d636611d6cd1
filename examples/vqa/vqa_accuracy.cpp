#include <weft/examples/vqa/vqa_accuracy.hpp>

#include <algorithm>
#include <array>
#include <map>

#include <weft/core/error.hpp>

namespace weft::examples::vqa {
namespace {

constexpr std::string_view marks = ";/[]\"{}()=+\\_-><@`,?!";
constexpr int most_periods = 32;  // the program passes re.UNICODE, which is 32, where the count belongs
constexpr std::string_view spaces = " \t\n\r\v\f";

/// Words whose apostrophes are put back. Each is known by what is left of it without any one of its apostrophes.
constexpr std::string_view contractions =
    "ain't aren't can't could've couldn't couldn't've didn't doesn't don't hadn't hadn't've hasn't haven't he'd "
    "he'd've "
    "he's how'd how'll how's isn't it'd it'd've it'll ma'am mightn't mightn't've might've mustn't must've needn't "
    "not've o'clock oughtn't 'ow's'at shan't she'd've should've shouldn't shouldn't've somebody'd've somebody'll "
    "somebody's someone'd someone'd've someone'll someone's something'd something'd've something'll that's there'd "
    "there'd've there're there's they'd they'd've they'll they're they've 'twas wasn't we'd've we've weren't what'll "
    "what're what's what've when's where'd where's where've who'd who'd've who'll who's who've why'll why're why's "
    "won't would've wouldn't wouldn't've y'all y'all'll y'all'd've you'd you'd've you'll you're you've";

constexpr std::array<std::string_view, 11> numbers{"zero", "one",   "two",   "three", "four", "five",
                                                   "six",  "seven", "eight", "nine",  "ten"};

bool digit(char letter) { return letter >= '0' && letter <= '9'; }

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> words;
  for (size_t at = text.find_first_not_of(spaces); at != std::string_view::npos;) {
    size_t end = std::min(text.find_first_of(spaces, at), text.size());
    words.emplace_back(text.substr(at, end - at));
    at = text.find_first_not_of(spaces, end);
  }
  return words;
}

const std::map<std::string, std::string>& replacements() {
  static const std::map<std::string, std::string> table = [] {
    std::map<std::string, std::string> made{{"none", "0"}, {"somebody'd", "somebodyd"}};
    for (size_t i = 0; i < numbers.size(); ++i) made[std::string(numbers[i])] = std::to_string(i);
    for (const std::string& whole : split(contractions))
      for (size_t i = 0; i < whole.size(); ++i)
        if (whole[i] == '\'') made[whole.substr(0, i) + whole.substr(i + 1)] = whole;
    return made;
  }();
  return table;
}

/// Without outer spaces; line ends and tabs become spaces.
std::string trimmed(std::string_view answer) {
  std::string text(answer);
  std::replace_if(
      text.begin(), text.end(), [](char letter) { return letter == '\n' || letter == '\t'; }, ' ');
  size_t first = text.find_first_not_of(spaces);
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(spaces) + 1 - first);
}

}  // namespace

std::string strip_punctuation(std::string_view answer) {
  bool comma_between_digits = false;
  for (size_t i = 1; i + 1 < answer.size(); ++i)
    comma_between_digits |= answer[i] == ',' && digit(answer[i - 1]) && digit(answer[i + 1]);
  std::array<bool, marks.size()> removed{};
  for (size_t m = 0; m < marks.size(); ++m) {
    removed[m] = comma_between_digits;
    for (size_t i = 0; i < answer.size(); ++i)
      if (answer[i] == marks[m])
        removed[m] |= (i > 0 && answer[i - 1] == ' ') || (i + 1 < answer.size() && answer[i + 1] == ' ');
  }
  std::string plain, result;
  for (char letter : answer) {
    size_t mark = marks.find(letter);
    if (mark == std::string_view::npos) plain += letter;
    else if (!removed[mark]) plain += ' ';
  }
  int periods = 0;
  for (size_t i = 0; i < plain.size(); ++i) {
    bool strip = plain[i] == '.' && !(i + 1 < plain.size() && digit(plain[i + 1])) && periods < most_periods;
    if (strip) ++periods;
    else result += plain[i];
  }
  return result;
}

std::string simplify_words(std::string_view answer) {
  std::string lower(answer), result;
  for (char& letter : lower)
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  for (const std::string& word : split(lower)) {
    if (word == "a" || word == "an" || word == "the") continue;
    auto found = replacements().find(word);
    if (!result.empty()) result += ' ';
    result += found == replacements().end() ? word : found->second;
  }
  return result;
}

std::string normalized_answer(std::string_view answer) { return simplify_words(strip_punctuation(trimmed(answer))); }

double official_accuracy(std::string_view answer, const std::vector<std::string>& given_by_humans) {
  std::vector<std::string> humans;
  for (const std::string& human : given_by_humans) humans.push_back(trimmed(human));
  if (humans.empty()) throw ValueError("official_accuracy: expected at least one human answer, got none");
  bool unanimous = std::all_of(humans.begin(), humans.end(), [&](const auto& human) { return human == humans[0]; });
  std::string given = trimmed(answer);
  if (!unanimous) given = simplify_words(strip_punctuation(given));
  int64_t matches = 0;
  for (const std::string& human : humans)
    matches += (unanimous ? human : simplify_words(strip_punctuation(human))) == given;
  // A human who agrees is no judge of the answer; the sum is in thirds, so that it is exact.
  auto count = static_cast<int64_t>(humans.size());
  int64_t thirds = matches * std::min<int64_t>(matches - 1, 3) + (count - matches) * std::min<int64_t>(matches, 3);
  return static_cast<double>(thirds) / static_cast<double>(3 * count);
}

float soft_credit(int64_t count) { return count >= 3 ? 1.0f : static_cast<float>(count) / 3.0f; }

}  // namespace weft::examples::vqa
