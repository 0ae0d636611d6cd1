#pragma once

#include <map>
#include <optional>
#include <string>

#include <weft/core/random.hpp>
#include <weft/layers/module.hpp>

namespace weft {

/// A stream of random keys: a key and a counter, both state, so that checkpoints hold them. Two streams never give the
/// same key, nor does one twice.
struct RngStream {
  RngState key;    ///< int64 []
  RngState count;  ///< int64 [], draws so far
  int64_t id = 0;  ///< goes into every key
  WEFT_MODULE(RngStream, key, count, id)

  /// No stream.
  RngStream() = default;
  RngStream(uint64_t seed, uint32_t id);

  /// The key of the next draw. In a shape-only run the stream stands still; in the second run of remat the first run's
  /// keys come again. Throws StateError for no stream.
  RandomKey next() const;
  RandomKey operator()() const { return next(); }
  /// A new, independent stream; counts as one draw.
  RngStream fork() const;
  /// Starts again from another seed.
  void reseed(uint64_t seed) const;
  explicit operator bool() const { return static_cast<bool>(key); }
};

/// One seed for each stream; those left out fall back to `fallback`.
struct RngSeeds {
  std::optional<uint64_t> fallback = std::nullopt, params = std::nullopt, dropout = std::nullopt;
  std::map<std::string, uint64_t> others = {};
};

/// Named random streams. Layers draw parameters from `params` and fork `dropout`, both in their constructors, so that
/// the order in which shapes become known changes nothing.
struct Rngs {
  std::map<std::string, RngStream> streams;
  WEFT_MODULE(Rngs, streams)

  /// One stream, `default`, that serves every name.
  explicit Rngs(uint64_t seed);
  /// `Rngs rngs({.params = 0, .dropout = 1});`
  explicit Rngs(const RngSeeds& seeds);

  /// The stream of that name, or else the default one; throws StateError naming the streams there are.
  RngStream& operator[](const std::string& name);
  RandomKey params() { return (*this)["params"].next(); }
  RandomKey dropout() { return (*this)["dropout"].next(); }
  RandomKey next(const std::string& name = "default") { return (*this)[name].next(); }
  /// New, independent streams of the same names; each counts as one draw.
  Rngs fork();
  /// Starts the named streams again; throws StateError for a name that is not there.
  void reseed(const RngSeeds& seeds);
};

}  // namespace weft
