// Kernels mostly live in unnamed namespaces, which dladdr() cannot see: their names are read from
// the full symbol table of the file that holds them.
#include "symbol.h"

#include <cxxabi.h>
#include <dlfcn.h>
#include <elf.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>
#include <vector>

namespace reprise::emulation {
namespace {

using Symbols = std::map<std::uintptr_t, std::string>;  // by offset from where the file is loaded

template <typename T>
std::vector<T> read(std::ifstream& file, std::uint64_t offset, std::uint64_t count) {
  std::vector<T> values(count);
  file.seekg(static_cast<std::streamoff>(offset));
  file.read(reinterpret_cast<char*>(values.data()),
            static_cast<std::streamsize>(count * sizeof(T)));
  return values;
}

Symbols functions_of(const std::string& path) {
  Symbols symbols;
  std::ifstream file(path, std::ios::binary);
  if (!file) return symbols;
  const auto header = read<Elf64_Ehdr>(file, 0, 1)[0];
  if (!file || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) return symbols;
  const auto sections = read<Elf64_Shdr>(file, header.e_shoff, header.e_shnum);
  for (const Elf64_Shdr& section : sections) {
    if (section.sh_type != SHT_SYMTAB || section.sh_link >= sections.size()) continue;
    const Elf64_Shdr& text = sections[section.sh_link];
    const auto names = read<char>(file, text.sh_offset, text.sh_size);
    const auto entries =
        read<Elf64_Sym>(file, section.sh_offset, section.sh_size / sizeof(Elf64_Sym));
    for (const Elf64_Sym& entry : entries) {
      if (ELF64_ST_TYPE(entry.st_info) == STT_FUNC && entry.st_name < names.size()) {
        symbols[entry.st_value] = names.data() + entry.st_name;
      }
    }
  }
  return symbols;
}

std::string readable(const std::string& symbol) {
  int status = 0;
  char* text = abi::__cxa_demangle(symbol.c_str(), nullptr, nullptr, &status);
  std::string name = status == 0 ? text : symbol;
  std::free(text);
  const std::string unnamed = "(anonymous namespace)::";
  for (auto at = name.find(unnamed); at != std::string::npos; at = name.find(unnamed)) {
    name.erase(at, unnamed.size());
  }
  name.erase(std::min(name.find('('), name.size()));
  if (name.starts_with("void ")) name.erase(0, 5);  // templates carry their return type
  return name;
}

}  // namespace

std::string kernel_name(const void* function) {
  static std::map<std::string, Symbols> files;
  Dl_info info;
  if (dladdr(function, &info) != 0 && info.dli_fname != nullptr) {
    const std::string loaded = info.dli_fname;
    auto found = files.find(loaded);
    if (found == files.end()) {
      // The program itself is listed under the name that it was called by.
      Symbols symbols = functions_of(loaded);
      if (symbols.empty()) symbols = functions_of("/proc/self/exe");
      found = files.emplace(loaded, std::move(symbols)).first;
    }
    const auto offset = reinterpret_cast<std::uintptr_t>(function) -
                        reinterpret_cast<std::uintptr_t>(info.dli_fbase);
    if (const auto symbol = found->second.find(offset); symbol != found->second.end()) {
      return readable(symbol->second);
    }
  }
  std::ostringstream text;
  text << "at " << function;
  return text.str();
}

}  // namespace reprise::emulation
