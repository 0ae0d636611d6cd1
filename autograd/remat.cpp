#include <weft/autograd/remat.hpp>

#include <memory>

namespace weft {
namespace {

thread_local Replay* current_replay = nullptr;

}  // namespace

Replay* Replay::current() { return current_replay; }
ReplayScope::ReplayScope(Replay& replay) : before_(current_replay) { current_replay = &replay; }
ReplayScope::~ReplayScope() { current_replay = before_; }

Function remat(Function function) {
  return [function = std::move(function)](const Tensors& inputs) {
    if (!is_recording()) return function(inputs);
    auto replay = std::make_shared<Replay>();
    // Tensors on the tape that the function reads beside its arguments, parameters for one, are arguments too.
    Tensors arguments = inputs, outputs;
    {
      NoGrad guard;
      ReplayScope scope(*replay);
      TrackedInputListener listener([&](const Tensor& used) {
        for (const Tensor& known : arguments)
          if (known.node() == used.node() && known.node_output() == used.node_output()) return;
        arguments.push_back(used);
      });
      outputs = function(inputs);
    }
    for (Tensor& output : outputs) output = output.detach();
    Tensors captured(arguments.begin() + static_cast<std::ptrdiff_t>(inputs.size()), arguments.end());
    return record_custom("remat", arguments, outputs,
                         [function, replay, inputs, captured](std::span<const Tensor> cotangents, uint64_t) {
                           replay->replaying = true;
                           replay->next = 0;
                           Tensors targets, again;
                           {
                             RecordingScope recording(true);
                             ReplayScope scope(*replay);
                             for (const Tensor& input : inputs)
                               targets.push_back(is_floating(input.dtype()) ? watch(input) : input);
                             again = function(targets);
                           }
                           targets.insert(targets.end(), captured.begin(), captured.end());
                           Tensors outputs, arrived;
                           for (size_t i = 0; i < again.size(); ++i)
                             if (again[i].node()) {
                               outputs.push_back(again[i]);
                               arrived.push_back(cotangents[i]);
                             }
                           return backward(outputs, arrived, targets);
                         });
  };
}

}  // namespace weft
