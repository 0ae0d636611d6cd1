#pragma once

#include <cudnn.h>

#include <weft/core/device.hpp>

namespace weft::cuda::cudnn {

/// Opens the library; whether there is one (libraries.hpp says why not). Nothing of the frontend's goes before it.
bool open();

/// cuDNN's handle for `device`, at work on current_stream(), or null where there is no cuDNN (libraries.hpp says why).
/// Asked for before a plan is made: that there is none for want of the library is not to be remembered.
/// No two threads hold the same one: cuDNN's handles are not for several at once.
cudnnHandle_t handle(Device device);

}  // namespace weft::cuda::cudnn
