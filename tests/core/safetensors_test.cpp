#include <cstring>

#include <catch2/catch.hpp>

#include <weft/core/error.hpp>
#include <weft/core/file.hpp>
#include <weft/core/safetensors.hpp>
#include <weft/tests/support/temporary_folder.hpp>

using namespace weft;
using Catch::Matchers::Contains;
using weft::test::TemporaryFolder;

namespace {

std::string with_length(const std::string& header, const std::string& data) {
  std::string text;
  for (int i = 0; i < 8; ++i) text += static_cast<char>(header.size() >> (8 * i));
  return text + header + data;
}

/// Reads a file of that header and data.
SafetensorsFile read(const std::string& header, const std::string& data = "") {
  TemporaryFolder folder;
  std::string path = (folder / "made.safetensors").string();
  write_file(path, with_length(header, data));
  return read_safetensors(path);
}

std::string entry(const std::string& name, const std::string& type, const std::string& shape,
                  const std::string& offsets) {
  return "\"" + name + "\":{\"dtype\":\"" + type + "\",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}";
}

}  // namespace

TEST_CASE("safetensors keep every dtype, shape and stride", "[safetensors]") {
  TemporaryFolder folder;
  std::string path = (folder / "a.safetensors").string();
  std::map<std::string, Tensor> tensors;
  Tensor base = Tensor::from(std::vector<float>{1, 2, 3, 4, 5, 6}, {2, 3});
  tensors["floats"] = base;
  tensors["reversed"] = base.strided_view({3, 2}, {-1, 3}, 2);
  tensors["scalar"] = Tensor(2.5);
  tensors["empty"] = Tensor::empty({0, 7}, DType::int64);
  tensors["numbers"] = Tensor::from(std::vector<int64_t>{-1, int64_t{1} << 40}, {2});
  tensors["half"] = Tensor::from(std::vector<bfloat16>{bfloat16(1.5f)}, {1});
  tensors["small"] = Tensor::from(std::vector<float16>{float16(0.1f)}, {1});
  tensors["yes"] = Tensor(true);
  write_safetensors(path, tensors, {{"note", "a \"quoted\" word"}});
  SafetensorsFile file = read_safetensors(path);
  CHECK(file.metadata.at("note") == "a \"quoted\" word");
  REQUIRE(file.tensors.size() == tensors.size());
  for (const auto& [name, tensor] : tensors) {
    INFO(name);
    const Tensor& got = file.tensors.at(name);
    CHECK(got.spec() == tensor.spec());
    if (tensor.elements() > 0)
      CHECK(std::memcmp(got.raw(), tensor.contiguous().raw(), static_cast<size_t>(tensor.bytes())) == 0);
  }
}

TEST_CASE("damaged safetensors give an error that names file and tensor", "[safetensors]") {
  std::string four(4, '\0'), eight(8, '\0');
  CHECK_THROWS_WITH(read("{" + entry("w", "F32", "[1]", "[0,4]") + "}", eight), Contains("oversized"));
  CHECK_THROWS_WITH(read("{" + entry("w", "F32", "[2]", "[0,8]") + "}", four), Contains("'w'") && Contains("beyond"));
  CHECK_THROWS_WITH(read("{" + entry("w", "F32", "[3]", "[0,4]") + "}", four), Contains("'w'") && Contains("4 bytes"));
  CHECK_THROWS_WITH(read("{" + entry("a", "F32", "[1]", "[0,4]") + "," + entry("b", "F32", "[1]", "[0,4]") + "}", four),
                    Contains("overlaps"));
  CHECK_THROWS_WITH(read("{" + entry("a", "F32", "[1]", "[4,8]") + "}", eight), Contains("gap"));
  CHECK_THROWS_WITH(
      read("{" + entry("a", "F32", "[1]", "[0,4]") + "," + entry("a", "F32", "[1]", "[4,8]") + "}", eight),
      Contains("'a' twice"));
  CHECK_THROWS_WITH(read("{" + entry("w", "F99", "[1]", "[0,4]") + "}", four), Contains("F99"));
  CHECK_THROWS_WITH(read("{" + entry("w", "BOOL", "[1]", "[0,1]") + "}", "\x02"), Contains("neither 0 nor 1"));
  CHECK_THROWS_WITH(read("{" + entry("w", "F32", "[9223372036854775807,9223372036854775807]", "[0,4]") + "}", four),
                    Contains("'w'"));
  CHECK_THROWS_WITH(read("{" + entry("w", "F32", "[4611686018427387904,4]", "[0,4]") + "}", four), Contains("'w'"));
  CHECK_THROWS_WITH(read("{" + entry("w", "F32", "[-1]", "[0,4]") + "}", four), Contains("'w'"));
  CHECK_THROWS_WITH(read("{" + entry("w", "F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]") + "}", four), Contains("9 axes"));
  CHECK_THROWS_WITH(read("{" + entry("w", "F32", "[1]", "[4,0]") + "}", four), Contains("'w'"));
  CHECK_THROWS_WITH(read("{\"w\":3}"), Contains("'w'"));
  CHECK_THROWS_WITH(read("[1,2]"), Contains("not a JSON object"));
  CHECK_THROWS_WITH(read("{\"w\":"), Contains("not JSON"));
  CHECK_THROWS_WITH(read("{\"__metadata__\":{\"a\":1}}"), Contains("not a string"));
}

TEST_CASE("lengths that lie are refused before anything is allocated", "[safetensors]") {
  TemporaryFolder folder;
  std::string path = (folder / "liar.safetensors").string();
  write_file(path, std::string("\xff\xff\xff\xff\xff\xff\xff\x7f", 8) + "{}");
  CHECK_THROWS_WITH(read_safetensors(path), Contains("liar.safetensors") && Contains("header"));
  write_file(path, std::string("\x00\xe4\x0b\x54\x02\x00\x00\x00", 8) + "{}");  // 10 GB
  CHECK_THROWS_AS(read_safetensors(path), FormatError);
  write_file(path, std::string("\x10\x00\x00\x00\x00\x00\x00\x00", 8) + "{}");
  CHECK_THROWS_WITH(read_safetensors(path), Contains("truncated"));
  write_file(path, "abc");
  CHECK_THROWS_AS(read_safetensors(path), FormatError);
  CHECK_THROWS_AS(read_safetensors((folder / "none").string()), FileError);
  CHECK_THROWS_AS(read_safetensors(folder.path().string()), FileError);
}

TEST_CASE("every truncation of a good file is an error", "[safetensors]") {
  TemporaryFolder folder;
  std::string path = (folder / "whole.safetensors").string();
  write_safetensors(path, {{"w", Tensor::from(std::vector<float>{1, 2, 3}, {3})}, {"b", Tensor(1.0f)}});
  std::string whole = read_file(path);
  for (size_t size = 0; size < whole.size(); ++size) {
    write_file(path, whole.substr(0, size));
    INFO(size);
    CHECK_THROWS_AS(read_safetensors(path), FormatError);
  }
}

TEST_CASE("a full disk is an error that names the file", "[safetensors]") {
  if (std::FILE* full = std::fopen("/dev/full", "w")) {
    std::fclose(full);
    CHECK_THROWS_WITH(write_safetensors("/dev/full", {{"w", Tensor(1.0f)}}), Contains("/dev/full"));
  }
  CHECK_THROWS_AS(write_safetensors("/nowhere/at/all", {{"w", Tensor(1.0f)}}), FileError);
  CHECK_THROWS_AS(write_safetensors("/tmp/never", {{"__metadata__", Tensor(1.0f)}}), ValueError);
}
