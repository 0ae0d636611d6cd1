#include <weft/autograd/ops/einsum.hpp>

#include <algorithm>
#include <cctype>
#include <string>

#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/layout.hpp>
#include <weft/autograd/ops/matmul.hpp>
#include <weft/autograd/ops/reduce.hpp>
#include <weft/autograd/ops/triangle.hpp>
#include <weft/core/error.hpp>

namespace weft {
namespace {

/// One per axis: a letter, or for an axis under the ellipsis `first_broadcast` + its place from the right.
using Labels = std::vector<int>;
constexpr int first_broadcast = 1000;

bool contains(const Labels& labels, int label) {
  return std::find(labels.begin(), labels.end(), label) != labels.end();
}

struct Term {
  Tensor tensor;
  Labels labels;
};

[[noreturn]] void refuse(std::string_view subscripts, const std::string& why) {
  throw ValueError("einsum: \"" + std::string(subscripts) + "\": " + why);
}

std::string without_spaces(std::string_view text) {
  std::string result;
  for (char c : text)
    if (!std::isspace(static_cast<unsigned char>(c))) result += c;
  return result;
}

/// The labels of one operand; `broadcast_rank` axes stand under its ellipsis.
Labels parse(std::string_view subscripts, const std::string& text, int broadcast_rank) {
  Labels labels;
  bool dots = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (std::isalpha(static_cast<unsigned char>(text[i]))) {
      labels.push_back(text[i]);
    } else if (text.compare(i, 3, "...") == 0 && !dots) {
      dots = true;
      i += 2;
      for (int place = broadcast_rank; place-- > 0;) labels.push_back(first_broadcast + place);
    } else {
      refuse(subscripts, "expected letters and at most one ellipsis for each operand, got \"" + text + '"');
    }
  }
  return labels;
}

bool has_dots(const std::string& text) { return text.find("...") != std::string::npos; }
int letters_in(const std::string& text) {
  return static_cast<int>(std::count_if(text.begin(), text.end(), [](unsigned char c) { return std::isalpha(c); }));
}

std::vector<std::string> split_operands(const std::string& text) {
  std::vector<std::string> parts(1);
  for (char c : text) {
    if (c == ',') parts.emplace_back();
    else parts.back() += c;
  }
  return parts;
}

/// The letters that occur once, in alphabetical order, after the broadcast axes.
Labels implicit_result(const std::vector<Term>& terms, int broadcast_rank) {
  Labels all, result;
  for (const Term& term : terms) all.insert(all.end(), term.labels.begin(), term.labels.end());
  for (int place = broadcast_rank; place-- > 0;) result.push_back(first_broadcast + place);
  std::sort(all.begin(), all.end());
  for (int label : all)
    if (label < first_broadcast && std::count(all.begin(), all.end(), label) == 1) result.push_back(label);
  return result;
}

/// Every letter has one size; axes under the ellipsis broadcast.
void check_sizes(std::string_view subscripts, const std::vector<Term>& terms) {
  int64_t sizes[first_broadcast + Shape::max_rank];
  std::fill(std::begin(sizes), std::end(sizes), int64_t{-1});
  for (const Term& term : terms)
    for (int axis = 0; axis < term.tensor.rank(); ++axis) {
      const int label = term.labels[static_cast<size_t>(axis)];
      const int64_t size = term.tensor.shape()[axis];
      int64_t& known = sizes[label];
      if (label >= first_broadcast && (size == 1 || known == 1)) {
        known = std::max(known, size);
      } else if (known >= 0 && known != size) {
        const std::string what =
            label >= first_broadcast ? "the ellipsis" : std::string("'") + static_cast<char>(label) + "'";
        throw ShapeError("einsum: \"" + std::string(subscripts) + "\": expected one size for " + what + ", got " +
                         std::to_string(known) + " and " + std::to_string(size));
      } else {
        known = size;
      }
    }
}

/// Puts the diagonal in the place of axes that share a letter.
void take_diagonals(Term& term) {
  for (size_t i = 0; i < term.labels.size(); ++i)
    for (size_t j = term.labels.size(); j-- > i + 1;)
      if (term.labels[i] == term.labels[j]) {
        const int last = term.tensor.rank() - 1;
        Tensor moved = moveaxis(moveaxis(term.tensor, static_cast<int>(j), last), static_cast<int>(i), last);
        term.tensor = moveaxis(diagonal(moved), last - 1, static_cast<int>(i));
        term.labels.erase(term.labels.begin() + static_cast<std::ptrdiff_t>(j));
      }
}

/// Sums over the labels for which `gone(label)`.
template <class Gone> void sum_out(Term& term, Gone&& gone) {
  Shape axes;
  Labels kept;
  for (size_t axis = 0; axis < term.labels.size(); ++axis) {
    if (gone(term.labels[axis])) axes.push_back(static_cast<int64_t>(axis));
    else kept.push_back(term.labels[axis]);
  }
  if (axes.rank() == 0) return;
  term.tensor = sum(term.tensor, axes);
  term.labels = kept;
}

/// Axes in the order of `labels`, all of which the term has.
Tensor arranged(const Term& term, const Labels& labels) {
  Shape axes;
  bool in_order = true;
  for (int label : labels) {
    const auto axis = std::find(term.labels.begin(), term.labels.end(), label) - term.labels.begin();
    in_order = in_order && axis == axes.rank();
    axes.push_back(axis);
  }
  return in_order ? term.tensor : transpose(term.tensor, axes);
}

Labels joined(std::initializer_list<Labels> parts) {
  Labels result;
  for (const Labels& part : parts) result.insert(result.end(), part.begin(), part.end());
  return result;
}

Shape sizes_of(const Term& term, const Labels& labels) {
  Shape sizes;
  for (int label : labels)
    sizes.push_back(
        term.tensor
            .shape()[static_cast<int>(std::find(term.labels.begin(), term.labels.end(), label) - term.labels.begin())]);
  return sizes;
}

Shape appended(Shape shape, const Shape& more) {
  for (int64_t extent : more) shape.push_back(extent);
  return shape;
}

Tensor with_shape(const Tensor& x, const Shape& shape) { return x.shape() == shape ? x : reshape(x, shape); }

/// The product of two terms, summed over the labels that both have and `needed` lacks. Both keep all else.
Term contract(const Term& a, const Term& b, const Labels& needed) {
  Labels batch, summed, rows, columns;
  for (int label : a.labels) {
    if (!contains(b.labels, label)) rows.push_back(label);
    else if (contains(needed, label)) batch.push_back(label);
    else summed.push_back(label);
  }
  for (int label : b.labels)
    if (!contains(a.labels, label)) columns.push_back(label);
  const Shape batch_sizes = sizes_of(a, batch), row_sizes = sizes_of(a, rows), column_sizes = sizes_of(b, columns);
  const Labels result = joined({batch, rows, columns});
  Tensor left = arranged(a, joined({batch, rows, summed})), right = arranged(b, joined({batch, summed, columns}));
  if (summed.empty()) {
    left = with_shape(left, appended(appended(batch_sizes, row_sizes), Shape::filled(column_sizes.rank(), 1)));
    right = with_shape(right, appended(appended(batch_sizes, Shape::filled(row_sizes.rank(), 1)), column_sizes));
    return {multiply(left, right), result};
  }
  const int64_t depth = sizes_of(a, summed).elements();
  left = with_shape(left, appended(batch_sizes, {row_sizes.elements(), depth}));
  right = with_shape(right, appended(batch_sizes, {depth, column_sizes.elements()}));
  return {with_shape(matmul(left, right), appended(appended(batch_sizes, row_sizes), column_sizes)), result};
}

}  // namespace

