#include <string_view>

#include "fuzz.h"
#include "reprise/config.h"

using reprise::fuzz::Bytes;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  reprise::fuzz::read_or_refuse([&] {
    const reprise::Config config = reprise::Config::from_json(text, "input");
    config.to_json();
    config.hash();
  });
  return 0;
}

std::vector<Bytes> reprise::fuzz::seeds() {
  std::vector<Bytes> files;
  for (const std::string_view name : preset_names()) {
    const std::string text = Config::of_preset(name).to_json();
    files.emplace_back(text.begin(), text.end());
  }
  return files;
}
