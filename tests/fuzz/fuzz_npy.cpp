#include <algorithm>

#include "fuzz.h"
#include "io/npy.h"

using reprise::fuzz::Bytes;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  reprise::fuzz::read_or_refuse([&] { reprise::parse_npy(Bytes(data, data + size), "input"); });
  return 0;
}

std::vector<Bytes> reprise::fuzz::seeds() {
  const std::vector<float> values(24, 0.5f);
  std::vector<Bytes> files;
  for (const std::vector<std::int64_t>& shape :
       {std::vector<std::int64_t>{2, 12}, {1, 2, 12}, {24}, {}, {0, 12}})
    files.push_back(
        written_by([&](const std::string& path) { write_npy(path, shape, values.data()); }));
  Bytes columns = files.front();  // the same in Fortran order
  const std::string_view no = "False", yes = "True ";
  std::copy(yes.begin(), yes.end(),
            std::search(columns.begin(), columns.end(), no.begin(), no.end()));
  files.push_back(columns);
  return files;
}
