#include <weft/layers/initializers.hpp>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include <weft/core/error.hpp>
#include <weft/core/normal_quantile.hpp>
#include <weft/core/parallel.hpp>

namespace weft {

Tensor Initializer::operator()(const RandomKey& key, const Shape& shape, DType dtype) const {
  Tensor values = Tensor::empty(shape, DType::float64, Device());
  filler_->fill(key, shape, values.mutable_raw_as<double>());
  Tensor converted = Tensor::empty(shape, dtype, Device());
  copy_elements(values, converted);
  return converted.to(default_device());
}

namespace initializers {
namespace {

class LambdaFiller final : public Initializer::Filler {
 public:
  using Fill = std::function<void(const RandomKey&, const Shape&, double*)>;
  LambdaFiller(std::string text, Fill fill) : text_(std::move(text)), fill_(std::move(fill)) {}
  void fill(const RandomKey& key, const Shape& shape, double* values) const override { fill_(key, shape, values); }
  std::string text() const override { return text_; }

 private:
  std::string text_;
  Fill fill_;
};

Initializer make(std::string text, LambdaFiller::Fill fill) {
  return Initializer(std::make_shared<LambdaFiller>(std::move(text), std::move(fill)));
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

/// values[i] = f(u_i) with u_i uniform in (0, 1), never at its ends.
template <class F> void fill_uniform(const RandomKey& key, int64_t count, double* values, F f) {
  parallel_chunks(count, 1 << 14, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i += 4) {
      auto words = random_block(key, static_cast<uint64_t>(i) / 4);
      for (int64_t lane = 0; lane < 4 && i + lane < end; ++lane)
        values[i + lane] = f((static_cast<double>(words[static_cast<size_t>(lane)]) + 0.5) * 0x1p-32);
    }
  });
}

void fill_normal(const RandomKey& key, int64_t count, double* values, double stddev) {
  fill_uniform(key, count, values, [=](double u) { return stddev * normal_quantile(u); });
}

void fill_truncated_normal(const RandomKey& key, int64_t count, double* values, double stddev, double lower,
                           double upper) {
  double low = normal_probability(lower), high = normal_probability(upper);
  fill_uniform(key, count, values,
               [=](double u) { return stddev * std::clamp(normal_quantile(low + u * (high - low)), lower, upper); });
}

/// Turns the `rows` x `columns` matrix (rows >= columns, row-major) into the orthonormal factor of its QR
/// decomposition, with the signs that make R's diagonal positive: a uniformly distributed one when the entries are
/// normal (Mezzadri 2007). Modified Gram-Schmidt, each column twice, which is orthogonal to rounding ("twice is
/// enough").
void orthonormalize(double* matrix, int64_t rows, int64_t columns) {
  for (int64_t j = 0; j < columns; ++j) {
    for (int pass = 0; pass < 2; ++pass) {
      for (int64_t k = 0; k < j; ++k) {
        double dot = 0;
        for (int64_t i = 0; i < rows; ++i) dot += matrix[i * columns + k] * matrix[i * columns + j];
        for (int64_t i = 0; i < rows; ++i) matrix[i * columns + j] -= dot * matrix[i * columns + k];
      }
      double square = 0;
      for (int64_t i = 0; i < rows; ++i) square += matrix[i * columns + j] * matrix[i * columns + j];
      double norm = std::sqrt(square);
      for (int64_t i = 0; i < rows; ++i) matrix[i * columns + j] /= norm;
    }
  }
}

void fill_orthogonal(const RandomKey& key, int64_t rows, int64_t columns, double* values, double scale) {
  int64_t tall = std::max(rows, columns), narrow = std::min(rows, columns);
  std::vector<double> matrix(static_cast<size_t>(tall * narrow));
  fill_normal(key, tall * narrow, matrix.data(), 1);
  orthonormalize(matrix.data(), tall, narrow);
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j)
      values[i * columns + j] = scale * matrix[static_cast<size_t>(rows >= columns ? i * narrow + j : j * narrow + i)];
}

void need_axes(const std::string& name, const Shape& shape, int axes) {
  if (shape.rank() < axes)
    throw ShapeError("initializer " + name + ": expected " + std::to_string(axes) + " axes or more, got " +
                     to_string(shape));
}

Initializer scaled(std::string name, double scale, FanMode mode, Distribution distribution) {
  if (!(scale > 0)) throw ValueError("variance_scaling: expected a scale above 0, got " + number(scale));
  return make(name, [=](const RandomKey& key, const Shape& shape, double* values) {
    need_axes(name, shape, 2);
    int64_t count = shape.elements();
    if (count == 0) return;
    int rank = shape.rank();
    auto field = static_cast<double>(shape.slice(0, rank - 2).elements());
    double in = static_cast<double>(shape[rank - 2]) * field, out = static_cast<double>(shape[rank - 1]) * field;
    double fan = mode == FanMode::in        ? in
                 : mode == FanMode::out     ? out
                 : mode == FanMode::average ? (in + out) / 2
                                            : std::sqrt(in * out);
    double variance = scale / fan;
    if (distribution == Distribution::uniform) {
      double limit = std::sqrt(3 * variance);
      fill_uniform(key, count, values, [=](double u) { return limit * (2 * u - 1); });
    } else if (distribution == Distribution::normal) {
      fill_normal(key, count, values, std::sqrt(variance));
    } else {
      fill_truncated_normal(key, count, values, std::sqrt(variance) / 0.87962566103423978, -2, 2);
    }
  });
}

}  // namespace

