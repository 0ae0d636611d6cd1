// Libraries that are opened while a program runs.

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include <catch2/catch.hpp>

#include <weft/backends/cuda/libraries.hpp>
#include <weft/tests/support/temporary_folder.hpp>

using namespace weft::cuda;

TEST_CASE("a library that is there gives its symbols", "[cuda]") {
  const DynamicLibrary library({"libweft_that_is_not_there.so.1", "libc.so.6"});
  REQUIRE(library);
  CHECK(library.problem().empty());
  const auto length = find<size_t (*)(const char*)>(library, "strlen");
  REQUIRE(length);
  CHECK(length("abc") == 3);
  CHECK(library.find("weft_has_no_such_function") == nullptr);
}

TEST_CASE("a library that is missing says which", "[cuda]") {
  const DynamicLibrary library({"libweft_that_is_not_there.so.1"});
  CHECK(!library);
  CHECK(library.find("strlen") == nullptr);
  CHECK(library.problem().find("libweft_that_is_not_there.so.1") != std::string::npos);
}

TEST_CASE("libraries are looked for where a person says", "[cuda]") {
  setenv("WEFT_CUDA_LIBRARY_PATH", "/weft_has_no_such_folder", 1);
  const DynamicLibrary missing({"libweft_that_is_not_there.so.1"}), elsewhere({"libc.so.6"});
  unsetenv("WEFT_CUDA_LIBRARY_PATH");
  CHECK(missing.problem().find("/weft_has_no_such_folder/libweft_that_is_not_there.so.1") != std::string::npos);
  CHECK(elsewhere);
}

TEST_CASE("libraries are looked for in each of several folders", "[cuda]") {
  // What the loader itself would not find: the library under another name.
  Dl_info here;
  REQUIRE(dladdr(DynamicLibrary({"libc.so.6"}).find("getenv"), &here) != 0);
  const weft::test::TemporaryFolder folder;
  std::filesystem::create_symlink(std::filesystem::canonical(here.dli_fname), folder.path() / "libweft_renamed.so");
  setenv("WEFT_CUDA_LIBRARY_PATH", ("/weft_has_no_such_folder::" + folder.path().string()).c_str(), 1);
  const DynamicLibrary library({"libweft_renamed.so"});
  unsetenv("WEFT_CUDA_LIBRARY_PATH");
  CHECK(library);
  CHECK(library.find("getenv") != nullptr);
}

TEST_CASE("the libraries found are named", "[cuda]") {
  const std::string text = cuda_libraries();
  CHECK(text.find("cuBLASLt ") == 0);
  CHECK(text.find(", cuDNN ") != std::string::npos);
  // Each has a version or the reason why it is missing.
  CHECK((text.find("libcublasLt.so.13") == std::string::npos) == static_cast<bool>(cublas_lt_library()));
  CHECK((text.find("libcudnn.so.9") == std::string::npos) == static_cast<bool>(cudnn_library()));
}
