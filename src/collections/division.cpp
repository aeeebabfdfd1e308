#include "reprise/division.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "core/checksum.h"
#include "core/text.h"
#include "reprise/error.h"
#include "reprise/random.h"

namespace reprise {

std::string Division::split_of(std::string_view work_id) const {
  Random random(Random::derive(seed, Checksum().add(work_id).value()));
  const double at = 100 * static_cast<double>(random.bits() >> 11) * 0x1p-53;
  return at < train ? "train" : at < train + validation ? "validation" : "test";
}

Division parse_division(std::string_view text, std::uint64_t seed) {
  Division division;
  division.seed = seed;
  double* const shares[] = {&division.train, &division.validation, &division.test};
  const char* at = text.data();
  const char* const end = at + text.size();
  bool good = true;
  for (int i = 0; i < 3 && good; ++i) {
    if (i > 0) good = at < end && *at++ == '/';
    const auto [stop, status] = std::from_chars(at, end, *shares[i]);
    good = good && status == std::errc() && *shares[i] >= 0;
    at = stop;
  }
  if (!good || at != end ||
      !(std::abs(division.train + division.validation + division.test - 100) < 1e-9))
    throw SettingsError(
        fmt::format("division: expected per cent of train/validation/test that sum to "
                    "100, such as 50/20/30, found {}",
                    quote(text)));
  return division;
}

}  // namespace reprise
