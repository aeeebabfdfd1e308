#include "io/faiss_index.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "core/files.h"
#include "reprise/error.h"

namespace reprise {
namespace {

template <class T>
void put(std::ofstream& file, T value) {
  file.write(reinterpret_cast<const char*>(&value), sizeof value);
}

}  // namespace

void write_faiss_flat(const std::string& path, std::int64_t count, int dims, const float* vectors) {
  replace_file(path, [&](const std::string& temporary) {
    std::ofstream file(temporary, std::ios::binary);
    file.write("IxFI", 4);
    put(file, std::int32_t{dims});
    put(file, count);
    // Two fields that FAISS no longer reads, but expects.
    put(file, std::int64_t{1} << 20);
    put(file, std::int64_t{1} << 20);
    put(file, std::uint8_t{1});  // trained
    put(file, std::int32_t{0});  // inner product
    put(file, count * dims);
    file.write(reinterpret_cast<const char*>(vectors),
               static_cast<std::streamsize>(count * dims * std::int64_t{sizeof(float)}));
    file.close();
    if (!file) throw MachineError(fmt::format("{}: cannot write: {}", path, std::strerror(errno)));
  });
}

}  // namespace reprise
