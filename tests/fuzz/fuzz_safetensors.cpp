#include "fuzz.h"
#include "io/safetensors.h"

using reprise::fuzz::Bytes;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  reprise::fuzz::read_or_refuse([&] {
    const auto file = reprise::parse_safetensors(Bytes(data, data + size), "input");
    for (const auto& [name, tensor] : file.tensors)
      if (tensor.type == "F32") file.at(name, "input").floats();
  });
  return 0;
}

std::vector<Bytes> reprise::fuzz::seeds() {
  const std::vector<float> values(24, 0.5f);
  const std::int64_t step = 100;
  Safetensors file;
  std::vector<Bytes> files;
  files.push_back(written_by([&](const std::string& path) { write_safetensors(path, file); }));
  file.metadata = {{"format", "reprise-model"}, {"config", "{\"events\": 12}"}};
  file.tensors["events.weight"] = Tensor::of({2, 1, 12}, values.data());
  file.tensors["events.bias"] = Tensor::of({2}, values.data());
  file.tensors["step"] = Tensor::of({}, &step);
  file.tensors["state"] = Tensor{"U8", {3}, {1, 2, 3}};
  files.push_back(written_by([&](const std::string& path) { write_safetensors(path, file); }));
  return files;
}
