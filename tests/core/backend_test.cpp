#include <weft/core/backend.hpp>

#include <thread>

#include <catch2/catch.hpp>

#include <weft/core/error.hpp>
#include <weft/core/tensor.hpp>

using namespace weft;
using Catch::Contains;

namespace {

/// A backend of several devices that remembers where it was asked for memory.
class SeveralDevices : public HostBackend {
 public:
  SeveralDevices() : HostBackend("several") {}
  int device_count() const override { return 3; }
  void* allocate(int64_t bytes, int device) override {
    last_device = device;
    return HostBackend::allocate(bytes, device);
  }
  int last_device = -1;
};

}  // namespace

TEST_CASE("the built-in backends are there, the cpu first") {
  std::vector<std::string> names = backend_names();
  REQUIRE(names.size() >= 2);
  REQUIRE(names[0] == "cpu");
  REQUIRE(names[1] == "reference");
  REQUIRE(Device() == Device("cpu"));
  REQUIRE(to_string(Device("reference")) == "reference");
  REQUIRE_FALSE(Device("cpu") == Device("reference"));
}

TEST_CASE("unknown devices are errors that list the known ones") {
  REQUIRE_THROWS_WITH(Device("tpu"), Contains("'tpu'") && Contains("cpu, reference"));
  REQUIRE_THROWS_AS(Device("cpu:1"), DeviceError);
  REQUIRE_THROWS_AS(Device("cpu:"), DeviceError);
  REQUIRE_THROWS_AS(Device("cpu:x"), DeviceError);
  REQUIRE_THROWS_AS(Device("cpu:-1"), DeviceError);
  REQUIRE_THROWS_AS(Device(""), DeviceError);
  REQUIRE(Device("cpu:0") == Device("cpu"));
}

TEST_CASE("a backend can be added once, with several devices") {
  auto backend = std::make_unique<SeveralDevices>();
  SeveralDevices& added = *backend;
  Device first = register_backend(std::move(backend));
  REQUIRE(first == Device("several:0"));
  Device third("several:2");
  REQUIRE(to_string(third) == "several:2");
  Tensor x = Tensor::from(std::vector<float>{1, 2, 3}, {3}, third);
  REQUIRE(added.last_device == 2);
  REQUIRE(x.to("cpu").to_vector<float>() == std::vector<float>{1, 2, 3});
  REQUIRE_THROWS_AS(Device("several:3"), DeviceError);
  REQUIRE_THROWS_WITH(register_backend(std::make_unique<SeveralDevices>()), Contains("'several'"));
}

TEST_CASE("the default device is a thread's own and is put back") {
  Device reference("reference");
  {
    DeviceScope scope(reference);
    REQUIRE(default_device() == reference);
    REQUIRE(Tensor::empty({2}).device() == reference);
    std::thread([] { REQUIRE(default_device() == Device()); }).join();
  }
  REQUIRE(default_device() == Device());
}

TEST_CASE("a kernel table finds what was put in, by primitive") {
  KernelTable table;
  PrimitiveId id = primitive_id("backend_test_primitive");
  REQUIRE(primitive_id("backend_test_primitive") == id);
  REQUIRE(primitive_name(id) == "backend_test_primitive");
  REQUIRE(table.find(id) == nullptr);
  table.add(id, {[](const KernelCall&) {}, {DType::int32}, true});
  REQUIRE(table.find(id) != nullptr);
  REQUIRE(table.find(id)->strided);
  REQUIRE(table.find(id)->dtypes.contains(DType::int32));
  REQUIRE_FALSE(table.find(id)->dtypes.contains(DType::float32));
}
