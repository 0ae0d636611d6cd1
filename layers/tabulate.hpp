#pragma once

#include <iosfwd>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <weft/layers/initialize.hpp>

namespace weft {

/// A model's modules and what they cost for inputs of certain shapes.
struct Table {
  struct Row {
    std::string path;  ///< empty for the model itself
    std::string type;
    std::vector<Spec> inputs;  ///< what the module computes from, and what it gives, in its first call
    std::vector<Spec> outputs;
    std::map<std::string, int64_t> counts;  ///< elements by kind of Variable, those below included
    int64_t parameters = 0;                 ///< elements of Params, those below included
    int64_t bytes = 0;                      ///< of all Variables, those below included
    double flops = 0;                       ///< of all calls, those below included
    int calls = 0;
  };
  std::vector<Row> rows;  ///< outer modules first

  /// The row of a path; throws IndexError.
  const Row& operator[](const std::string& path) const;
};
std::string to_string(const Table& table);
std::ostream& operator<<(std::ostream& stream, const Table& table);

namespace detail {
/// Watches the modules and ops that run on this thread.
class TableRecorder {
 public:
  TableRecorder();
  ~TableRecorder();
  TableRecorder(const TableRecorder&) = delete;
  TableRecorder& operator=(const TableRecorder&) = delete;
  /// `tensor` counts as there before the model ran.
  void add_input(const Tensor& tensor);
  Table table(const ModuleRef& model);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

template <class T> void note_input(TableRecorder& recorder, const T& input) {
  if constexpr (std::is_convertible_v<const T&, Tensor>) {
    Tensor tensor(input);
    if (tensor.defined()) recorder.add_input(tensor);
  }
}
}  // namespace detail

/// Runs `model(inputs...)` with shapes alone and gives a row for each module, those that were not called included:
/// path, type, input and output shapes, parameters, bytes, floating-point operations. The model needs no initialize().
///   std::cout << tabulate(model, camera, lidar);
template <Module T, class... Inputs> Table tabulate(T& model, const Inputs&... inputs) {
  ShapeOnlyScope scope;
  detail::TableRecorder recorder;
  auto run = [&](auto&&... shapes) {
    (detail::note_input(recorder, shapes), ...);
    static_cast<void>(model(shapes...));
  };
  run(detail::shape_only(inputs)...);
  return recorder.table(module_ref(model));
}

/// The model as a tree: types, Variables with their shapes, hyper-parameters.
std::string display(const ModuleRef& model);
template <Module T> std::string display(const T& model) { return display(module_ref(model)); }

}  // namespace weft
