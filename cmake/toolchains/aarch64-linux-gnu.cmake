# Cross builds for arm64 with Debian's compiler and its emulator (`cmake/install_dependencies.sh --arm`). The dependencies are
# headers, which have no architecture, so the host's packages serve; examples (libpng) and benchmarks need libraries and stay off.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -L /usr/aarch64-linux-gnu)

file(GLOB host_packages /usr/lib/*-linux-gnu/cmake)
list(APPEND CMAKE_PREFIX_PATH ${host_packages})
set(WEFT_BUILD_EXAMPLES OFF CACHE BOOL "")
set(WEFT_BUILD_BENCH OFF CACHE BOOL "")
