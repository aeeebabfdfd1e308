#include "io/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "core/files.h"
#include "core/text.h"
#include "reprise/error.h"

namespace reprise {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kLengthBytes = 8;
constexpr std::uint64_t kLongestHeader = 100'000'000;  // as in the format's reference reader
constexpr std::int64_t kLargestFile = std::int64_t{1} << 40;
constexpr int kDeepest = 8;  // a header has three levels
constexpr const char* kMetadata = "__metadata__";

[[noreturn]] void fail(const std::string& path, const std::string& message) {
  throw InputError(fmt::format("{}: {}", path, message));
}

/// Bytes of a value, or 0 for types that are not read.
std::int64_t value_bytes(std::string_view type) {
  if (type == "F32") return 4;
  if (type == "I64") return 8;
  if (type == "U8") return 1;
  return 0;
}

/// Bytes of a tensor, or nothing where they do not fit or a length is negative.
std::optional<std::int64_t> byte_count(const std::vector<std::int64_t>& shape, std::int64_t bytes) {
  std::int64_t count = bytes;
  for (const std::int64_t length : shape)
    if (length < 0 || __builtin_mul_overflow(count, length, &count)) return std::nullopt;
  return count;
}

template <class T>
Tensor tensor_of(std::string type, std::vector<std::int64_t> shape, const T* values) {
  Tensor tensor{std::move(type), std::move(shape), {}};
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(values);
  tensor.bytes.assign(bytes, bytes + static_cast<std::size_t>(tensor.size()) * sizeof(T));
  return tensor;
}

template <class T>
std::vector<T> values_of(const Tensor& tensor, std::string_view type) {
  if (tensor.type != type)
    throw InputError(fmt::format("expected a tensor of type {}, found {}", type, tensor.type));
  std::vector<T> values(tensor.bytes.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), tensor.bytes.data(), values.size() * sizeof(T));
  return values;
}

/// Parsers and destructors of JSON recurse: brackets are counted before either runs.
void check_depth(std::string_view text, const std::string& path) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kDeepest) fail(path, "header: found JSON nested too deeply");
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
}

/// A JSON object without repeated names.
Json parse_header(std::string_view text, const std::string& path) {
  check_depth(text, path);
  std::vector<std::set<std::string>> names;  // of the objects that are open
  const auto on_event = [&](int, Json::parse_event_t event, Json& value) {
    if (event == Json::parse_event_t::object_start) names.emplace_back();
    if (event == Json::parse_event_t::object_end) names.pop_back();
    if (event == Json::parse_event_t::key) {
      const auto& name = value.get_ref<const std::string&>();
      if (!names.back().insert(name).second)
        fail(path, fmt::format("header: expected unique names, found {} twice", quote(name)));
    }
    return true;
  };
  try {
    Json header = Json::parse(text, on_event);
    if (!header.is_object()) fail(path, "header: expected a JSON object, found something else");
    return header;
  } catch (const Json::parse_error& error) {
    fail(path, fmt::format("header: expected JSON, found something else at byte {}", error.byte));
  } catch (const Json::exception&) {
    fail(path, "header: expected JSON, found a number out of range");
  }
}

std::map<std::string, std::string> parse_metadata(const Json& object, const std::string& path) {
  if (!object.is_object())
    fail(path, fmt::format("{}: expected an object, found {}", kMetadata, object.type_name()));
  std::map<std::string, std::string> metadata;
  for (const auto& [name, value] : object.items()) {
    if (!value.is_string())
      fail(path, fmt::format("{}: expected a string for {}, found {}", kMetadata, quote(name),
                             value.type_name()));
    metadata[name] = value.get<std::string>();
  }
  return metadata;
}

/// A list of integers from 0 to the largest signed one.
std::optional<std::vector<std::int64_t>> lengths_of(const Json& list) {
  if (!list.is_array()) return std::nullopt;
  std::vector<std::int64_t> lengths;
  for (const Json& length : list) {
    constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (!length.is_number_unsigned() || length.get<std::uint64_t>() > kMost) return std::nullopt;
    lengths.push_back(length.get<std::int64_t>());
  }
  return lengths;
}

struct Entry {
  std::string name;
  Tensor tensor;
  std::int64_t begin = 0;  ///< in the data
  std::int64_t end = 0;
};

Entry parse_entry(const std::string& name, const Json& object, const std::string& path) {
  const auto wrong = [&](const std::string& message) {
    fail(path, fmt::format("tensor {}: {}", quote(name), message));
  };
  if (!object.is_object() || object.size() != 3 || !object.contains("dtype") ||
      !object.contains("shape") || !object.contains("data_offsets"))
    wrong("expected dtype, shape and data_offsets, found something else");
  Entry entry;
  entry.name = name;
  const Json& type = object["dtype"];
  entry.tensor.type = type.is_string() ? type.get<std::string>() : std::string(type.type_name());
  const std::int64_t bytes = value_bytes(entry.tensor.type);
  if (bytes == 0)
    wrong(fmt::format("expected type F32, I64 or U8, found {}", quote(entry.tensor.type)));
  const auto shape = lengths_of(object["shape"]);
  if (!shape) wrong("shape: expected a list of lengths, found something else");
  entry.tensor.shape = *shape;
  const auto offsets = lengths_of(object["data_offsets"]);
  if (!offsets || offsets->size() != 2 || (*offsets)[0] > (*offsets)[1])
    wrong("data_offsets: expected [begin, end], found something else");
  entry.begin = (*offsets)[0];
  entry.end = (*offsets)[1];
  if (byte_count(entry.tensor.shape, bytes) != entry.end - entry.begin)
    wrong(fmt::format("expected {} values of shape [{}], found {} bytes", entry.tensor.type,
                      fmt::join(entry.tensor.shape, ", "), entry.end - entry.begin));
  return entry;
}

