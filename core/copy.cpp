#include <algorithm>
#include <cstring>

#include <weft/core/backend.hpp>
#include <weft/core/convert.hpp>
#include <weft/core/error.hpp>
#include <weft/core/strided_loop.hpp>
#include <weft/core/tensor.hpp>
#include <weft/core/tracer.hpp>
#include <weft/core/transposition.hpp>

namespace weft {
namespace {

template <class To, class From> void copy_tiles(const Tensor& source, Tensor& target, const Transposition& axes) {
  constexpr int64_t tile = 16;
  Shape rest = target.shape();
  const int64_t rows = rest[axes.outer], columns = rest[axes.inner];
  rest[axes.outer] = rest[axes.inner] = 1;
  const int64_t row_step = target.strides()[axes.outer], column_step = source.strides()[axes.inner];
  auto plane = [&](const From* from, To* into) {
    for (int64_t row = 0; row < rows; row += tile)
      for (int64_t column = 0; column < columns; column += tile)
        for (int64_t i = row; i < std::min(row + tile, rows); ++i)
          for (int64_t j = column; j < std::min(column + tile, columns); ++j)
            into[i * row_step + j] = convert<To>(from[i + j * column_step]);
  };
  strided_rows<2>(rest, {target.strides(), source.strides()},
                  [&](int64_t count, std::array<int64_t, 2> at, std::array<int64_t, 2> step) {
                    for (int64_t i = 0; i < count; ++i)
                      plane(source.raw_as<From>() + at[1] + i * step[1],
                            target.mutable_raw_as<To>() + at[0] + i * step[0]);
                  });
}

template <class To, class From> void copy_rows(const Tensor& source, Tensor& target) {
  const From* from = source.raw_as<From>();
  To* into = target.mutable_raw_as<To>();
  strided_rows<2>(target.shape(), {target.strides(), source.strides()},
                  [&](int64_t count, std::array<int64_t, 2> at, std::array<int64_t, 2> step) {
                    if constexpr (std::is_same_v<From, To>)
                      if (step[0] == 1 && step[1] == 1) {
                        std::memcpy(into + at[0], from + at[1], static_cast<size_t>(count) * sizeof(To));
                        return;
                      }
                    for (int64_t i = 0; i < count; ++i)
                      into[at[0] + i * step[0]] = convert<To>(from[at[1] + i * step[1]]);
                  });
}

}  // namespace

void copy_elements(const Tensor& source, Tensor& target) {
  if (source.is_traced() || target.is_traced()) throw_traced("copy", source.is_traced() ? source : target);
  Backend& backend = target.device().backend();
  if (!backend.is_host()) return backend.copy_elements(source, target);
  const Transposition axes(source, target);
  visit(source.dtype(), [&]<class From>(std::type_identity<From>) {
    visit(target.dtype(), [&]<class To>(std::type_identity<To>) {
      if (axes.found() && target.elements() > 0) copy_tiles<To, From>(source, target, axes);
      else copy_rows<To, From>(source, target);
    });
  });
}

}  // namespace weft
