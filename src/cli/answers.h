#pragma once

#include <cstdint>

#include "reprise/searcher.h"

namespace reprise::cli {

enum class AnswerFormat : std::uint8_t { text, json, tsv };

/// Prints the answers to one query after another, so that none need to be kept.
class AnswerPrinter {
 public:
  explicit AnswerPrinter(AnswerFormat format);
  void print(const QueryResult& result);
  void finish();

 private:
  void print_text(const QueryResult& result);

  AnswerFormat format_;
  std::int64_t queries_ = 0;
};

}  // namespace reprise::cli
