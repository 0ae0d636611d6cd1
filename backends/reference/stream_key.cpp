#include <weft/autograd/ops/stream_key.hpp>

#include <weft/backends/reference/table.hpp>

namespace weft {
namespace {

void stream_key_kernel(const KernelCall& call) {
  const RandomKey key =
      stream_draw(static_cast<uint64_t>(*call.inputs[0].raw_as<int64_t>()), call.op<op::StreamKey>().stream,
                  static_cast<uint64_t>(*call.inputs[1].raw_as<int64_t>()));
  int32_t* words = call.outputs[0].mutable_raw_as<int32_t>();
  words[0] = static_cast<int32_t>(static_cast<uint32_t>(key.key));
  words[1] = static_cast<int32_t>(static_cast<uint32_t>(key.key >> 32));
  words[2] = static_cast<int32_t>(key.stream);
  words[3] = static_cast<int32_t>(key.counter);
}

}  // namespace

void register_reference_stream_key(KernelTable& table) { table.add<op::StreamKey>(stream_key_kernel, {DType::int64}); }

}  // namespace weft
