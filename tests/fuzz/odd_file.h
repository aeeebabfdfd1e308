#pragma once

#include <hdf5.h>

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "fuzz.h"
#include "io/hdf5.h"

namespace reprise::fuzz {

using hdf5::Handle;

/// A well-formed HDF5 file that is odd: each input byte is a choice (0: as it should be) of a type,
/// rank, length, storage or value. Unlike mutated bytes, such files get past HDF5 to our own
/// checks.
class OddFile {
 public:
  OddFile(const std::uint8_t* data, std::size_t size) : data_(data), left_(size) {
    const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
    H5Pset_fapl_core(access.get(), 4096, false);
    file_ = Handle(H5Fcreate("odd", H5F_ACC_TRUNC, H5P_DEFAULT, access.get()), H5Fclose);
  }

  Bytes image() {
    H5Fflush(file_.get(), H5F_SCOPE_GLOBAL);
    Bytes image(
        static_cast<std::size_t>(std::max<ssize_t>(0, H5Fget_file_image(file_.get(), nullptr, 0))));
    H5Fget_file_image(file_.get(), image.data(), image.size());
    return image;
  }

  static Handle text(std::size_t width) {
    Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
    H5Tset_size(type.get(), width);
    return type;
  }

  void attribute(const char* name, Handle proper, const void* value) {
    if (choose(30) == 1) return;
    const std::size_t bytes = H5Tget_size(proper.get());
    const Handle made = type(std::move(proper));
    const Handle shape = choose(20) == 1 ? space({2}) : Handle(H5Screate(H5S_SCALAR), H5Sclose);
    const Bytes room = values(value, bytes);
    const Handle id(
        H5Acreate2(file_.get(), name, made.get(), shape.get(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
    if (id && writable_bytes(made.get(), shape.get(), room.size()) > 0)
      H5Awrite(id.get(), made.get(), room.data());
  }

  void dataset(const char* name, Handle proper, const std::vector<hsize_t>& lengths,
               const void* value) {
    const std::size_t way = choose(40);
    if (way == 1) return;
    if (way == 2) {
      const Handle group(H5Gcreate2(file_.get(), name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
                         H5Gclose);
      return;
    }
    if (way == 3) {
      H5Lcreate_soft("/offsets", file_.get(), name, H5P_DEFAULT, H5P_DEFAULT);
      return;
    }
    if (way == 4) {
      H5Lcreate_external("odd", "/offsets", file_.get(), name, H5P_DEFAULT, H5P_DEFAULT);
      return;
    }
    std::size_t bytes = H5Tget_size(proper.get());
    for (const hsize_t length : lengths) bytes *= static_cast<std::size_t>(length);
    const Handle made = type(std::move(proper));
    const Handle shape = space(lengths);
    const Handle creation = storage(shape.get());
    const Bytes room = values(value, bytes);
    const Handle id(H5Dcreate2(file_.get(), name, made.get(), shape.get(), H5P_DEFAULT,
                               creation.get(), H5P_DEFAULT),
                    H5Dclose);
    if (id && H5Pget_external_count(creation.get()) == 0 &&
        writable_bytes(made.get(), shape.get(), room.size()) > 0)
      H5Dwrite(id.get(), made.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, room.data());
  }

  void group(const char* name) {
    const Handle made(H5Gcreate2(file_.get(), name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
                      H5Gclose);
  }

 private:
  std::size_t choose(std::size_t options) {
    if (left_ == 0) return 0;
    --left_;
    return *data_++ % options;
  }

  Handle type(Handle proper) {
    constexpr std::size_t kWays = 40;
    const std::array<hid_t, 14> others = {
        H5T_STD_I8LE,   H5T_STD_U8LE,    H5T_STD_I16BE,  H5T_STD_U32BE, H5T_STD_I64LE,
        H5T_STD_U64LE,  H5T_IEEE_F32BE,  H5T_IEEE_F64LE, H5T_STD_B64LE, H5T_NATIVE_LDOUBLE,
        H5T_UNIX_D32LE, H5T_STD_REF_OBJ, H5T_INTEL_F32,  H5T_VAX_F32};
    const std::size_t way = choose(kWays);
    if (way >= 1 && way <= others.size()) return {H5Tcopy(others[way - 1]), H5Tclose};
    if (way == 20) return text(H5T_VARIABLE);
    if (way == 21) return text(1 + choose(256));
    if (way == 22) return text((std::size_t{1} << 20) + 1);
    if (way == 23) {
      Handle padded = text(5);
      H5Tset_strpad(padded.get(), H5T_STR_SPACEPAD);
      return padded;
    }
    if (way == 24) {
      Handle bits(H5Tcopy(H5T_STD_I32LE), H5Tclose);
      H5Tset_precision(bits.get(), 1 + choose(32));
      return bits;
    }
    if (way == 25) return {H5Tcreate(H5T_COMPOUND, 8), H5Tclose};
    if (way == 26) return {H5Tvlen_create(H5T_STD_I32LE), H5Tclose};
    if (way == 27) return {H5Tenum_create(H5T_STD_I8LE), H5Tclose};
    return proper;
  }

  Handle space(std::vector<hsize_t> lengths) {
    constexpr std::array<hsize_t, 10> kLengths = {
        0,
        1,
        2,
        3,
        4,
        6,
        11,
        13,
        hsize_t{1} << 33,
        static_cast<hsize_t>(std::numeric_limits<std::int64_t>::max())};
    switch (choose(30)) {
      case 1:
        return {H5Screate(H5S_SCALAR), H5Sclose};
      case 2:
        return {H5Screate(H5S_NULL), H5Sclose};
      case 3:
        lengths.push_back(1);
        break;
      case 4:
        lengths.pop_back();
        break;
      default:
        break;
    }
    for (hsize_t& length : lengths)
      if (const std::size_t way = choose(4 * kLengths.size()); way >= 1 && way <= kLengths.size())
        length = kLengths[way - 1];
    const auto rank = static_cast<int>(lengths.size());
    return {H5Screate_simple(rank, lengths.data(), nullptr), H5Sclose};
  }

  Handle storage(hid_t shape) {
    Handle creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
    const std::size_t way = choose(16);
    if (way >= 1 && way <= 8) {
      const std::vector<hsize_t> chunk(
          static_cast<std::size_t>(std::max(1, H5Sget_simple_extent_ndims(shape))),
          way == 1 ? hsize_t{1} << 30 : way);
      H5Pset_chunk(creation.get(), static_cast<int>(chunk.size()), chunk.data());
    }
    if (way == 3 || way == 4) H5Pset_shuffle(creation.get());
    if (way == 4 || way == 5) H5Pset_deflate(creation.get(), 1);
    if (way == 6) H5Pset_fletcher32(creation.get());
    if (way == 7) H5Pset_scaleoffset(creation.get(), H5Z_SO_INT, 0);
    if (way == 8) H5Pset_nbit(creation.get());
    if (way == 9) H5Pset_layout(creation.get(), H5D_COMPACT);
    if (way == 10) H5Pset_external(creation.get(), "/dev/zero", 0, H5F_UNLIMITED);
    if (way == 11) H5Pset_virtual(creation.get(), shape, "other.h5", "chroma", shape);
    return creation;
  }

  /// The proper values with some bytes replaced, enough of them for any small dataspace.
  Bytes values(const void* proper, std::size_t bytes) {
    constexpr std::size_t kRoom = std::size_t{1} << 16;
    Bytes out(kRoom);
    std::copy_n(static_cast<const std::uint8_t*>(proper), bytes, out.begin());
    for (std::size_t changes = choose(40); changes > 37; --changes) {
      const std::size_t at = choose(256) % std::max<std::size_t>(1, bytes);
      out[at] = static_cast<std::uint8_t>(choose(256));
    }
    return out;
  }

  /// Bytes to write to a dataset of this type and space; 0 for those that are left unwritten.
  static std::size_t writable_bytes(hid_t type, hid_t space, std::size_t room) {
    const H5T_class_t kind = H5Tget_class(type);
    const bool plain = kind == H5T_INTEGER || kind == H5T_FLOAT || kind == H5T_BITFIELD ||
                       kind == H5T_COMPOUND ||
                       (kind == H5T_STRING && H5Tis_variable_str(type) <= 0);
    const hssize_t points = H5Sget_simple_extent_npoints(space);
    if (!plain || points < 0 || static_cast<std::size_t>(points) > room) return 0;
    const std::size_t bytes = static_cast<std::size_t>(points) * H5Tget_size(type);
    return bytes <= room ? bytes : 0;
  }

  const std::uint8_t* data_;
  std::size_t left_;
  Handle file_;
};

}  // namespace reprise::fuzz
