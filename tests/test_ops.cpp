// Every case of every op in tests/ops, on the CPU.

#include "every_instruction_set.h"
#include "ops/all.h"

namespace reprise::ops_test {
namespace {

template <class Op>
class Ops : public testing::Test {};

struct OpName {
  template <class Op>
  static std::string GetName(int) {
    return Op::kName;
  }
};
TYPED_TEST_SUITE(Ops, AllOps, OpName);

TYPED_TEST(Ops, EqualsItsDefinitionInEveryInstructionSet) {
  for (const auto& c : TypeParam::cases()) {
    const Definition<TypeParam> definition(c);
    with_every_instruction_set([&](const std::string& set) {
      definition.expect(results_of<TypeParam>(*make_cpu_backend(2), c), set);
    });
  }
}

TYPED_TEST(Ops, SameBitsForAnyNumberOfThreads) {
  const auto one = make_cpu_backend(1), many = make_cpu_backend(5);
  for (const auto& c : TypeParam::cases())
    expect_same_bits<TypeParam>(results_of<TypeParam>(*one, c), results_of<TypeParam>(*many, c),
                                c.name);
}

}  // namespace
}  // namespace reprise::ops_test
