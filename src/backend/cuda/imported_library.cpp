#include "backend/cuda/imported_library.h"

#include <dlfcn.h>

#include <string>

namespace reprise::cuda {

ImportedLibrary::ImportedLibrary(const char* file) : library_(dlopen(file, RTLD_NOW)) {
  if (!library_)
    library_ = dlopen((std::string(REPRISE_CUDA_LIBRARIES "/") + file).c_str(), RTLD_NOW);
}

void* ImportedLibrary::symbol(const char* name) const {
  return library_ ? dlsym(library_, name) : nullptr;
}

}  // namespace reprise::cuda
