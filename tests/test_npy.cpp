#include "io/npy.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "core/files.h"
#include "reprise/error.h"

namespace reprise {
namespace {

using Bytes = std::vector<std::uint8_t>;

/// A file of the given version, header text and values, byte by byte as the format describes it.
Bytes file_of(int version, const std::string& header, const std::vector<float>& values) {
  Bytes bytes = {0x93, 'N', 'U', 'M', 'P', 'Y', static_cast<std::uint8_t>(version), 0};
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i)
    bytes.push_back(static_cast<std::uint8_t>(header.size() >> (8 * i)));
  bytes.insert(bytes.end(), header.begin(), header.end());
  for (const float value : values) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, &value, sizeof bits);
    for (int i = 0; i < 4; ++i) bytes.push_back(static_cast<std::uint8_t>(bits >> (8 * i)));
  }
  return bytes;
}

std::string message_of(const Bytes& bytes) {
  try {
    parse_npy(bytes, "x.npy");
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

std::string refusal(const std::string& header, const std::vector<float>& values = {}) {
  return message_of(file_of(1, header, values));
}

const std::vector<float> kSix = {0, 1, -2.5f, 3, std::numeric_limits<float>::infinity(), 1e-40f};

TEST(Npy, ReadsEveryVersion) {
  for (const int version : {1, 2, 3}) {
    const Npy array = parse_npy(
        file_of(version, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }   \n", kSix),
        "x");
    EXPECT_EQ(array.shape, (std::vector<std::int64_t>{2, 3}));
    EXPECT_EQ(array.values, kSix);
  }
}

// As numpy.save(path, x.T) writes it: column after column.
TEST(Npy, ReadsMatricesInFortranOrder) {
  const auto read = [](const std::string& shape, const std::vector<float>& values) {
    return parse_npy(
        file_of(1, "{'descr': '<f4', 'fortran_order': True, 'shape': " + shape + ", }", values),
        "x");
  };
  const Npy matrix = read("(2, 3)", {1, 2, 3, 4, 5, 6});
  EXPECT_EQ(matrix.shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(matrix.values, (std::vector<float>{1, 3, 5, 2, 4, 6}));
  EXPECT_EQ(read("(3,)", {1, 2, 3}).values, (std::vector<float>{1, 2, 3}));
  EXPECT_TRUE(read("(1152921504606846976, 0)", {}).values.empty());
}

TEST(Npy, ReadsHeadersAsPythonWouldWriteThem) {
  const auto shape = [](const std::string& header, std::size_t count) {
    return parse_npy(file_of(1, header, std::vector<float>(count, 1)), "x").shape;
  };
  using Shape = std::vector<std::int64_t>;
  EXPECT_EQ(shape("{'descr': '<f4', 'fortran_order': False, 'shape': (), }", 1), Shape{});
  EXPECT_EQ(shape("{'descr': '<f4', 'fortran_order': False, 'shape': (4,)}", 4), Shape{4});
  EXPECT_EQ(shape("{\"shape\":(2,0,3,),\"descr\":\"<f4\",\"fortran_order\":False}", 0),
            (Shape{2, 0, 3}));
}

TEST(Npy, RoundTrip) {
  const std::string path =
      (std::filesystem::temp_directory_path() / ("reprise-" + std::to_string(::getpid()) + ".npy"))
          .string();
  const std::vector<std::vector<std::int64_t>> shapes = {{}, {6}, {2, 3}, {1, 2, 3}, {0, 12}};
  for (const auto& shape : shapes) {
    std::size_t count = 1;
    for (const std::int64_t length : shape) count *= static_cast<std::size_t>(length);
    const std::vector<float> values(kSix.begin(),
                                    kSix.begin() + static_cast<std::ptrdiff_t>(count));
    write_npy(path, shape, values.data());
    const Npy back = read_npy(path);
    EXPECT_EQ(back.shape, shape);
    EXPECT_EQ(back.values, values);
    EXPECT_EQ((read_file(path, 4096).size() - 4 * count) % 64, 0u) << "values are aligned";
  }
  std::filesystem::remove(path);
}

TEST(Npy, WritesTheBytesThatNumPyWrites) {
  const std::string path =
      (std::filesystem::temp_directory_path() / ("reprise-" + std::to_string(::getpid()) + ".npy"))
          .string();
  write_npy(path, {2, 3}, kSix.data());
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
  header += std::string(128 - 10 - 1 - header.size(), ' ') + "\n";
  EXPECT_EQ(read_file(path, 4096), file_of(1, header, kSix));
  std::filesystem::remove(path);
  EXPECT_THROW(write_npy(path, {-1}, kSix.data()), Error);
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(Npy, RefusesOtherArrays) {
  const std::string end = ", 'fortran_order': False, 'shape': (1,), }";
  EXPECT_EQ(refusal("{'descr': '<i4'" + end, {1, 1}),
            "x.npy: header: expected the type '<f4' (float32) or '<f8' (float64), found '<i4'");
  EXPECT_EQ(refusal("{'descr': '>f4'" + end, {1}),
            "x.npy: header: expected the type '<f4' (float32) or '<f8' (float64), found '>f4'");
  EXPECT_EQ(refusal("{'descr': '<f4', 'fortran_order': True, 'shape': (1, 1, 1), }", {1}),
            "x.npy: header: expected values in C order, found more than two axes in Fortran order");
  EXPECT_EQ(refusal("{'descr': '<f4'" + end, {1, 2}),
            "x.npy: expected float32 values of shape (1), found 8 bytes");
  EXPECT_EQ(refusal("{'descr': '<f4'" + end),
            "x.npy: expected float32 values of shape (1), "
            "found 0 bytes");
}

TEST(Npy, RefusesDamagedHeaders) {
  const auto shape = [](const std::string& text) {
    return refusal("{'descr': '<f4', 'fortran_order': False, 'shape': " + text + ", }");
  };
  EXPECT_EQ(shape("(-1,)"), "x.npy: header: expected a length, found '-1,), }'");
  EXPECT_EQ(shape("(1 2)"), "x.npy: header: expected the end of the shape, found '2), }'");
  EXPECT_EQ(shape("(3)"), "x.npy: header: expected a tuple, found a number in brackets");
  EXPECT_EQ(shape("(99999999999999999999,)"),
            "x.npy: header: expected a length, found '99999999999999999999,), }'");
  EXPECT_EQ(shape("(4611686018427387904, 4)"),
            "x.npy: expected float32 values of shape (4611686018427387904, 4), found 0 bytes");
  EXPECT_EQ(shape("(9223372036854775807,)"),
            "x.npy: expected float32 values of shape (9223372036854775807), found 0 bytes");
  std::string axes;
  for (int i = 0; i < 33; ++i) axes += "1, ";
  EXPECT_EQ(shape("(" + axes + ")"),
            "x.npy: header: expected the end of the shape, found '1, ), }'");
  EXPECT_EQ(shape("__import__('os')"), "x.npy: header: expected '(', found '__import__('os'), }'");
  EXPECT_EQ(refusal("{'descr': '<f4', 'descr': '<f4'}"),
            "x.npy: header: expected descr, fortran_order and shape, each once, found 'descr'");
  EXPECT_EQ(refusal("{'descr': '<f4'}"),
            "x.npy: header: expected descr, fortran_order and shape, found fewer entries");
  EXPECT_EQ(refusal("{'descr': '<f4}"), "x.npy: header: expected a string, found ''<f4}'");
  EXPECT_EQ(refusal("{}\x01"), "x.npy: header: expected the end of the header, found '\\x01'");
  EXPECT_EQ(refusal("  \n"), "x.npy: header: expected '{', found ''");
}

TEST(Npy, RefusesOtherFiles) {
  EXPECT_EQ(message_of({}), "x.npy: expected a NumPy .npy file, found something else");
  Bytes bytes = file_of(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", {1});
  bytes[6] = 9;
  EXPECT_EQ(message_of(bytes), "x.npy: expected .npy format version 1.0, 2.0 or 3.0, found 9.0");
  bytes[6] = 2;
  EXPECT_NE(message_of(bytes).find("x.npy: expected a header of "), std::string::npos);
}

TEST(Npy, RefusesEveryTruncation) {
  const Bytes bytes =
      file_of(2, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }   \n", kSix);
  for (std::size_t length = 0; length < bytes.size(); ++length)
    EXPECT_NE(message_of(Bytes(bytes.data(), bytes.data() + length)), "no error") << length;
  EXPECT_EQ(message_of(bytes), "no error");
}

}  // namespace
}  // namespace reprise
