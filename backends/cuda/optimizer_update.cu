#include <weft/autograd/ops/optimizer_update.hpp>

#include <cmath>

#include <weft/backends/cuda/elementwise.hpp>
#include <weft/backends/cuda/multi_tensor.hpp>
#include <weft/backends/cuda/table.hpp>
#include <weft/backends/cuda/workspace.hpp>

namespace weft::cuda {
namespace {

using op::UpdateRule;

/// What is the same for all parameters and depends on values that only the device knows.
struct Numbers {
  double clip = 1, debias1 = 1, debias2 = 1, rate = 1;
};

/// A floating [] of any dtype.
struct Scalar {
  const void* value = nullptr;
  DType dtype = DType::float32;

  WEFT_DEVICE double get() const {
    switch (dtype) {
      case DType::float64: return *static_cast<const double*>(value);
      case DType::bfloat16: return static_cast<double>(static_cast<float>(*static_cast<const bfloat16*>(value)));
      case DType::float16: return static_cast<double>(static_cast<float>(*static_cast<const float16*>(value)));
      default: return static_cast<double>(*static_cast<const float*>(value));
    }
  }
};

/// Run by one thread before all others.
struct FindNumbers {
  const int64_t* step;
  Scalar rate, norm;
  double max_norm, b1, b2;
  bool scales, clips, debiases1, debiases2;
  Numbers* result;

  WEFT_DEVICE void operator()(const Thread&) const {
    Numbers numbers;
    const double t = static_cast<double>(*step) + 1;
    if (debiases1) numbers.debias1 = 1 / (1 - std::pow(b1, t));
    if (debiases2) numbers.debias2 = 1 / (1 - std::pow(b2, t));
    if (scales) numbers.rate = -rate.get();
    if (clips) {
      const double length = norm.get();
      numbers.clip = length < max_norm ? 1 : max_norm / length;
    }
    *result = numbers;
  }
};

constexpr int most_states = 3;

template <class T> struct UpdateEntry {
  const T *p, *g;
  T* out;
  const T* states[most_states];
  T* next[most_states];
  int64_t n;
  Computed<T> early_decay, decay;
};

/// One step of all elements in a table.
template <class T> struct Update {
  using C = Computed<T>;
  EntryTable<UpdateEntry<T>> table;
  const Numbers* numbers;
  UpdateRule rule;
  int direction_states;
  C b1, a1, b2, a2, eps, eps_root, momentum;
  bool nesterov, eps_in_root, traces, trace_nesterov, adds;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    const int number = table.entry_of(thread);
    const UpdateEntry<T>& e = table.entries[number];
    const Numbers given = *numbers;
    const C clip = static_cast<C>(given.clip), rate = static_cast<C>(given.rate);
    const C debias1 = static_cast<C>(given.debias1), debias2 = static_cast<C>(given.debias2);
    table.for_each(thread, number, [&](int64_t i) {
      const C p = static_cast<C>(e.p[i]);
      C g = static_cast<C>(e.g[i]) * clip, a = 0, b = 0;
      if (e.early_decay != C(0)) g += e.early_decay * p;
      if (direction_states > 0) a = static_cast<C>(e.states[0][i]);
      if (direction_states > 1) b = static_cast<C>(e.states[1][i]);
      C u = direction(g, a, b, debias1, debias2);
      if (direction_states > 0) e.next[0][i] = static_cast<T>(a);
      if (direction_states > 1) e.next[1][i] = static_cast<T>(b);
      if (e.decay != C(0)) u += e.decay * p;
      u *= rate;
      if (traces) {
        const C velocity = u + momentum * static_cast<C>(e.states[direction_states][i]);
        e.next[direction_states][i] = static_cast<T>(velocity);
        u = trace_nesterov ? u + momentum * velocity : velocity;
      }
      e.out[i] = static_cast<T>(adds ? p + u : u);
    });
  }