Tensor einsum(std::string_view subscripts, const std::vector<Tensor>& operands) {
  const std::string text = without_spaces(subscripts);
  const size_t arrow = text.find("->");
  const std::vector<std::string> parts = split_operands(text.substr(0, arrow));
  if (operands.empty() || parts.size() != operands.size())
    refuse(subscripts,
           "expected " + std::to_string(parts.size()) + " operands, got " + std::to_string(operands.size()));

  int broadcast_rank = 0;
  std::vector<Term> terms;
  for (size_t i = 0; i < parts.size(); ++i) {
    parse(subscripts, parts[i], 0);  // complains of anything but letters and dots first
    const int hidden = operands[i].rank() - letters_in(parts[i]);
    if (hidden < 0 || (hidden > 0 && !has_dots(parts[i])))
      throw ShapeError("einsum: \"" + std::string(subscripts) + "\": expected " + std::to_string(letters_in(parts[i])) +
                       " axes for \"" + parts[i] + "\", got shape " + to_string(operands[i].shape()));
    terms.push_back({operands[i], parse(subscripts, parts[i], hidden)});
    broadcast_rank = std::max(broadcast_rank, hidden);
  }
  Labels result = arrow == std::string::npos ? implicit_result(terms, broadcast_rank)
                                             : parse(subscripts, text.substr(arrow + 2), broadcast_rank);
  if (arrow != std::string::npos && broadcast_rank > 0 && !has_dots(text.substr(arrow + 2)))
    refuse(subscripts, "expected an ellipsis in the result, since an operand has one");
  for (size_t i = 0; i < result.size(); ++i) {
    const bool known =
        std::any_of(terms.begin(), terms.end(), [&](const Term& t) { return contains(t.labels, result[i]); });
    if (!known || std::count(result.begin(), result.end(), result[i]) > 1)
      refuse(subscripts, std::string("expected each letter of the result once, and in an operand, got '") +
                             static_cast<char>(result[i]) + "'");
  }
  check_sizes(subscripts, terms);

  for (size_t i = 0; i < terms.size(); ++i) {
    take_diagonals(terms[i]);
    sum_out(terms[i], [&](int label) {
      bool elsewhere = contains(result, label);
      for (size_t j = 0; j < terms.size(); ++j) elsewhere = elsewhere || (j != i && contains(terms[j].labels, label));
      // An axis of length 1 under the ellipsis, where another operand's is longer, is left to broadcasting.
      if (label >= first_broadcast && sizes_of(terms[i], {label})[0] == 1)
        for (size_t j = 0; j < terms.size(); ++j)
          if (j != i && contains(terms[j].labels, label) && sizes_of(terms[j], {label})[0] != 1) return true;
      return !elsewhere;
    });
  }
  Term product = terms[0];
  for (size_t i = 1; i < terms.size(); ++i) {
    Labels needed = result;
    for (size_t j = i + 1; j < terms.size(); ++j)
      needed.insert(needed.end(), terms[j].labels.begin(), terms[j].labels.end());
    product = contract(product, terms[i], needed);
  }
  return arranged(product, result);
}

}  // namespace weft
