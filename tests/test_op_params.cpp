#include "reprise/op_params.h"

#include <gtest/gtest.h>

namespace reprise {
namespace {

TEST(OpParams, FollowTheConfiguration) {
  Config c = Config::of_preset("reprise");
  for (const auto& [key, value] : {std::pair{"activation", "step"},
                                   {"pooling", "sum"},
                                   {"compression", "tanh"},
                                   {"unit_norm", "false"},
                                   {"centre_events", "false"},
                                   {"loss", "contrastive"},
                                   {"margin", "7"},
                                   {"negative_weight", "3"},
                                   {"max_inverse_temperature", "50"},
                                   {"max_grad_norm", "2"},
                                   {"beta1", "0.5"},
                                   {"crop", "99"},
                                   {"drop", "0.25"},
                                   {"patches", "3"},
                                   {"patch_frames", "16"}})
    c.set(key, value);
  c.validate();
  const BigramParams p = bigram_params(c);
  EXPECT_EQ(p.events, 24);
  EXPECT_EQ(p.activation, Activation::step);
  EXPECT_EQ(p.pooling, Pooling::sum);
  EXPECT_EQ(p.compression, Compression::tanh);
  EXPECT_FALSE(p.unit_norm);
  EXPECT_FALSE(p.centre_events);
  const LossParams loss = loss_params(c);
  EXPECT_EQ(loss.loss, Loss::contrastive);
  EXPECT_EQ(loss.margin, 7);
  EXPECT_EQ(loss.negative_weight, 3);
  EXPECT_EQ(loss.max_inverse_temperature, 50);
  EXPECT_EQ(adam_params(c).max_grad_norm, 2);
  EXPECT_EQ(adam_params(c).beta1, 0.5f);
  EXPECT_EQ(augment_params(c).crop, 99);
  EXPECT_EQ(augment_params(c).drop, 0.25f);
  EXPECT_EQ(patchwork_params(c).out_frames(), 48);
  EXPECT_EQ(training_frames(c), 99);
  c.input = Input::patchwork;
  EXPECT_EQ(training_frames(c), 48);
}

// What the model does to the bigrams before compression, the op must not compress.
TEST(OpParams, PairsThatAreSelectedAreCompressedAfterwards) {
  for (const char* change : {"pairs", "normalisation"}) {
    Config c = Config::of_preset("reprise");
    c.set(change, change == std::string("pairs") ? "upper" : "rows");
    EXPECT_EQ(bigram_params(c).compression, Compression::none) << change;
    EXPECT_FALSE(bigram_params(c).unit_norm) << change;
  }
}

TEST(OpParams, ANetworkGivesTheBigramsTheirEvents) {
  Config c = Config::of_preset("seed2016");
  c.set("pools", "4");
  c.validate();
  const BigramParams p = bigram_params(c);
  EXPECT_TRUE(p.given_events);
  EXPECT_EQ(p.event_length, 1);
  EXPECT_EQ(p.activation, Activation::none);
  ASSERT_EQ(event_layers(c).size(), 1u);
  EXPECT_EQ(event_layers(c)[0].frames, training_frames(c));
}

}  // namespace
}  // namespace reprise
