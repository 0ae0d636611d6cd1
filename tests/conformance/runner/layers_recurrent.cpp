#include <weft/layers/gru.hpp>
#include <weft/layers/lstm.hpp>
#include <weft/layers/rnn.hpp>
#include <weft/layers/simple_cell.hpp>

#include "differentiate.hpp"
#include "run.hpp"

namespace weft::conformance {

namespace {

RecurrentCellOptions cell_options(const Config& config) {
  return {.in_features = config["in_features"].integer(), .hidden_features = config["hidden_features"].integer()};
}

/// The carry of that name (`carry` or `carry.c` and `carry.h`), if it is given.
template <class Carry> std::optional<Carry> given_carry(const Inputs& in, const std::string& name) {
  if constexpr (std::is_same_v<Carry, Tensor>) {
    return in.has(name) ? std::optional(in[name]) : std::nullopt;
  } else {
    if (!in.has(name + ".c")) return std::nullopt;
    return LSTMCarry{in[name + ".c"], in[name + ".h"]};
  }
}

Named with_carry(const Tensor& y, const Tensor& carry) { return {{"y", y}, {"carry", carry}}; }
Named with_carry(const Tensor& y, const LSTMCarry& carry) {
  return {{"y", y}, {"carry.c", carry.c}, {"carry.h", carry.h}};
}

template <RecurrentCell Cell> void run_one_step(Check& check, const Cell& cell) {
  run_layer(check, module_ref(cell), [&](const Inputs& in) {
    auto carry = given_carry<typename Cell::Carry>(in, "in.carry");
    if (!carry) throw Unsupported("a cell without a carry");
    auto step = cell(*carry, in["in.x"]);
    return with_carry(step.output, step.carry);
  });
}

template <RecurrentCell Cell> void run_cell(Check& check) {
  Rngs rngs(0);
  run_one_step(check, Cell(cell_options(check.config()), rngs));
}

void run_simple_cell(Check& check) {
  const Config& config = check.config();
  Rngs rngs(0);
  run_one_step(check, SimpleCell({.in_features = config["in_features"].integer(),
                                  .hidden_features = config["hidden_features"].integer(),
                                  .residual = config["residual"].flag()},
                                 rngs));
}

template <RecurrentCell Cell> void run_rnn_of(Check& check) {
  const Config& config = check.config();
  const bool return_carry = config["return_carry"].flag();
  Rngs rngs(0);
  const RNN<Cell> rnn(Cell(cell_options(config), rngs), {.time_major = config["time_major"].flag(),
                                                         .reverse = config["reverse"].flag(),
                                                         .keep_order = config["keep_order"].flag()});
  run_layer(check, module_ref(rnn), [&](const Inputs& in) {
    auto result = rnn.run(in["in.x"], {.initial_carry = given_carry<typename Cell::Carry>(in, "in.initial_carry"),
                                       .seq_lengths = in.get("in.seq_lengths")});
    return return_carry ? with_carry(result.outputs, result.carry) : Named{{"y", result.outputs}};
  });
}

void run_rnn(Check& check) {
  const std::string& cell = check.config()["cell"].text();
  if (cell == "GRUCell") return run_rnn_of<GRUCell>(check);
  if (cell == "LSTMCell") return run_rnn_of<LSTMCell>(check);
  if (cell == "OptimizedLSTMCell") return run_rnn_of<OptimizedLSTMCell>(check);
  throw Unsupported("cell " + cell);
}

void run_bidirectional(Check& check) {
  const Config& config = check.config();
  config.require_text("cell", "GRUCell");
  config.require_unset("return_carry");
  Rngs rngs(0);
  const Bidirectional<GRUCell> both(GRUCell(cell_options(config), rngs), GRUCell(cell_options(config), rngs),
                                    config["time_major"].flag());
  run_layer(check, module_ref(both), [&](const Inputs& in) {
    return Named{{"y", both(in["in.x"], {.seq_lengths = in.get("in.seq_lengths")})}};
  });
}

}  // namespace

void add_recurrent_layers(RunnerTable& table) {
  table["nnx.GRUCell"] = run_cell<GRUCell>;
  table["nnx.LSTMCell"] = run_cell<LSTMCell>;
  table["nnx.OptimizedLSTMCell"] = run_cell<OptimizedLSTMCell>;
  table["nnx.SimpleCell"] = run_simple_cell;
  table["nnx.RNN"] = run_rnn;
  table["nnx.Bidirectional"] = run_bidirectional;
}

}  // namespace weft::conformance
