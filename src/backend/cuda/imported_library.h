#pragma once

namespace reprise::cuda {

/// A library of the CUDA toolkit that is looked for when it is first called: the program starts on
/// machines that do not have it, and is not a gigabyte larger for those that do.
class ImportedLibrary {
 public:
  /// file: as the loader knows it, say "libcublas.so.13"; also looked for in the toolkit's folder
  /// that the program was built with.
  explicit ImportedLibrary(const char* file);

  /// Null where the library or the function is not there.
  template <typename Function>
  Function find(const char* name) const {
    return reinterpret_cast<Function>(symbol(name));
  }

 private:
  void* symbol(const char* name) const;

  void* library_;
};

}  // namespace reprise::cuda
