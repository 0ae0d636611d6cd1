#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <mutex>

#include <weft/autograd/jit/trace.hpp>
#include <weft/autograd/ops/list.hpp>
#include <weft/autograd/record.hpp>
#include <weft/autograd/tape.hpp>
#include <weft/core/backend.hpp>
#include <weft/core/error.hpp>

namespace weft {
namespace {

struct Definitions {
  std::mutex mutex;
  std::vector<std::unique_ptr<Primitive>> by_id;
};

Definitions& definitions() {
  static Definitions& instance = *new Definitions;
  return instance;
}

void define_built_in_once() {
  static std::once_flag once;
  std::call_once(once, define_built_in_primitives);
}

using Outputs = SmallVector<Tensor, 2>;

SmallVector<Spec, 4> specs_of(std::span<const Tensor> tensors) {
  SmallVector<Spec, 4> specs;
  specs.reserve(tensors.size());
  for (const Tensor& tensor : tensors) specs.push_back(tensor.spec());
  return specs;
}

/// Scalars made on the host go where the other inputs are; anything else must be there already.
Device common_device(const Primitive& primitive, std::span<const Tensor> inputs) {
  Device device;
  bool found = false;
  for (const Tensor& input : inputs) {
    if (input.rank() == 0 && input.device().backend().is_host()) continue;
    if (found && !(input.device() == device))
      throw DeviceError(primitive.name() + ": expected inputs on one device, got " + to_string(device) + " and " +
                        to_string(input.device()));
    device = input.device();
    found = true;
  }
  if (found) return device;
  return inputs.empty() ? default_device() : inputs[0].device();
}

Tensor converted(const Tensor& source, DType dtype) {
  Tensor target = Tensor::empty(source.shape(), dtype, source.device());
  copy_elements(source, target);
  return target;
}

std::string missing_kernel(const Primitive& primitive, const Backend& backend) {
  std::string others;
  for (const std::string& name : backend_names()) {
    try {
      if (Device(name).backend().kernels().find(primitive.id())) others += (others.empty() ? "" : ", ") + name;
    } catch (const DeviceError&) {}  // it has no devices here
  }
  return primitive.name() + ": backend '" + backend.name() + "' has no kernel for it, and it has no composed form" +
         (others.empty() ? "" : "; backends that have one: " + others);
}

/// Whether the kernel takes the inputs as they are.
bool takes(const KernelEntry& kernel, std::span<const Tensor> inputs, Device device) {
  for (const Tensor& input : inputs)
    if (!(input.device() == device) || !kernel.dtypes.contains(input.dtype()) ||
        !(kernel.strided || input.is_contiguous()))
      return false;
  return true;
}

/// The inputs as the kernel takes them: on the device, contiguous, halves as float32, which sets `narrowed`.
SmallVector<Tensor, 4> made_ready(const KernelEntry& kernel, const Primitive& primitive, std::span<const Tensor> inputs,
                                  Device device, bool& narrowed) {
  SmallVector<Tensor, 4> ready;
  for (const Tensor& input : inputs) {
    Tensor tensor = input.device() == device ? input : input.to(device);
    if (!kernel.dtypes.contains(tensor.dtype())) {
      if (!is_half(tensor.dtype()) || !kernel.dtypes.contains(DType::float32))
        throw DTypeError(primitive.name() + ": backend '" + device.backend().name() + "' has no kernel for " +
                         std::string(name_of(tensor.dtype())));
      tensor = converted(tensor, DType::float32);
      narrowed = true;
    } else if (!kernel.strided && !tensor.is_contiguous()) {
      tensor = tensor.copy();
    }
    ready.push_back(std::move(tensor));
  }
  return ready;
}

void run_kernel(const KernelEntry& kernel, const Primitive& primitive, const void* op, std::span<const Tensor> inputs,
                const Specs& specs, Device device, Outputs& outputs) {
  SmallVector<Tensor, 4> ready;
  bool narrowed = false;
  if (!takes(kernel, inputs, device)) {
    ready = made_ready(kernel, primitive, inputs, device, narrowed);
    inputs = ready;
  }
  for (const Spec& spec : specs) {
    bool widen = narrowed && is_half(spec.dtype);
    outputs.push_back(Tensor::empty(spec.shape, widen ? DType::float32 : spec.dtype, device));
  }
  if (!(device == Device())) device.backend().make_current(device.index());
  kernel.run({op, inputs, outputs});
  if (!narrowed) return;
  for (size_t i = 0; i < specs.size(); ++i)
    if (outputs[i].dtype() != specs[i].dtype) outputs[i] = converted(outputs[i], specs[i].dtype);
}

Tensors record_in_trace(const Primitive& primitive, const void* op, std::span<const Tensor> inputs, const Specs& specs,
                        Device device) {
  Trace* trace = Trace::current();
  if (trace) return trace->record(primitive, op, inputs, specs, device);
  for (const Tensor& input : inputs)
    if (input.is_traced()) throw_traced(primitive.name().c_str(), input);
  return {};
}

std::string range_of(const Tensor& tensor) {
  Tensor host = converted(tensor.to(Device()), DType::float64);
  double low = std::numeric_limits<double>::infinity(), high = -low;
  int64_t bad = 0;
  for (double value : host.to_vector<double>()) {
    if (std::isnan(value)) ++bad;
    else low = std::min(low, value), high = std::max(high, value);
  }
  std::string text = to_string(tensor.spec()) + " in [" + std::to_string(low) + ", " + std::to_string(high) + "]";
  return bad ? text + " with " + std::to_string(bad) + " NaN" : text;
}

void check_for_nan(const Primitive& primitive, std::span<const Tensor> inputs, std::span<const Tensor> outputs) {
  for (const Tensor& output : outputs) {
    if (!is_floating(output.dtype())) continue;
    bool found = false;
    for (double value : converted(output, DType::float64).to_vector<double>()) found = found || std::isnan(value);
    if (!found) continue;
    std::string text = primitive.name() + ": the result has NaN; inputs:";
    for (const Tensor& input : inputs) text += " " + range_of(input);
    throw NonFiniteError(text);
  }
}

}  // namespace

void define_primitive(std::unique_ptr<Primitive> primitive) {
  Definitions& known = definitions();
  std::lock_guard lock(known.mutex);
  auto i = static_cast<size_t>(primitive->id());
  if (i >= known.by_id.size()) known.by_id.resize(i + 1);
  if (known.by_id[i])
    throw StateError("define_primitive: there is a primitive named '" + primitive->name() + "' already");
  known.by_id[i] = std::move(primitive);
}

const Primitive& find_primitive(PrimitiveId id) {
  define_built_in_once();
  Definitions& known = definitions();
  std::lock_guard lock(known.mutex);
  auto i = static_cast<size_t>(id);
  if (i >= known.by_id.size() || !known.by_id[i])
    throw StateError("primitive '" + std::string(primitive_name(id)) + "' was never defined");
  return *known.by_id[i];
}

std::vector<const Primitive*> all_primitives() {
  define_built_in_once();
  Definitions& known = definitions();
  std::lock_guard lock(known.mutex);
  std::vector<const Primitive*> list;
  for (const auto& primitive : known.by_id)
    if (primitive) list.push_back(primitive.get());
  return list;
}

namespace {

void append(Outputs& outputs, Tensors tensors) {
  for (Tensor& tensor : tensors) outputs.push_back(std::move(tensor));
}

void run(const Primitive& primitive, const void* op, std::span<const Tensor> inputs, Outputs& outputs) {
  bool tracked = false, meta = false, traced = false;
  for (const Tensor& input : inputs) {
    meta = meta || input.is_meta();
    traced = traced || input.is_traced();
    if (!input.node()) continue;
    tracked = true;
    if (TrackedInputListener* listener = TrackedInputListener::current()) listener->notify(input);
  }
  bool record = tracked && is_recording() && !primitive.not_differentiable;
  Specs specs = primitive.shape(op, specs_of(inputs));
  if (record && !primitive.has_grad && primitive.has_composed && !meta)
    return append(outputs, primitive.composed(op, inputs));
  if (meta) {
    for (const Spec& spec : specs) outputs.push_back(Tensor::meta(spec));
  } else if (primitive.is_view) {
    outputs.push_back(primitive.view(op, inputs[0].detach()));
  } else {
    Device device = common_device(primitive, inputs);
    const KernelEntry* kernel = device.backend().kernels().find(primitive.id());
    if (kernel && traced) {
      append(outputs, record_in_trace(primitive, op, inputs, specs, device));
    } else if (kernel) {
      run_kernel(*kernel, primitive, op, inputs, specs, device, outputs);
    } else if (primitive.has_composed) {
      NoGrad guard;
      for (const Tensor& output : primitive.composed(op, inputs)) outputs.push_back(output.detach());
    } else {
      throw DeviceError(missing_kernel(primitive, device.backend()));
    }
    if (NanMode::active() && !traced) check_for_nan(primitive, inputs, outputs);
  }
  if (OpListener* listener = OpListener::current()) listener->notify(primitive, op, inputs, outputs);
  if (record) record_primitive(primitive, op, inputs, outputs);
}

}  // namespace

Tensors apply(const Primitive& primitive, const void* op, std::span<const Tensor> inputs) {
  Outputs outputs;
  run(primitive, op, inputs, outputs);
  return Tensors(std::move_iterator(outputs.begin()), std::move_iterator(outputs.end()));
}

Tensor apply_single(const Primitive& primitive, const void* op, std::span<const Tensor> inputs) {
  Outputs outputs;
  run(primitive, op, inputs, outputs);
  return std::move(outputs[0]);
}

}  // namespace weft
