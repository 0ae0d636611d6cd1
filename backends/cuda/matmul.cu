#include <algorithm>

#include <weft/backends/cuda/blas/lt.hpp>
#include <weft/backends/cuda/matmul_tile.hpp>
#include <weft/backends/cuda/table.hpp>
#include <weft/backends/cuda/workspace.hpp>

// Products of matrices: cuBLASLt's where it serves, own tiles elsewhere.

namespace weft::cuda {
namespace {

constexpr int64_t ceil_divided(int64_t x, int64_t by) { return (x + by - 1) / by; }

template <class T, int rows, int columns> void tiled_product(const Product& product) {
  using Kernel = TiledProduct<T, rows, columns>;
  Kernel kernel{.a = TileSource<T>(product.a, true, product.batch, 0),
                .b = TileSource<T>(product.b, false, product.batch, 1),
                .batch = product.batch,
                .batches = product.batches,
                .m = product.m(),
                .n = product.n(),
                .k = product.k(),
                .row_tiles = ceil_divided(product.m(), Kernel::tile_rows),
                .column_tiles = ceil_divided(product.n(), Kernel::tile_columns),
                .splits = 1,
                .split_depth = product.k(),
                .parts = nullptr,
                .epilogue = Epilogue<T>(product)};
  const int64_t tiles = kernel.row_tiles * kernel.column_tiles * kernel.batches;
  // Few tiles leave most of a GPU idle: then k is cut into parts, which a second kernel adds. By constants rather than
  // by the GPU at hand, so that the same shapes give the same sums everywhere.
  constexpr int64_t enough_blocks = 132, least_depth = 128;
  if (tiles < enough_blocks && product.k() >= 2 * least_depth) {
    const int64_t wanted = std::min(ceil_divided(2 * enough_blocks, tiles), product.k() / least_depth);
    kernel.split_depth = ceil_divided(ceil_divided(product.k(), wanted), tile_depth) * tile_depth;
    kernel.splits = ceil_divided(product.k(), kernel.split_depth);
  }
  constexpr int64_t most_blocks = int64_t{1} << 30;  // kernels stride over what is left
  const int64_t blocks = std::min(tiles * kernel.splits, most_blocks);
  if (kernel.splits == 1) return launch_blocks(kernel, blocks, tile_threads, Kernel::shared_bytes);
  Workspace<Factor<T>> parts(product.device, kernel.splits * product.elements());
  kernel.parts = parts.data();
  launch_blocks(kernel, blocks, tile_threads, Kernel::shared_bytes);
  finish_product<T, Factor<T>>(product, parts.data(), kernel.splits);
}

/// The tile by the shape: few rows or columns are not worth a whole square, many fill large ones.
template <class T> void own_product(const Product& product) {
  constexpr int64_t few = tile_side, large = 8 * tile_side, enough_blocks = 132;
  if constexpr (!is_integer(dtype_of<T>)) {
    const bool few_rows = product.m() <= few, few_columns = product.n() <= few;
    if (few_rows && few_columns) return tiled_product<T, 1, 1>(product);
    if (few_rows) return tiled_product<T, 1, 4>(product);
    if (few_columns) return tiled_product<T, 4, 1>(product);
  }
  if constexpr (std::is_same_v<Factor<T>, float>) {
    if (ceil_divided(product.m(), large) * ceil_divided(product.n(), large) * product.batches >= enough_blocks)
      return tiled_product<T, 8, 8>(product);
  }
  tiled_product<T, 4, 4>(product);
}

/// False where the library does not serve, and nothing was done.
template <class T> bool library_product(const Product& product) {
  const std::optional<LtPlan> plan = plan_lt(product);
  if (!plan || !run_lt(*plan)) return false;
  if (!plan->finished) finish_product<T, T>(plan->rest, static_cast<const T*>(plan->d), 1);
  return true;
}

/// What a fused product adds to a plain one; undefined or null what is absent.
struct Extras {
  Tensor bias = Tensor(), residual = Tensor();
  op::Activation activation = op::Activation::none;
  Tensor* kept = nullptr;
};

void any_product(const Tensor& a, const Tensor& b, Tensor& result, const Extras& extras) {
  if (result.elements() == 0) return;
  // Read without strides; hardly ever copied.
  const Tensor bias = extras.bias.defined() ? extras.bias.contiguous() : Tensor();
  const Tensor residual = extras.residual.defined() ? extras.residual.contiguous() : Tensor();
  auto product_of = [&](const Tensor& left, const Tensor& right) {
    Product product = make_product(left, right, result);
    if (bias.defined()) product.bias = bias.raw();
    if (residual.defined()) product.residual = residual.raw();
    product.activation = extras.activation;
    if (extras.kept) product.kept = extras.kept->mutable_raw();
    return product;
  };
  const Product product = product_of(a, b);
  if (is_integer(product.dtype))
    return visit_integer(product.dtype, [&]<class T>(std::type_identity<T>) { own_product<T>(product); });
  visit_float(product.dtype, [&]<class T>(std::type_identity<T>) {
    if (library_product<T>(product)) return;
    // Views that the library does not take are worth a copy, unless little is computed with each element.
    constexpr int64_t worth_a_copy = 32;
    if (has_lt() && !plan_lt(product) && std::min(product.m(), product.n()) >= worth_a_copy &&
        !(a.is_contiguous() && b.is_contiguous()) && library_product<T>(product_of(a.contiguous(), b.contiguous())))
      return;
    own_product<T>(product);
  });
}

void matmul_kernel(const KernelCall& call) { any_product(call.inputs[0], call.inputs[1], call.outputs[0], {}); }

void linear_kernel(const KernelCall& call) {
  Extras extras;
  if (call.op<op::Linear>().has_bias) extras.bias = call.inputs[2];
  any_product(call.inputs[0], call.inputs[1], call.outputs[0], extras);
}

void fused_kernel(const KernelCall& call) {
  const auto& op = call.op<op::FusedMatmul>();
  Extras extras;
  extras.activation = op.activation;
  if (op.has_bias) extras.bias = call.inputs[2];
  if (op.has_residual) extras.residual = call.inputs.back();
  if (op.keeps_product) extras.kept = &call.outputs[1];
  any_product(call.inputs[0], call.inputs[1], call.outputs[0], extras);
}

}  // namespace

void register_cuda_matmul(KernelTable& table) {
  table.add<op::Matmul>(matmul_kernel, all_numbers, true);
  table.add<op::Linear>(linear_kernel, all_numbers, true);
  table.add<op::FusedMatmul>(fused_kernel, all_floats, true);
}

}  // namespace weft::cuda
