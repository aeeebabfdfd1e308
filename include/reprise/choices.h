#pragma once

#include <cstdint>
#include <string_view>

// Parameters whose values have names. Text is read and written through the one list of names beside
// each enumeration; everything else holds the enumerator.
namespace reprise {

template <class E>
struct Named {
  E value;
  std::string_view name;
};

/// Choices<E>::all: the values of E with their names, in the order in which people are told them.
template <class E>
struct Choices;

template <class E>
concept Choice = requires {
  Choices<E>::all;
};

/// The name of a value.
template <Choice E>
constexpr std::string_view name_of(E value) {
  for (const Named<E>& choice : Choices<E>::all)
    if (choice.value == value) return choice.name;
  return {};
}

/// What a model reads of a song.
enum class Input : std::uint8_t {
  whole,
  patchwork,  ///< patches of fixed length: see PatchworkParams
};
template <>
struct Choices<Input> {
  static constexpr Named<Input> all[] = {{Input::whole, "whole"}, {Input::patchwork, "patchwork"}};
};

/// What a song's chroma is turned into before the event filters: see src/model/feature.h.
enum class Feature : std::uint8_t { chroma, melody, melody_and_chroma, peaks };
template <>
struct Choices<Feature> {
  static constexpr Named<Feature> all[] = {{Feature::chroma, "chroma"},
                                           {Feature::melody, "melody"},
                                           {Feature::melody_and_chroma, "melody+chroma"},
                                           {Feature::peaks, "peaks"}};
};

/// How transpositions are handled.
enum class KeyMode : std::uint8_t {
  canonical,  ///< songs are stored in the key that best fits the model's key template
  all,        ///< songs are stored as they are, queries are tried in all 12 keys
  invariant,  ///< the fingerprint does not depend on the key
};
template <>
struct Choices<KeyMode> {
  static constexpr Named<KeyMode> all[] = {
      {KeyMode::canonical, "canonical"}, {KeyMode::all, "all"}, {KeyMode::invariant, "invariant"}};
};

/// Activation function h of the event filters. The gradient of step, which is zero where it exists,
/// is taken to be that of relu (straight-through estimator: Bengio, Leonard & Courville 2013).
enum class Activation : std::uint8_t {
  relu,  ///< max(0, v)
  step,  ///< 1 where v > 0, else 0
  none,  ///< v
};
template <>
struct Choices<Activation> {
  static constexpr Named<Activation> all[] = {
      {Activation::relu, "relu"}, {Activation::step, "step"}, {Activation::none, "none"}};
};

/// Pooling over time: the sum, or the mean over the event frames.
enum class Pooling : std::uint8_t { sum, mean };
template <>
struct Choices<Pooling> {
  static constexpr Named<Pooling> all[] = {{Pooling::mean, "mean"}, {Pooling::sum, "sum"}};
};

/// Normalisation of co-occurrences M before pairs are selected.
enum class Normalisation : std::uint8_t {
  none,
  rows,         ///< each row to unit length
  correlation,  ///< M_ij / sqrt(M_ii M_jj)
};
template <>
struct Choices<Normalisation> {
  static constexpr Named<Normalisation> all[] = {{Normalisation::none, "none"},
                                                 {Normalisation::rows, "rows"},
                                                 {Normalisation::correlation, "correlation"}};
};

/// Pairs (i, j) of events whose co-occurrences are kept.
enum class KeptPairs : std::uint8_t {
  all,
  upper,         ///< i <= j
  above,         ///< i < j
  off_diagonal,  ///< i != j
  cross,         ///< i in the first half of the events, j in the second: two streams
  intervals,     ///< sums over the pairs that lie the same interval apart
};
template <>
struct Choices<KeptPairs> {
  static constexpr Named<KeptPairs> all[] = {
      {KeptPairs::all, "all"},     {KeptPairs::upper, "upper"},
      {KeptPairs::above, "above"}, {KeptPairs::off_diagonal, "off-diagonal"},
      {KeptPairs::cross, "cross"}, {KeptPairs::intervals, "intervals"}};
};

/// Elementwise function of the pooled bigrams. signed_root is g / sqrt(|g| + 1e-6): the signed
/// square root, continuous through zero so that rounding noise stays small.
enum class Compression : std::uint8_t { none, tanh, signed_root };
template <>
struct Choices<Compression> {
  static constexpr Named<Compression> all[] = {{Compression::signed_root, "signed-root"},
                                               {Compression::tanh, "tanh"},
                                               {Compression::none, "none"}};
};

/// Training losses: see LossParams.
enum class Loss : std::uint8_t { nt_xent, triplet, contrastive };
template <>
struct Choices<Loss> {
  static constexpr Named<Loss> all[] = {
      {Loss::nt_xent, "nt-xent"}, {Loss::triplet, "triplet"}, {Loss::contrastive, "contrastive"}};
};

/// What a training batch holds.
enum class Sampling : std::uint8_t {
  works,  ///< two songs of each of many works
  pairs,  ///< cover pairs and non-cover pairs in turn
};
template <>
struct Choices<Sampling> {
  static constexpr Named<Sampling> all[] = {{Sampling::works, "works"}, {Sampling::pairs, "pairs"}};
};

/// The learning rate after the warm-up.
enum class Schedule : std::uint8_t {
  cosine,  ///< half a cosine down to zero
  constant,
};
template <>
struct Choices<Schedule> {
  static constexpr Named<Schedule> all[] = {{Schedule::cosine, "cosine"},
                                            {Schedule::constant, "constant"}};
};

}  // namespace reprise
