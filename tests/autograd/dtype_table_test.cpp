// docs/dtypes.md says which element types every primitive takes on the cpu. This test works the table out by running
// the primitives' samples, and holds the page against it; with WEFT_WRITE_DOCS set it writes the page.

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <sstream>

#include <catch2/catch.hpp>

#include <weft/autograd/ops/attention.hpp>
#include <weft/autograd/primitive.hpp>
#include <weft/core/backend.hpp>
#include <weft/core/error.hpp>

using namespace weft;

namespace {

const std::vector<DType> dtypes{DType::float32, DType::float64, DType::bfloat16, DType::float16,
                                DType::int32,   DType::int64,   DType::boolean};

/// The type of the sample's data, rather than of its indices: a floating one where there is any.
std::optional<DType> data_type(const Sample& sample) {
  for (const Tensor& input : sample.inputs)
    if (is_floating(input.dtype())) return input.dtype();
  return sample.inputs.empty() ? std::nullopt : std::optional(sample.inputs[0].dtype());
}

/// The logsumexp of attention and its cotangent are float32 for half types.
bool stays_wide(const Primitive& primitive, const Sample& sample, size_t input) {
  if (primitive.name() != op::AttentionGrad::name) return false;
  const op::Attention& call = static_cast<const op::AttentionGrad*>(sample.op.get())->call;
  auto logsumexp = static_cast<size_t>(call.inputs() + 1), cotangent = logsumexp + static_cast<size_t>(call.outputs());
  return input == logsumexp || input == cotangent;
}

/// Whether the primitive runs with the sample's data in that type; DTypeError is the only way to say no.
bool runs(const Primitive& primitive, const Sample& sample, DType dtype) {
  Tensors inputs;
  for (size_t i = 0; i < sample.inputs.size(); ++i) {
    const Tensor& input = sample.inputs[i];
    inputs.push_back(input);
    if (input.dtype() != data_type(sample)) continue;
    bool wide = is_half(dtype) && stays_wide(primitive, sample, i);
    inputs.back() = Tensor::empty(input.shape(), wide ? DType::float32 : dtype);
    copy_elements(input, inputs.back());
  }
  try {
    apply(primitive, sample.op.get(), inputs);
    return true;
  } catch (const DTypeError&) { return false; }
}

std::string cell(const Primitive& primitive, const std::vector<Sample>& samples, DType dtype) {
  if (std::none_of(samples.begin(), samples.end(), [&](const Sample& s) { return runs(primitive, s, dtype); }))
    return "-";
  const KernelEntry* kernel = Device("cpu").backend().kernels().find(primitive.id());
  if (primitive.is_view) return "view";
  if (!kernel) return "composed";
  return kernel->dtypes.contains(dtype) ? "native" : "float32";
}

std::string table() {
  std::vector<const Primitive*> primitives;
  // Tests may define primitives of their own; those of the library have a reference kernel.
  for (const Primitive* primitive : all_primitives())
    if (Device("reference").backend().kernels().find(primitive->id())) primitives.push_back(primitive);
  std::sort(primitives.begin(), primitives.end(), [](auto* a, auto* b) { return a->name() < b->name(); });

  std::string text = "| primitive |", rule = "|---|";
  for (DType dtype : dtypes) {
    text += " " + std::string(name_of(dtype)) + " |";
    rule += "---|";
  }
  text += "\n" + rule + "\n";
  for (const Primitive* primitive : primitives) {
    std::vector<Sample> samples = primitive->samples();
    // Those that take nothing, or the key of a random stream alone.
    bool made = primitive->name().rfind("random_", 0) == 0 || samples[0].inputs.empty();
    text += "| " + primitive->name() + " |";
    for (DType dtype : dtypes) text += " " + (made ? "made" : cell(*primitive, samples, dtype)) + " |";
    text += "\n";
  }
  return text;
}

}  // namespace

TEST_CASE("the page on element types says what the primitives do", "[docs]") {
  const std::string path = WEFT_SOURCE_DIR "/docs/dtypes.md", begin = "<!-- table -->\n", end = "<!-- end of table -->";
  std::ifstream file(path);
  REQUIRE(file);
  std::stringstream content;
  content << file.rdbuf();
  std::string page = content.str();
  size_t first = page.find(begin), last = page.find(end);
  REQUIRE(first != std::string::npos);
  REQUIRE(last != std::string::npos);
  first += begin.size();

  std::string expected = table();
  REQUIRE(std::count(expected.begin(), expected.end(), '\n') > 100);
  if (std::getenv("WEFT_WRITE_DOCS")) {
    std::ofstream(path) << page.substr(0, first) << expected << page.substr(last);
    return;
  }
  INFO("WEFT_WRITE_DOCS=1 test_autograd '[docs]' writes the page");
  REQUIRE(page.substr(first, last - first) == expected);
}
