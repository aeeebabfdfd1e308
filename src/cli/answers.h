#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "reprise/catalogue.h"
#include "reprise/index.h"

namespace reprise::cli {

enum class AnswerFormat : std::uint8_t { text, json, tsv };

/// Prints the answers to one query after another, so that none need to be kept.
class AnswerPrinter {
 public:
  /// sure: the matches have log odds.
  AnswerPrinter(AnswerFormat format, bool sure);
  /// Matches name places in `songs`.
  void print(const CatalogueSong& query, std::span<const Match> matches,
             std::span<const CatalogueSong> songs);
  void finish();

 private:
  void print_json(const CatalogueSong& query, std::span<const Match> matches,
                  std::span<const CatalogueSong> songs);
  void print_tsv(const CatalogueSong& query, std::span<const Match> matches,
                 std::span<const CatalogueSong> songs);
  void print_text(const CatalogueSong& query, std::span<const Match> matches,
                  std::span<const CatalogueSong> songs);

  AnswerFormat format_;
  bool sure_;
  std::int64_t queries_ = 0;
};

}  // namespace reprise::cli
