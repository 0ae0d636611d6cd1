#include <weft/core/npy.hpp>

#include <fstream>
#include <sstream>

#include <catch2/catch.hpp>

#include <weft/autograd/ops/slice.hpp>
#include <weft/core/error.hpp>
#include <weft/tests/support/temporary_folder.hpp>

using namespace weft;
using Catch::Contains;

namespace {

/// A file of version 1 with that header dictionary and data.
std::string npy(const std::string& dictionary, const std::string& data, int version = 1) {
  std::string file = "\x93NUMPY";
  file += static_cast<char>(version);
  file += '\0';
  file += static_cast<char>(dictionary.size() & 0xff);
  file += static_cast<char>(dictionary.size() >> 8);
  if (version > 1) file += std::string(2, '\0');
  return file + dictionary + data;
}

Tensor read(const std::string& bytes) {
  std::istringstream stream(bytes);
  return read_npy(stream, "test.npy");
}

std::string written(const Tensor& tensor) {
  std::ostringstream stream;
  write_npy(stream, tensor, "test.npy");
  return stream.str();
}

}  // namespace

TEST_CASE("arrays come back as they were written") {
  Tensor x = Tensor::from(std::vector<float>{1, -2.5f, 3, 4, 5, 1e-30f}, {2, 3});
  for (DType dtype : {DType::float32, DType::float64, DType::float16, DType::int32, DType::int64, DType::boolean}) {
    Tensor typed = Tensor::empty(x.shape(), dtype);
    typed.assign(x);
    Tensor back = read(written(typed));
    REQUIRE(back.spec() == typed.spec());
    REQUIRE(to_string(back) == to_string(typed));
  }
  REQUIRE(read(written(Tensor(7.0))).item() == 7);
  REQUIRE(read(written(Tensor::empty({3, 0}))).shape() == Shape{3, 0});
  REQUIRE(read(written(x[{slice(), slice({}, {}, -2)}])).to_vector<float>() == std::vector<float>{3, 1, 1e-30f, 4});
}

TEST_CASE("the bytes are those that NumPy writes") {
  std::string file = written(Tensor::from(std::vector<int32_t>{1, 2, 3}, {3}));
  REQUIRE(file.substr(0, 8) == std::string("\x93NUMPY\x01\x00", 8));
  REQUIRE(file.size() == 128 + 12);
  REQUIRE(file.substr(10, 57) == "{'descr': '<i4', 'fortran_order': False, 'shape': (3,), }");
  REQUIRE(file[127] == '\n');
  REQUIRE(written(Tensor(1.0f)).find("'shape': (), }") != std::string::npos);
  REQUIRE(written(Tensor::empty({2, 3})).find("'shape': (2, 3), }") != std::string::npos);
}

TEST_CASE("bfloat16 is written as float32") {
  Tensor x = Tensor::empty({2}, DType::bfloat16);
  x.assign(Tensor(1.5f));
  REQUIRE(read(written(x)).to_vector<float>() == std::vector<float>{1.5f, 1.5f});
}

TEST_CASE("Fortran order, later versions and narrow integers are read") {
  std::string data("\0\1\2\3\4\xff", 6);
  Tensor x = read(npy("{'descr': '|i1', 'fortran_order': True, 'shape': (2, 3)}", data, 2));
  REQUIRE(x.dtype() == DType::int32);
  REQUIRE(x.to_vector<int32_t>() == std::vector<int32_t>{0, 2, 4, 1, 3, -1});
  REQUIRE(read(npy("{\"shape\":(6,),\"fortran_order\":False,\"descr\":\"|u1\"}", data)).to_vector<int32_t>().back() ==
          255);
}

TEST_CASE("files can be saved and loaded") {
  test::TemporaryFolder folder;
  std::string path = (folder / "x.npy").string();
  save_npy(path, Tensor(2.0f));
  REQUIRE(load_npy(path).item() == 2);
  REQUIRE_THROWS_AS(load_npy((folder / "missing.npy").string()), FileError);
  REQUIRE_THROWS_AS(save_npy((folder / "no/such/folder.npy").string(), Tensor(1.0f)), FileError);
}

TEST_CASE("malformed files are errors that name the file and the fault") {
  std::string good = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", data(8, '\0');
  REQUIRE(read(npy(good, data)).shape() == Shape{2});
  auto fails_with = [](const std::string& bytes, const std::string& fault) {
    INFO(fault);
    REQUIRE_THROWS_AS(read(bytes), FormatError);
    REQUIRE_THROWS_WITH(read(bytes), Contains("test.npy") && Contains(fault));
  };
  fails_with("", "NPY header");
  fails_with("PK\3\4aaaaaaaa", "not an NPY file");
  fails_with(npy(good, data, 9), "version");
  fails_with(npy(good, "abc"), "3 bytes of data");
  fails_with(npy(good, data).substr(0, 30), "NPY header");
  fails_with(npy("{'descr': '>f4', 'fortran_order': False, 'shape': (2,), }", data), ">f4");
  fails_with(npy("{'descr': '|O', 'fortran_order': False, 'shape': (2,), }", data), "|O");
  fails_with(npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }", data), "expected a string");
  fails_with(npy("{'descr': '<f4', 'shape': (2,), }", data), "expected the keys");
  fails_with(npy("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", data), "repeated key");
  fails_with(npy("{'descr': '<f4', 'fortran_order': Maybe, 'shape': (2,), }", data), "True or False");
  fails_with(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-2,), }", data), "extent");
  fails_with(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }", data), "extent");
  fails_with(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1), }", data), "8 axes");
  fails_with(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4), }", data), "needs more");
  fails_with(npy("{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387904,), }", data), "needs more");
  fails_with(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,), }", data), "needs more");
  fails_with(npy("{'descr': '<f4", data), "does not end");
  std::string long_header("\x93NUMPY\x02\x00\xff\xff\xff\x7f", 12);
  fails_with(long_header, "at most 1 MB");
}
