# Everything comes from the system; cmake/install_dependencies.sh installs what is missing on Debian.
# xtensor is used without its xsimd layer (its default): the reference backend has to stay independent of the cpu one.

find_package(Threads REQUIRED)
find_package(xtensor 0.24 REQUIRED)
find_package(xsimd REQUIRED)  # 8.1 or newer; its package would refuse a newer major version if one were named
if(xsimd_VERSION VERSION_LESS 8.1)
  message(FATAL_ERROR "xsimd: expected version 8.1 or newer, got ${xsimd_VERSION}")
endif()
find_package(nlohmann_json 3.10 REQUIRED)

# protozero (headers alone, without a package file) writes the records of TensorBoard's event files.
find_path(WEFT_PROTOZERO_INCLUDE_DIR protozero/pbf_writer.hpp REQUIRED)

# A cross build has no fmt library of the target's architecture; the headers alone do.
find_package(fmt REQUIRED)
if(CMAKE_CROSSCOMPILING)
  set(WEFT_FMT "$<BUILD_INTERFACE:fmt::fmt-header-only>")
else()
  set(WEFT_FMT fmt::fmt)
endif()

if(WEFT_BUILD_TESTS OR WEFT_BUILD_EXAMPLES)
  find_package(CLI11 2.1 REQUIRED)
endif()
if(WEFT_BUILD_TESTS)
  find_package(Catch2 REQUIRED)
endif()
if(WEFT_BUILD_EXAMPLES)
  find_package(PNG REQUIRED)
  find_package(JPEG REQUIRED)
endif()
if(WEFT_BUILD_BENCH)
  find_package(benchmark REQUIRED)
endif()
if(WEFT_CUDA)
  # cuDNN is called through NVIDIA's C++ headers (cudnn-frontend), which `cmake/install_dependencies.sh --cuda` puts where
  # they are looked for; another folder is -DWEFT_CUDNN_FRONTEND_DIR=... . The library itself is opened at run time.
  set(WEFT_CUDNN_FRONTEND_DIR "" CACHE PATH "Where cudnn_frontend.h is, or the folder above its include/")
  set(cache "$ENV{XDG_CACHE_HOME}")
  if(NOT cache)
    set(cache "$ENV{HOME}/.cache")
  endif()
  find_path(WEFT_CUDNN_FRONTEND_INCLUDE_DIR cudnn_frontend.h
            HINTS "${WEFT_CUDNN_FRONTEND_DIR}" "${WEFT_CUDNN_FRONTEND_DIR}/include" "${cache}/weft-cuda/include")
  mark_as_advanced(WEFT_CUDNN_FRONTEND_INCLUDE_DIR)
endif()
