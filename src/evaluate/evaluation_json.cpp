#include <nlohmann/json.hpp>
#include <utility>

#include "reprise/evaluate.h"

namespace reprise {
namespace {

using Json = nlohmann::ordered_json;

Json buckets_json(std::span<const Bucket> buckets) {
  Json all = Json::array();
  for (const Bucket& bucket : buckets)
    all.push_back({{"low", bucket.low},
                   {"high", bucket.high},
                   {"queries", bucket.queries},
                   {"map", bucket.queries > 0 ? Json(bucket.map) : Json(nullptr)}});
  return all;
}

Json reliability_json(const Reliability& c) {
  Json bins = Json::array();
  for (const Reliability::Bin& bin : c.bins) {
    const bool any = bin.pairs > 0;
    bins.push_back({{"low", bin.low},
                    {"high", bin.high},
                    {"pairs", bin.pairs},
                    {"expected", any ? Json(bin.expected) : Json(nullptr)},
                    {"observed", any ? Json(bin.observed) : Json(nullptr)}});
  }
  return {{"pairs", c.pairs},
          {"brier", c.brier},
          {"expected_calibration_error", c.expected_error},
          {"bins", bins}};
}

}  // namespace

std::string evaluation_json(const std::string& data, const Protocol& protocol,
                            std::span<const Evaluation> evaluations) {
  Json methods = Json::array();
  for (const Evaluation& e : evaluations) {
    Json method{{"name", e.name},
                {"dims", e.dims},
                {"map", e.accuracy.map},
                {"map_interval", {e.map_interval.low, e.map_interval.high}},
                {"mr1", e.accuracy.mr1},
                {"p1", e.accuracy.p1},
                {"p10", e.accuracy.p10},
                {"r5", e.accuracy.r5},
                {"buckets", buckets_json(e.buckets)},
                {"fingerprint_seconds", e.fingerprint_seconds},
                {"search_seconds", e.search_seconds},
                {"rerank_seconds", e.rerank_seconds}};
    if (!e.gain.over.empty())
      method["gain"] = {{"over", e.gain.over},
                        {"map", e.gain.map},
                        {"map_interval", {e.gain.interval.low, e.gain.interval.high}}};
    if (!e.scored_pairs.empty())
      method["calibration"] = reliability_json(reliability(e.scored_pairs));
    methods.push_back(std::move(method));
  }
  const Json report{{"data", data},
                    {"split", protocol.split},
                    {"queries", protocol.queries.size()},
                    {"candidates", protocol.candidates.size()},
                    {"methods", methods}};
  // A path may hold bytes that are not UTF-8.
  return report.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace reprise
