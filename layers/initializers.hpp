#pragma once

#include <memory>
#include <string>

#include <weft/core/random.hpp>
#include <weft/core/tensor.hpp>

namespace weft {

/// Fills a new parameter. Values come from one scalar double-precision path that uses + - * / and sqrt alone, so they
/// have the same bits on every backend, compiler and thread count.
class Initializer {
 public:
  /// Writes the elements of a row-major array of `shape`; element i is a pure function of (key, i, shape).
  class Filler {
   public:
    virtual ~Filler() = default;
    virtual void fill(const RandomKey& key, const Shape& shape, double* values) const = 0;
    virtual std::string text() const = 0;
  };
  explicit Initializer(std::shared_ptr<const Filler> filler) : filler_(std::move(filler)) {}

  /// A new tensor; throws ShapeError when the initializer needs axes that `shape` has not.
  Tensor operator()(const RandomKey& key, const Shape& shape, DType dtype = DType::float32) const;
  /// `lecun_normal`, `constant(0.5)`.
  std::string text() const { return filler_->text(); }

 private:
  std::shared_ptr<const Filler> filler_;
};

namespace initializers {

Initializer constant(double value);
Initializer zeros();
Initializer ones();
/// Uniform in [0, scale).
Initializer uniform(double scale = 0.01);
/// Normal with mean 0.
Initializer normal(double stddev = 0.01);
/// Normal cut off at `lower` and `upper` standard deviations and not rescaled, as in JAX.
Initializer truncated_normal(double stddev = 0.01, double lower = -2, double upper = 2);
/// A given tensor's values; throws ShapeError when the parameter has another shape.
Initializer from_tensor(const Tensor& values);

enum class FanMode { in, out, average, geometric_average };
enum class Distribution { truncated_normal, normal, uniform };
/// Variance scale / fan, where fan is that of the last two axes ([..., in, out]) times the extents of the others.
/// `truncated_normal` is cut at two standard deviations and divided by 0.87962566103423978 (the standard deviation of
/// what is left), so that the variance is met; `uniform` lies within sqrt(3 variance). Needs two axes or more.
Initializer variance_scaling(double scale, FanMode mode, Distribution distribution);
Initializer lecun_normal();  ///< variance 1 / in (LeCun et al. 1998)
Initializer lecun_uniform();
Initializer glorot_normal();  ///< variance 2 / (in + out) (Glorot and Bengio 2010)
Initializer glorot_uniform();
Initializer he_normal();  ///< variance 2 / in (He et al. 2015)
Initializer he_uniform();
/// Orthonormal rows or columns, whichever are fewer, of the array seen as a [..., out] matrix (Saxe et al. 2014).
Initializer orthogonal(double scale = 1);
/// For convolutions [window..., in, out] with in <= out: orthogonal in the middle of the window, zero elsewhere
/// (Xiao et al. 2018).
Initializer delta_orthogonal(double scale = 1);

}  // namespace initializers
}  // namespace weft
