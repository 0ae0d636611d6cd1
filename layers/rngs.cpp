#include <weft/layers/rngs.hpp>

#include <bit>

#include <weft/autograd/jit/trace.hpp>
#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/stream_key.hpp>
#include <weft/autograd/remat.hpp>
#include <weft/core/error.hpp>

namespace weft {
namespace {

/// FNV-1a.
uint32_t hash_name(const std::string& name) {
  uint32_t hash = 2166136261u;
  for (char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
  return hash;
}

std::map<std::string, uint64_t> by_name(const RngSeeds& seeds) {
  std::map<std::string, uint64_t> named = seeds.others;
  if (seeds.fallback) named["default"] = *seeds.fallback;
  if (seeds.params) named["params"] = *seeds.params;
  if (seeds.dropout) named["dropout"] = *seeds.dropout;
  return named;
}

}  // namespace

RngStream::RngStream(uint64_t seed, uint32_t own_id)
    : key(Tensor(std::bit_cast<int64_t>(seed)).to(Device())), count(Tensor(int64_t{0})), id(own_id) {}

RandomKey RngStream::next() const {
  if (!key) throw StateError("random stream: there is none here; pass an Rngs with a stream for it");
  Replay* replay = Replay::current();
  if (replay && replay->replaying) {
    if (replay->next >= replay->keys.size())
      throw StateError("random stream: the second run of remat drew more random numbers than the first");
    return replay->keys[replay->next++];
  }
  if (Trace* trace = Trace::current()) {
    // The numbers are those of each run; this one only has to be told from the trace's other keys.
    RandomKey token{trace->draws(), static_cast<uint32_t>(id), 0};
    trace->bind_key(token, stream_key(key, count, static_cast<uint32_t>(id)));
    count.set(count.get() + 1);
    if (replay) replay->keys.push_back(token);
    return token;
  }
  auto cell_value = [](const RngState& state) { return state.cell()->value().item<int64_t>(); };
  const int64_t drawn = cell_value(count);
  const RandomKey drawn_key =
      stream_draw(std::bit_cast<uint64_t>(cell_value(key)), static_cast<uint32_t>(id), static_cast<uint64_t>(drawn));
  if (replay) replay->keys.push_back(drawn_key);
  count.set(Tensor(drawn + 1));
  return drawn_key;
}

RngStream RngStream::fork() const {
  if (Trace::current())
    throw StateError("random stream: a stream made while jit traces would be the same in every run; make it outside");
  RandomKey from = next();
  return RngStream(fold_in(fold_in(from.key, from.stream), from.counter), static_cast<uint32_t>(id));
}

void RngStream::reseed(uint64_t seed) const {
  key.set(Tensor(std::bit_cast<int64_t>(seed)));
  count.set(Tensor(int64_t{0}));
}

Rngs::Rngs(uint64_t seed) : Rngs(RngSeeds{.fallback = seed}) {}

Rngs::Rngs(const RngSeeds& seeds) {
  for (const auto& [name, seed] : by_name(seeds)) streams.emplace(name, RngStream(seed, hash_name(name)));
}

RngStream& Rngs::operator[](const std::string& name) {
  auto found = streams.find(name);
  if (found == streams.end()) found = streams.find("default");
  if (found != streams.end()) return found->second;
  std::string have;
  for (const auto& [known, stream] : streams) have += (have.empty() ? "" : ", ") + known;
  throw StateError("rngs: expected a stream `" + name + "` or `default`, got {" + have + "}");
}

Rngs Rngs::fork() {
  Rngs forked{RngSeeds{}};
  for (const auto& [name, stream] : streams) forked.streams.emplace(name, stream.fork());
  return forked;
}

void Rngs::reseed(const RngSeeds& seeds) {
  for (const auto& [name, seed] : by_name(seeds)) {
    auto found = streams.find(name);
    if (found == streams.end()) throw StateError("rngs: there is no stream `" + name + "` to seed again");
    found->second.reseed(seed);
  }
}

}  // namespace weft
