#include <algorithm>
#include <map>
#include <string_view>
#include <vector>

#include "reprise/evaluate.h"
#include "reprise/random.h"

namespace reprise {

Accuracy query_accuracy(std::span<const std::int64_t> version_ranks) {
  Accuracy accuracy;
  if (version_ranks.empty()) return accuracy;
  const auto versions = static_cast<double>(version_ranks.size());
  const auto within = [&](std::int64_t rank) {
    return static_cast<double>(
        std::count_if(version_ranks.begin(), version_ranks.end(),
                      [rank](std::int64_t version) { return version <= rank; }));
  };
  for (std::size_t k = 0; k < version_ranks.size(); ++k)
    accuracy.map += static_cast<double>(k + 1) / static_cast<double>(version_ranks[k]);
  accuracy.map /= versions;
  accuracy.mr1 = static_cast<double>(version_ranks.front());
  accuracy.p1 = within(1);
  accuracy.p10 = within(10) / 10;
  accuracy.r5 = within(5) / versions;
  return accuracy;
}

namespace {

// The value below which a share of the sorted values lies, between two of them in proportion.
double percentile(const std::vector<double>& sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<std::size_t>(at);
  const std::size_t high = std::min(low + 1, sorted.size() - 1);
  return sorted[low] + (at - static_cast<double>(low)) * (sorted[high] - sorted[low]);
}

}  // namespace

Interval bootstrap_interval(std::span<const double> values,
                            std::span<const std::string_view> groups, int resamples) {
  if (values.empty() || resamples < 1) return {};
  struct Group {
    double sum = 0;
    double count = 0;
  };
  std::map<std::string_view, Group> by_name;
  for (std::size_t i = 0; i < values.size(); ++i) {
    Group& group = by_name[groups[i]];
    group.sum += values[i];
    group.count += 1;
  }
  std::vector<Group> all;
  all.reserve(by_name.size());
  for (const auto& [name, group] : by_name) all.push_back(group);

  Random random(0);
  std::vector<double> means(resamples);
  for (double& mean : means) {
    Group drawn;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const Group& group = all[random.below(static_cast<std::uint32_t>(all.size()))];
      drawn.sum += group.sum;
      drawn.count += group.count;
    }
    mean = drawn.sum / drawn.count;
  }
  std::sort(means.begin(), means.end());
  return {percentile(means, 0.025), percentile(means, 0.975)};
}

}  // namespace reprise