Initializer constant(double value) {
  return make("constant(" + number(value) + ")", [=](const RandomKey&, const Shape& shape, double* values) {
    std::fill_n(values, shape.elements(), value);
  });
}

Initializer zeros() {
  return make("zeros",
              [](const RandomKey&, const Shape& shape, double* values) { std::fill_n(values, shape.elements(), 0.0); });
}

Initializer ones() {
  return make("ones",
              [](const RandomKey&, const Shape& shape, double* values) { std::fill_n(values, shape.elements(), 1.0); });
}

Initializer uniform(double scale) {
  return make("uniform(" + number(scale) + ")", [=](const RandomKey& key, const Shape& shape, double* values) {
    fill_uniform(key, shape.elements(), values, [=](double u) { return scale * u; });
  });
}

Initializer normal(double stddev) {
  return make("normal(" + number(stddev) + ")", [=](const RandomKey& key, const Shape& shape, double* values) {
    fill_normal(key, shape.elements(), values, stddev);
  });
}

Initializer truncated_normal(double stddev, double lower, double upper) {
  if (!(lower < upper))
    throw ValueError("truncated_normal: expected lower < upper, got " + number(lower) + " and " + number(upper));
  return make("truncated_normal(" + number(stddev) + ")",
              [=](const RandomKey& key, const Shape& shape, double* values) {
                fill_truncated_normal(key, shape.elements(), values, stddev, lower, upper);
              });
}

Initializer from_tensor(const Tensor& tensor) {
  Tensor source = tensor.detach().to(Device());
  return make("from_tensor", [source](const RandomKey&, const Shape& shape, double* values) {
    if (source.elements() != shape.elements())
      throw ShapeError("from_tensor: expected values of shape " + to_string(shape) + ", got " +
                       to_string(source.shape()));
    Tensor wide = Tensor::empty(source.shape(), DType::float64, Device());
    copy_elements(source, wide);
    std::copy_n(wide.raw_as<double>(), wide.elements(), values);
  });
}

Initializer variance_scaling(double scale, FanMode mode, Distribution distribution) {
  return scaled("variance_scaling(" + number(scale) + ")", scale, mode, distribution);
}
Initializer lecun_normal() { return scaled("lecun_normal", 1, FanMode::in, Distribution::truncated_normal); }
Initializer lecun_uniform() { return scaled("lecun_uniform", 1, FanMode::in, Distribution::uniform); }
Initializer glorot_normal() { return scaled("glorot_normal", 1, FanMode::average, Distribution::truncated_normal); }
Initializer glorot_uniform() { return scaled("glorot_uniform", 1, FanMode::average, Distribution::uniform); }
Initializer he_normal() { return scaled("he_normal", 2, FanMode::in, Distribution::truncated_normal); }
Initializer he_uniform() { return scaled("he_uniform", 2, FanMode::in, Distribution::uniform); }

Initializer orthogonal(double scale) {
  return make("orthogonal", [=](const RandomKey& key, const Shape& shape, double* values) {
    need_axes("orthogonal", shape, 2);
    int64_t columns = shape.back();
    if (shape.elements() > 0) fill_orthogonal(key, shape.elements() / columns, columns, values, scale);
  });
}

Initializer delta_orthogonal(double scale) {
  return make("delta_orthogonal", [=](const RandomKey& key, const Shape& shape, double* values) {
    need_axes("delta_orthogonal", shape, 3);
    int rank = shape.rank();
    int64_t in = shape[rank - 2], out = shape[rank - 1];
    if (in > out)
      throw ShapeError("initializer delta_orthogonal: expected no more inputs than outputs, got " + to_string(shape));
    std::fill_n(values, shape.elements(), 0.0);
    int64_t middle = 0;
    for (int axis = 0; axis < rank - 2; ++axis) middle = middle * shape[axis] + (shape[axis] - 1) / 2;
    if (shape.elements() > 0) fill_orthogonal(key, in, out, values + middle * in * out, scale);
  });
}

}  // namespace initializers
}  // namespace weft
