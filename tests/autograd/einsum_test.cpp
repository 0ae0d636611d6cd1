#include <catch2/catch.hpp>

#include <map>

#include <weft/autograd/gradcheck.hpp>
#include <weft/autograd/ops/einsum.hpp>
#include <weft/autograd/ops/layout.hpp>
#include <weft/autograd/ops/samples.hpp>
#include <weft/tests/support/close.hpp>

using namespace weft;
using namespace weft::testing;

namespace {

/// Einsum by the definition, for subscripts with letters only: a sum over all values of all letters.
Tensor by_definition(const std::string& inputs, const std::string& output, const std::vector<Tensor>& operands) {
  std::vector<std::string> terms(1);
  for (char c : inputs) {
    if (c == ',') terms.emplace_back();
    else terms.back() += c;
  }
  std::map<char, int64_t> sizes, at;
  for (size_t t = 0; t < terms.size(); ++t)
    for (size_t i = 0; i < terms[t].size(); ++i) sizes[terms[t][i]] = operands[t].shape()[static_cast<int>(i)];
  int64_t count = 1;
  for (const auto& [letter, size] : sizes) count *= size;
  Shape shape;
  for (char letter : output) shape.push_back(sizes[letter]);
  std::vector<double> out(static_cast<size_t>(shape.elements()), 0.0);
  for (int64_t flat = 0; flat < count; ++flat) {
    int64_t rest = flat;
    for (const auto& [letter, size] : sizes) {
      at[letter] = rest % size;
      rest /= size;
    }
    auto place = [&](const std::string& letters) {
      int64_t index = 0;
      for (char letter : letters) index = index * sizes[letter] + at[letter];
      return static_cast<size_t>(index);
    };
    double product = 1;
    for (size_t t = 0; t < terms.size(); ++t) product *= numbers(operands[t])[place(terms[t])];
    out[place(output)] += product;
  }
  return Tensor::from(out, shape);
}

}  // namespace

TEST_CASE("einsum follows the definition", "[einsum]") {
  struct Case {
    std::string inputs, output;
    std::vector<Shape> shapes;
  };
  const std::vector<Case> cases{{"ij,jk", "ik", {{3, 5}, {5, 2}}},
                                {"ij,kj", "ki", {{3, 5}, {2, 5}}},
                                {"bqhd,bkhd", "bhqk", {{2, 3, 2, 4}, {2, 5, 2, 4}}},
                                {"bhqk,bkhd", "bqhd", {{2, 2, 3, 5}, {2, 5, 2, 3}}},
                                {"bqi,ihd", "bqhd", {{2, 3, 5}, {5, 2, 3}}},
                                {"bqhd,hdi", "bqi", {{2, 3, 2, 3}, {2, 3, 5}}},
                                {"bi,ijk,bj", "bk", {{2, 3}, {3, 4, 2}, {2, 4}}},
                                {"ij,jk,kl", "il", {{2, 3}, {3, 4}, {4, 2}}},
                                {"ij,ij", "ij", {{3, 4}, {3, 4}}},
                                {"i,j", "ji", {{3}, {4}}},
                                {"i,i", "", {{5}, {5}}},
                                {"ii", "i", {{5, 5}}},
                                {"ii", "", {{5, 5}}},
                                {"iji", "j", {{3, 4, 3}}},
                                {"iij,jkk", "ik", {{3, 3, 4}, {4, 2, 2}}},
                                {"ijk", "kij", {{2, 3, 4}}},
                                {"ijk", "j", {{2, 3, 4}}},
                                {"ijk,lk", "il", {{2, 3, 4}, {5, 4}}},
                                {"ab,cd", "bd", {{2, 3}, {4, 5}}}};
  for (const Case& c : cases) {
    INFO(c.inputs << "->" << c.output);
    std::vector<Tensor> operands;
    for (size_t i = 0; i < c.shapes.size(); ++i) operands.push_back(spread(c.shapes[i], -1, 1, static_cast<int>(i)));
    check_close(einsum(c.inputs + "->" + c.output, operands), by_definition(c.inputs, c.output, operands), 1e-13);
    GradcheckResult result =
        gradcheck([&](const Tensors& in) { return Tensors{einsum(c.inputs + "->" + c.output, in)}; }, operands,
                  {.most_elements = 16});
    INFO(result.message);
    CHECK(result.passed);
  }
}

