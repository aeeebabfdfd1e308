#include <string_view>

#include "baselines/definition.h"
#include "baselines/shipped.h"
#include "fuzz.h"

using reprise::fuzz::Bytes;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  reprise::fuzz::read_or_refuse([&] { reprise::parse_definition(text, "input"); });
  return 0;
}

std::vector<Bytes> reprise::fuzz::seeds() {
  std::vector<Bytes> files;
  for (const ShippedDefinition& definition : kShippedDefinitions)
    files.emplace_back(definition.json.begin(), definition.json.end());
  return files;
}