/// As the format demands, the tensors fill the data without gap or overlap.
void check_layout(std::vector<Entry>& entries, std::int64_t data_bytes, const std::string& path) {
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  std::int64_t end = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != end)
      fail(path, fmt::format("tensor {}: expected data from byte {} on, found byte {}",
                             quote(entry.name), end, entry.begin));
    end = entry.end;
  }
  if (end != data_bytes)
    fail(path, fmt::format("expected {} bytes of tensors, found {} in the file", end, data_bytes));
}

}  // namespace

Tensor Tensor::of(std::vector<std::int64_t> shape, const float* values) {
  return tensor_of("F32", std::move(shape), values);
}

Tensor Tensor::of(std::vector<std::int64_t> shape, const std::int64_t* values) {
  return tensor_of("I64", std::move(shape), values);
}

std::int64_t Tensor::size() const {
  return byte_count(shape, 1).value_or(0);
}

std::vector<float> Tensor::floats() const {
  return values_of<float>(*this, "F32");
}

std::vector<std::int64_t> Tensor::integers() const {
  return values_of<std::int64_t>(*this, "I64");
}

const Tensor& Safetensors::at(const std::string& name, const std::string& path) const {
  const auto found = tensors.find(name);
  if (found == tensors.end())
    fail(path, fmt::format("expected a tensor {}, found none", quote(name)));
  if (found->second.type != "F32")
    fail(path,
         fmt::format("tensor {}: expected type F32, found {}", quote(name), found->second.type));
  return found->second;
}

Safetensors parse_safetensors(const std::vector<std::uint8_t>& bytes, const std::string& path) {
  std::uint64_t length = 0;
  if (bytes.size() < kLengthBytes)
    fail(path, fmt::format("expected a safetensors file, found {} bytes", bytes.size()));
  for (std::size_t i = 0; i < kLengthBytes; ++i) length |= std::uint64_t{bytes[i]} << (8 * i);
  if (length > kLongestHeader || length > bytes.size() - kLengthBytes)
    fail(path, fmt::format("expected a safetensors file, found a header length of {} in {} bytes",
                           length, bytes.size()));
  const auto* text = reinterpret_cast<const char*>(bytes.data() + kLengthBytes);
  const Json header = parse_header({text, static_cast<std::size_t>(length)}, path);

  Safetensors file;
  std::vector<Entry> entries;
  for (const auto& [name, value] : header.items()) {
    if (name == kMetadata)
      file.metadata = parse_metadata(value, path);
    else
      entries.push_back(parse_entry(name, value, path));
  }
  const auto data = bytes.begin() + static_cast<std::ptrdiff_t>(kLengthBytes + length);
  check_layout(entries, bytes.end() - data, path);
  for (Entry& entry : entries) {
    entry.tensor.bytes.assign(data + entry.begin, data + entry.end);
    file.tensors.emplace(std::move(entry.name), std::move(entry.tensor));
  }
  return file;
}

Safetensors read_safetensors(const std::string& path) {
  return parse_safetensors(read_file(path, kLargestFile), path);
}

void write_safetensors(const std::string& path, const Safetensors& file) {
  using Item = std::pair<const std::string, Tensor>;
  std::vector<const Item*> order;
  for (const Item& item : file.tensors) {
    const auto& [name, tensor] = item;
    const std::int64_t bytes = value_bytes(tensor.type);
    if (name == kMetadata || bytes == 0 ||
        byte_count(tensor.shape, bytes) != static_cast<std::int64_t>(tensor.bytes.size()))
      fail(path,
           fmt::format("tensor {}: expected {} values of shape [{}], found {} bytes", quote(name),
                       tensor.type, fmt::join(tensor.shape, ", "), tensor.bytes.size()));
    order.push_back(&item);
  }
  // Wide values first, so that every tensor is aligned to its values.
  std::stable_sort(order.begin(), order.end(), [](const Item* a, const Item* b) {
    return value_bytes(a->second.type) > value_bytes(b->second.type);
  });
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!file.metadata.empty()) header[kMetadata] = file.metadata;
  std::string data;
  for (const Item* item : order) {
    const auto& [name, tensor] = *item;
    const std::size_t begin = data.size();
    data.append(tensor.bytes.begin(), tensor.bytes.end());
    header[name] = {
        {"dtype", tensor.type}, {"shape", tensor.shape}, {"data_offsets", {begin, data.size()}}};
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::json::exception&) {
    fail(path, "expected names and metadata in UTF-8, found other bytes");
  }
  text.append((kLengthBytes - text.size() % kLengthBytes) % kLengthBytes, ' ');
  std::string contents;
  for (std::size_t i = 0; i < kLengthBytes; ++i)
    contents += static_cast<char>(std::uint64_t{text.size()} >> (8 * i));
  replace_file(path, contents + text + data);
}

}  // namespace reprise
