// Every case of every op in tests/ops, by the CUDA back end on the emulated device.

#include "ops/all.h"
#include "test_kernels.h"

namespace reprise::ops_test {
namespace {

template <class Op>
class OpKernels : public emulation::EmulationTest {};

struct OpName {
  template <class Op>
  static std::string GetName(int) {
    return Op::kName;
  }
};
TYPED_TEST_SUITE(OpKernels, AllOps, OpName);

TYPED_TEST(OpKernels, EqualsItsDefinitionInEveryOrder) {
  for (const auto& c : TypeParam::cases()) {
    if (!runs_on_device<TypeParam>(c)) continue;
    Parts<float> first;
    for (const emulation::Schedule& schedule : emulation::orders()) {
      cudaDeviceReset();
      emulation::set_schedule(schedule);
      const auto backend = make_cuda_backend(0, MathMode::fp32);
      const Parts<float> results = results_of<TypeParam>(*backend, c);
      if (first.empty()) first = results;
      expect_same_bits<TypeParam>(results, first, c.name + ", " + to_string(schedule));
    }
    Definition<TypeParam>(c).expect(first, "");
  }
}

}  // namespace
}  // namespace reprise::ops_test