TEST_CASE("einsum: implicit results, spaces, ellipses that broadcast", "[einsum]") {
  Tensor a = spread({3, 5}, -1, 1), b = spread({5, 2}, -1, 1, 1);
  check_close(einsum("ij, jk", a, b), by_definition("ij,jk", "ik", {a, b}), 1e-14);
  check_close(einsum("ba", a), transpose(a), 0);
  Tensor batch = spread({2, 1, 3, 5}, -1, 1), other = spread({7, 5, 2}, -1, 1, 1);
  Tensor expected = by_definition("xyij,yzjk", "xzik", {batch, reshape(other, {1, 7, 5, 2})});
  check_close(einsum("...ij,...jk->...ik", batch, other), expected, 1e-14);
  check_close(einsum("...ij,...jk", batch, other), expected, 1e-14);
  check_close(einsum("i...->...", a), by_definition("ij", "j", {a}), 1e-14);
}

TEST_CASE("einsum: errors name the letter and the sizes", "[einsum]") {
  Tensor a = spread({3, 5}, -1, 1), b = spread({4, 2}, -1, 1);
  check_throws<ShapeError>([&] { einsum("ij,jk->ik", a, b); }, {"'j'", "5", "4"});
  check_throws<ShapeError>([&] { einsum("ii->i", a); }, {"'i'", "3", "5"});
  check_throws<ShapeError>([&] { einsum("ijk->i", a); }, {"3 axes", "\"ijk\"", "[3, 5]"});
  check_throws<ShapeError>([&] { einsum("i->i", a); }, {"1 axes", "[3, 5]"});
  check_throws<ValueError>([&] { einsum("ij->ik", a); }, {"'k'"});
  check_throws<ValueError>([&] { einsum("ij->ii", a); }, {"'i'"});
  check_throws<ValueError>([&] { einsum("ij,jk->ik", a); }, {"2 operands", "got 1"});
  check_throws<ValueError>([&] { einsum("i?->i", a); }, {"\"i?\""});
  check_throws<ValueError>([&] { einsum("...j->j", a); }, {"ellipsis"});
  check_throws<ShapeError>(
      [&] {
        einsum("...i,...i->...", spread({2, 3}, 0, 1), spread({4, 3}, 0, 1));
      },
      {"ellipsis", "2", "4"});
}

TEST_CASE("tensordot, inner, dot, outer, vdot and kron", "[einsum]") {
  Tensor a = spread({2, 3, 5}, -1, 1), b = spread({3, 5, 7}, -1, 1, 1), c = spread({5, 2, 3}, -1, 1, 2);
  check_close(tensordot(a, b), by_definition("abc,bcd", "ad", {a, b}), 1e-14);
  check_close(tensordot(a, c, {0, 2}, {1, 0}), by_definition("abc,cad", "bd", {a, c}), 1e-14);
  check_close(tensordot(a, b, 0), by_definition("abc,def", "abcdef", {a, b}), 1e-14);
  Tensor rows = spread({4, 5}, -1, 1), columns = spread({3, 5}, -1, 1, 1), stack = spread({2, 5, 3}, -1, 1, 2);
  check_close(inner(rows, columns), by_definition("ik,jk", "ij", {rows, columns}), 1e-14);
  check_close(dot(rows, stack), by_definition("ik,akj", "iaj", {rows, stack}), 1e-14);
  check_close(outer(rows, columns), reshape(by_definition("ab,cd", "abcd", {rows, columns}), {20, 15}), 1e-14);
  Tensor other = spread({5, 4}, -1, 1, 4);
  check_close(vdot(rows, other), by_definition("i,i", "", {reshape(rows, {20}), reshape(other, {20})}), 1e-14);
  check_values(kron(Tensor::from<double>({1, 2}, {2}), Tensor::from<double>({1, 10, 3, 4}, {2, 2})), {2, 4},
               {1, 10, 2, 20, 3, 4, 6, 8});
  check_throws<ShapeError>([&] { tensordot(a, b, {0}, {0}); }, {"tensordot", "[2, 3, 5]", "[3, 5, 7]"});
  check_throws<ShapeError>([&] { vdot(rows, columns); }, {"vdot", "[4, 5]", "[3, 5]"});
}
