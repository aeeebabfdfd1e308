#include "io/safetensors.h"

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

/// A file byte by byte as the format describes it.
Bytes file_of(const std::string& header, const Bytes& data) {
  Bytes bytes;
  for (int i = 0; i < 8; ++i)
    bytes.push_back(static_cast<std::uint8_t>(std::uint64_t{header.size()} >> (8 * i)));
  bytes.insert(bytes.end(), header.begin(), header.end());
  bytes.insert(bytes.end(), data.begin(), data.end());
  return bytes;
}

std::string message_of(const Bytes& bytes) {
  try {
    parse_safetensors(bytes, "m.safetensors");
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

/// What is said of a header before `data_bytes` zeros, without the file's name.
std::string refusal(const std::string& header, std::size_t data_bytes = 0) {
  const std::string message = message_of(file_of(header, Bytes(data_bytes)));
  const std::string name = "m.safetensors: ";
  return message.rfind(name, 0) == 0 ? message.substr(name.size()) : message;
}

std::string tensor(const std::string& type, const std::string& shape, const std::string& offsets) {
  return R"({"dtype":")" + type + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
}

const std::string kHeader = R"({"__metadata__":{"format":"reprise-model","note":"caf\u00e9"},)"
                            R"("w":{"dtype":"F32","shape":[2,1],"data_offsets":[8,16]},)"
                            R"("n":{"dtype":"I64","shape":[],"data_offsets":[0,8]},)"
                            R"("u":{"dtype":"U8","shape":[3],"data_offsets":[16,19]}}   )";
const Bytes kData = {0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,  // -2
                     0,    0,    0x80, 0x3f, 0,    0,    0x20, 0xc0,  // 1, -2.5
                     7,    8,    9};

TEST(Safetensors, ReadsHandMadeFile) {
  const Safetensors file = parse_safetensors(file_of(kHeader, kData), "m");
  EXPECT_EQ(file.metadata, (std::map<std::string, std::string>{{"format", "reprise-model"},
                                                               {"note", "caf\u00e9"}}));
  ASSERT_EQ(file.tensors.size(), 3u);
  EXPECT_EQ(file.at("w", "m").shape, (std::vector<std::int64_t>{2, 1}));
  EXPECT_EQ(file.at("w", "m").floats(), (std::vector<float>{1, -2.5f}));
  EXPECT_EQ(file.tensors.at("n").integers(), (std::vector<std::int64_t>{-2}));
  EXPECT_EQ(file.tensors.at("n").size(), 1);
  EXPECT_EQ(file.tensors.at("u").bytes, (Bytes{7, 8, 9}));
}

TEST(Safetensors, NamesWhatIsMissingOrOfAnotherType) {
  const Safetensors file = parse_safetensors(file_of(kHeader, kData), "m");
  const auto message = [&](const auto& action) -> std::string {
    try {
      action();
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_EQ(message([&] { file.at("bias", "m"); }), "m: expected a tensor 'bias', found none");
  EXPECT_EQ(message([&] { file.at("n", "m"); }), "m: tensor 'n': expected type F32, found I64");
  EXPECT_EQ(message([&] { file.tensors.at("u").floats(); }),
            "expected a tensor of type F32, found U8");
  EXPECT_EQ(message([&] { file.tensors.at("w").integers(); }),
            "expected a tensor of type I64, found F32");
}

class SafetensorsFile : public testing::Test {
 protected:
  ~SafetensorsFile() override { std::filesystem::remove(path_); }
  std::string path_ = (std::filesystem::temp_directory_path() /
                       ("reprise-" + std::to_string(::getpid()) + ".safetensors"))
                          .string();
};

TEST_F(SafetensorsFile, RoundTrip) {
  Safetensors file;
  const std::vector<float> floats = {1, 2, 3, -4.5f, 1e-40f, 6};
  const std::vector<std::int64_t> integers = {std::numeric_limits<std::int64_t>::min(), 5};
  file.metadata = {{"format", "x"}, {"config", "{\"a\": \"\\n\"}"}};
  file.tensors["b"] = Tensor::of({2, 3}, floats.data());
  file.tensors["a"] = Tensor{"U8", {3}, {1, 2, 3}};
  file.tensors["c"] = Tensor::of({2}, integers.data());
  file.tensors["empty"] = Tensor::of({0, 4}, floats.data());
  write_safetensors(path_, file);
  const Safetensors back = read_safetensors(path_);
  EXPECT_EQ(back.metadata, file.metadata);
  ASSERT_EQ(back.tensors.size(), 4u);
  for (const auto& [name, tensor] : file.tensors) {
    EXPECT_EQ(back.tensors.at(name).type, tensor.type);
    EXPECT_EQ(back.tensors.at(name).shape, tensor.shape);
    EXPECT_EQ(back.tensors.at(name).bytes, tensor.bytes);
  }
  EXPECT_EQ(back.tensors.at("b").floats(), floats);
  EXPECT_EQ(back.tensors.at("c").integers(), integers);

  write_safetensors(path_, Safetensors());
  EXPECT_TRUE(read_safetensors(path_).tensors.empty());
}

TEST_F(SafetensorsFile, WritesAlignedBytes) {
  Safetensors file;
  const float value = 1;
  file.tensors["w"] = Tensor::of({1}, &value);
  write_safetensors(path_, file);
  const std::string header = R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  const std::string padded = header + std::string(8 - header.size() % 8, ' ');
  EXPECT_EQ(read_file(path_, 4096), file_of(padded, {0, 0, 0x80, 0x3f}));
}

TEST_F(SafetensorsFile, RefusesToWriteWhatCouldNotBeRead) {
  const auto refused = [&](const std::string& name, const Tensor& tensor) {
    Safetensors file;
    file.tensors[name] = tensor;
    EXPECT_THROW(write_safetensors(path_, file), Error) << name;
    EXPECT_FALSE(std::filesystem::exists(path_));
  };
  refused("short", {"F32", {2}, Bytes(4)});
  refused("type", {"F16", {2}, Bytes(4)});
  refused("__metadata__", {"U8", {1}, Bytes(1)});
  refused("\xff", {"U8", {1}, Bytes(1)});
  refused("negative", {"U8", {-1, -1}, Bytes(1)});
}

TEST(Safetensors, RefusesOtherFiles) {
  EXPECT_EQ(message_of({}), "m.safetensors: expected a safetensors file, found 0 bytes");
  EXPECT_EQ(message_of(Bytes(8, 0xff)),
            "m.safetensors: expected a safetensors file, found a header length of "
            "18446744073709551615 in 8 bytes");
  EXPECT_EQ(message_of({3, 0, 0, 0, 0, 0, 0, 0, '{', '}'}),
            "m.safetensors: expected a safetensors file, found a header length of 3 in 10 bytes");
  EXPECT_EQ(refusal(""), "header: expected JSON, found something else at byte 1");
  EXPECT_EQ(refusal("{\"a\":"), "header: expected JSON, found something else at byte 6");
  EXPECT_EQ(refusal("{\"\xff\":1}"), "header: expected JSON, found something else at byte 3");
  EXPECT_EQ(refusal("[]"), "header: expected a JSON object, found something else");
  EXPECT_EQ(refusal("{\"a\":1e999}"), "header: expected JSON, found a number out of range");
}

TEST(Safetensors, RefusesDeepNesting) {
  for (const char* bracket : {"[", "{\"a\":", "[{\"a\":"}) {
    std::string header = "{\"a\":";
    while (header.size() < 5000000) header += bracket;
    EXPECT_EQ(refusal(header), "header: found JSON nested too deeply");
  }
  EXPECT_EQ(refusal("{\"__metadata__\":{\"a\":\"[[[[[[[[[[\\\"[[\"}}"), "no error")
      << "brackets in strings do not nest";
}

TEST(Safetensors, RefusesWrongMetadata) {
  EXPECT_EQ(refusal(R"({"__metadata__":[]})"), "__metadata__: expected an object, found array");
  EXPECT_EQ(refusal(R"({"__metadata__":{"version":1}})"),
            "__metadata__: expected a string for 'version', found number");
}

TEST(Safetensors, RefusesRepeatedNames) {
  const std::string empty = tensor("F32", "[0]", "[0,0]");
  EXPECT_EQ(refusal("{\"a\":" + empty + ",\"a\":" + empty + "}"),
            "header: expected unique names, found 'a' twice");
  EXPECT_EQ(refusal(R"({"__metadata__":{"f":"1","f":"2"}})"),
            "header: expected unique names, found 'f' twice");
}

TEST(Safetensors, RefusesWrongTensors) {
  const auto of = [](const std::string& object, std::size_t data_bytes = 0) {
    return refusal("{\"a\":" + object + "}", data_bytes);
  };
  EXPECT_EQ(of("1"), "tensor 'a': expected dtype, shape and data_offsets, found something else");
  EXPECT_EQ(of(R"({"dtype":"F32","shape":[1]})"),
            "tensor 'a': expected dtype, shape and data_offsets, found something else");
  EXPECT_EQ(of(tensor("BF16", "[1]", "[0,2]"), 2),
            "tensor 'a': expected type F32, I64 or U8, found 'BF16'");
  EXPECT_EQ(of(R"({"dtype":4,"shape":[],"data_offsets":[0,4]})", 4),
            "tensor 'a': expected type F32, I64 or U8, found 'number'");
  for (const char* shape : {"[-1]", "[1.0]", "[\"1\"]", "1", "[18446744073709551615]"})
    EXPECT_EQ(of(tensor("F32", shape, "[0,4]"), 4),
              "tensor 'a': shape: expected a list of lengths, found something else");
  for (const char* offsets : {"[0]", "[4,0]", "[0,4,4]", "[-4,0]", "4"})
    EXPECT_EQ(of(tensor("F32", "[1]", offsets), 4),
              "tensor 'a': data_offsets: expected [begin, end], found something else");
  EXPECT_EQ(of(tensor("F32", "[2]", "[0,4]"), 4),
            "tensor 'a': expected F32 values of shape [2], found 4 bytes");
  // 2^62 x 4 values of 4 bytes wrap around to none.
  EXPECT_EQ(of(tensor("F32", "[4611686018427387904,4]", "[0,0]")),
            "tensor 'a': expected F32 values of shape [4611686018427387904, 4], found 0 bytes");
  EXPECT_EQ(of(tensor("F32", "[1000000000000]", "[0,4000000000000]"), 4),
            "expected 4000000000000 bytes of tensors, found 4 in the file");
}

TEST(Safetensors, RefusesGapsAndOverlaps) {
  const auto two = [](const std::string& first, const std::string& second) {
    return refusal(
        "{\"a\":" + tensor("F32", "[1]", first) + ",\"b\":" + tensor("F32", "[1]", second) + "}",
        8);
  };
  EXPECT_EQ(two("[0,4]", "[4,8]"), "no error");
  EXPECT_EQ(two("[0,4]", "[0,4]"), "tensor 'b': expected data from byte 4 on, found byte 0");
  EXPECT_EQ(two("[0,4]", "[2,6]"), "tensor 'b': expected data from byte 4 on, found byte 2");
  EXPECT_EQ(two("[4,8]", "[8,12]"), "tensor 'a': expected data from byte 0 on, found byte 4");
  EXPECT_EQ(refusal("{\"a\":" + tensor("F32", "[1]", "[0,4]") + "}", 5),
            "expected 4 bytes of tensors, found 5 in the file");
}

TEST(Safetensors, RefusesEveryTruncation) {
  const Bytes bytes = file_of(kHeader, kData);
  for (std::size_t length = 0; length < bytes.size(); ++length)
    EXPECT_NE(message_of(Bytes(bytes.data(), bytes.data() + length)), "no error") << length;
  EXPECT_EQ(message_of(bytes), "no error");
}

}  // namespace
}  // namespace reprise
