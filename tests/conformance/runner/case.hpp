#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include <weft/core/tensor.hpp>

#include "config.hpp"

namespace weft::conformance {

/// What passes: |got - expected| <= atol + rtol * |expected|.
struct Tolerance {
  double rtol = 0, atol = 0;
};

/// Tensors by name.
using Named = std::map<std::string, Tensor>;

/// One golden case: what to compute, from what, and what is expected. Remembers which of its tensors were used.
class Case {
 public:
  std::string name, family, op;  ///< `ops/einsum`, `ops`, `product`
  Config config;
  Tolerance tolerance;

  /// Reads `<family>/<case>.safetensors`, its tensors to the default device. Throws FileError, FormatError.
  static Case read(const std::string& path);

  bool has(const std::string& tensor) const { return tensors_.count(tensor) > 0; }
  /// Counts as used; throws Unsupported when there is none of that name.
  const Tensor& operator[](const std::string& tensor) const;
  /// The same without use.
  const Tensor& peek(const std::string& tensor) const;
  /// The tensor, counted as used, or an undefined one.
  Tensor get(const std::string& tensor) const;
  /// All tensors whose name starts with `prefix`, without it.
  Named under(const std::string& prefix) const;
  /// Whether one of that prefix exists.
  bool has_under(const std::string& prefix) const { return !names_under(prefix).empty(); }
  /// Their names in full; this does not count as use.
  std::vector<std::string> names_under(const std::string& prefix) const;
  void mark_used(const std::string& tensor) const { used_.insert(tensor); }

  /// Names of tensors that were never used.
  std::vector<std::string> unused() const;

 private:
  Named tensors_;
  mutable std::set<std::string> used_;
};

}  // namespace weft::conformance