 private:
  /// Replaces the states a and b.
  WEFT_DEVICE C direction(C g, C& a, C& b, C debias1, C debias2) const {
    switch (rule) {
      case UpdateRule::plain: return g;
      case UpdateRule::trace: a = g + b1 * a; return nesterov ? g + b1 * a : a;
      case UpdateRule::mean: a = b1 * a + a1 * g; return a * debias1;
      case UpdateRule::adam:
        a = b1 * a + a1 * g;
        b = b2 * b + a2 * (g * g);
        return a * debias1 / (std::sqrt(b * debias2 + eps_root) + eps);
      case UpdateRule::lion: {
        const C mixed = b1 * a + a1 * g;
        a = b2 * a + a2 * g;
        return mixed > C(0) ? C(1) : mixed < C(0) ? C(-1) : mixed;
      }
      case UpdateRule::rms: a = b1 * a + a1 * (g * g); return over_root(g, a);
      case UpdateRule::centered:
        a = b1 * a + a1 * (g * g);
        b = b1 * b + a1 * g;
        return over_root(g, a - b * b);
      case UpdateRule::adagrad: a += g * g; return g / std::sqrt(a + eps);
    }
    return g;
  }
  WEFT_DEVICE C over_root(C g, C square) const {
    return eps_in_root ? g / std::sqrt(square + eps) : g / (std::sqrt(square) + eps);
  }
};

template <class T> void update(const KernelCall& call, const Numbers* numbers) {
  using C = Computed<T>;
  const auto& op = call.op<op::OptimizerUpdate>();
  const op::Direction& d = op.direction;
  const auto n = static_cast<size_t>(op.parameters(static_cast<int>(call.inputs.size())));
  const std::span<const Tensor> in = call.inputs.subspan(static_cast<size_t>(op.scalars()));
  std::vector<UpdateEntry<T>> entries;
  for (size_t i = 0; i < n; ++i) {
    if (in[i].dtype() != dtype_of<T>) continue;
    UpdateEntry<T> entry{.p = in[i].raw_as<T>(),
                         .g = in[n + i].template raw_as<T>(),
                         .out = call.outputs[i].mutable_raw_as<T>(),
                         .states = {},
                         .next = {},
                         .n = in[i].elements(),
                         .early_decay = static_cast<C>(op.early_decay.of(i)),
                         .decay = static_cast<C>(op.decay.of(i))};
    for (size_t s = 0; s < static_cast<size_t>(op.states()); ++s) {
      entry.states[s] = in[(2 + s) * n + i].template raw_as<T>();
      entry.next[s] = call.outputs[(1 + s) * n + i].template mutable_raw_as<T>();
    }
    entries.push_back(entry);
  }
  for_each_table(entries, [&](const auto& table) {
    const Update<T> kernel{.table = table,
                           .numbers = numbers,
                           .rule = d.rule,
                           .direction_states = d.states(),
                           .b1 = static_cast<C>(d.b1),
                           .a1 = static_cast<C>(1 - d.b1),
                           .b2 = static_cast<C>(d.b2),
                           .a2 = static_cast<C>(1 - d.b2),
                           .eps = static_cast<C>(d.eps),
                           .eps_root = static_cast<C>(d.eps_root),
                           .momentum = static_cast<C>(op.momentum),
                           .nesterov = d.nesterov,
                           .eps_in_root = d.eps_in_root,
                           .traces = op.traces,
                           .trace_nesterov = op.nesterov,
                           .adds = op.adds};
    launch(kernel, table.blocks, usual_threads);
  });
}

void optimizer_update_kernel(const KernelCall& call) {
  const auto& op = call.op<op::OptimizerUpdate>();
  const op::Direction& d = op.direction;
  auto scalar = [&](bool given, int place) {
    if (!given) return Scalar{};
    const Tensor& x = call.inputs[static_cast<size_t>(place)];
    return Scalar{x.raw(), x.dtype()};
  };
  const bool adam = d.rule == UpdateRule::adam;
  Workspace<Numbers> numbers(call.inputs[0].device(), 1);
  launch(FindNumbers{.step = call.inputs[0].raw_as<int64_t>(),
                     .rate = scalar(op.scales, op.rate_input()),
                     .norm = scalar(op.clips, op.norm_input()),
                     .max_norm = op.max_norm,
                     .b1 = d.b1,
                     .b2 = d.b2,
                     .scales = op.scales,
                     .clips = op.clips,
                     .debiases1 = adam || (d.rule == UpdateRule::mean && d.debias),
                     .debiases2 = adam,
                     .result = numbers.data()},
         1, 1);
  update<float>(call, numbers.data());
  update<double>(call, numbers.data());
  update<bfloat16>(call, numbers.data());
  update<float16>(call, numbers.data());
}

}  // namespace

void register_cuda_optimizer_update(KernelTable& table) {
  table.add<op::OptimizerUpdate>(optimizer_update_kernel, all_floats | DTypeSet{DType::int64});
}

}  // namespace weft::cuda
