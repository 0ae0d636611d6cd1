#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include <weft/autograd/ops/create.hpp>
#include <weft/autograd/ops/join.hpp>
#include <weft/autograd/ops/select.hpp>
#include <weft/layers/recurrent_cell.hpp>

namespace weft {

struct RNNOptions {
  bool time_major = false;  ///< sequences are [time, batch..., features], not [batch..., time, features]
  bool reverse = false;     ///< run from the end; with lengths, from each sequence's own end
  bool keep_order = false;  ///< give the outputs of a reverse run in the order of its inputs
};

template <class Carry> struct RNNCall {
  std::optional<Carry> initial_carry = std::nullopt;  ///< zeros when left out
  Tensor seq_lengths = {};  ///< integers [batch...]; all steps when undefined. Cut to 0 ... time.
};

template <class Carry> struct RNNResult {
  Tensor outputs;  ///< [batch..., time, hidden], or [time, batch..., hidden]
  Carry carry;     ///< after each sequence's last step
};

namespace detail {
/// [batch..., time, features] to [time, batch..., features] and back; the same when it is time major already.
Tensor to_time_major(const Tensor& x, bool time_major);
Tensor from_time_major(const Tensor& x, bool time_major);
/// Lengths [batch..., 1] cut to 0 ... time, for x [time, batch..., features]; undefined stays undefined. Throws
/// ShapeError and DTypeError.
Tensor lengths_of(const Tensor& seq_lengths, const Tensor& x);
/// Turns the first `lengths` [batch..., 1] steps of x [time, batch..., features] round; padding keeps its order and its
/// place behind them. Its own inverse.
Tensor turn(const Tensor& x, const Tensor& lengths);
/// Step t of [time, batch..., features].
Tensor at_step(const Tensor& x, int64_t t);
/// Whether step t is the last one of lengths [batch..., 1].
Tensor ends_at(const Tensor& lengths, int64_t t);
}  // namespace detail

/// A cell over a sequence, step by step. Beyond a sequence's length the cell runs on: mask those outputs before they
/// are used; the carry is that after the last step within the length, or the first carry for length 0.
template <RecurrentCell Cell> struct RNN {
  using Carry = typename Cell::Carry;

  Cell cell;
  bool time_major, reverse, keep_order;
  WEFT_MODULE(RNN, cell, time_major, reverse, keep_order)

  explicit RNN(Cell cell, const RNNOptions& options = {})
      : cell(std::move(cell)),
        time_major(options.time_major),
        reverse(options.reverse),
        keep_order(options.keep_order) {}

  /// x [batch..., time, in] (time major: [time, batch..., in]) -> outputs [batch..., time, hidden] in the order of the
  /// run. Throws ShapeError for fewer than two axes, other features, or a carry or lengths of another batch.
  Tensor operator()(const Tensor& x, const RNNCall<Carry>& call = {}) const { return run(x, call).outputs; }

  /// The same with the last carry.
  RNNResult<Carry> run(const Tensor& x, const RNNCall<Carry>& call = {}) const {
    Scope scope(*this);
    Tensor steps = detail::to_time_major(x, time_major);
    const Tensor lengths = detail::lengths_of(call.seq_lengths, steps);
    const bool turned = reverse && lengths.defined(), backwards = reverse && !turned;
    if (turned) steps = detail::turn(steps, lengths);
    const int64_t time = steps.shape()[0];
    Carry carry = call.initial_carry ? *call.initial_carry
                                     : cell.initialize_carry(steps.shape().slice(1, steps.rank() - 1),
                                                             x.is_meta() ? Device() : x.device());
    Carry last = carry;
    std::vector<Tensor> outputs;
    for (int64_t t = 0; t < time; ++t) {
      CellStep<Carry> step = cell(carry, detail::at_step(steps, backwards ? time - 1 - t : t));
      outputs.push_back(std::move(step.output));
      carry = std::move(step.carry);
      if (lengths.defined()) last = where(detail::ends_at(lengths, t), carry, last);
    }
    if (!lengths.defined()) last = std::move(carry);
    if (backwards && keep_order) std::reverse(outputs.begin(), outputs.end());
    Tensor all = time > 0 ? stack(outputs) : no_outputs(steps, last);
    if (turned && keep_order) all = detail::turn(all, lengths);
    return {detail::from_time_major(all, time_major), std::move(last)};
  }

 private:
  /// For a sequence without steps: what the cell makes of zeros has the shape.
  Tensor no_outputs(const Tensor& steps, const Carry& carry) const {
    const Tensor output = cell(carry, zeros_view(steps, steps.shape().slice(1, steps.rank()))).output;
    Shape shape{0};
    for (int64_t extent : output.shape()) shape.push_back(extent);
    return zeros_view(output, shape);
  }
};

template <class Carry> struct BidirectionalCall {
  std::optional<Carry> forward_carry = std::nullopt, backward_carry = std::nullopt;  ///< zeros when left out
  Tensor seq_lengths = {};                                                           ///< as in RNNCall
};

template <class Carry> struct BidirectionalResult {
  Tensor outputs;  ///< [batch..., time, 2 hidden], or [time, batch..., 2 hidden]
  Carry forward_carry, backward_carry;
};

/// One RNN from the beginning and one from the end, their outputs side by side: forward, then backward, each step's in
/// its place (Schuster and Paliwal 1997).
template <RecurrentCell Cell> struct Bidirectional {
  using Carry = typename Cell::Carry;

  RNN<Cell> forward_rnn, backward_rnn;
  WEFT_MODULE(Bidirectional, forward_rnn, backward_rnn)

  Bidirectional(Cell forward, Cell backward, bool time_major = false)
      : forward_rnn(std::move(forward), {.time_major = time_major}),
        backward_rnn(std::move(backward), {.time_major = time_major, .reverse = true, .keep_order = true}) {}

  /// x as RNN takes it.
  Tensor operator()(const Tensor& x, const BidirectionalCall<Carry>& call = {}) const { return run(x, call).outputs; }

  /// The same with both last carries.
  BidirectionalResult<Carry> run(const Tensor& x, const BidirectionalCall<Carry>& call = {}) const {
    Scope scope(*this);
    auto forward = forward_rnn.run(x, {.initial_carry = call.forward_carry, .seq_lengths = call.seq_lengths});
    auto backward = backward_rnn.run(x, {.initial_carry = call.backward_carry, .seq_lengths = call.seq_lengths});
    return {concatenate({forward.outputs, backward.outputs}, -1), std::move(forward.carry), std::move(backward.carry)};
  }
};

}  // namespace weft
