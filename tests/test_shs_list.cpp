#include "collections/shs_list.h"

#include <gtest/gtest.h>

#include <sstream>

#include "reprise/error.h"

namespace reprise {
namespace {

std::vector<ShsWork> parse(const std::string& text) {
  std::istringstream in(text);
  return read_shs_list(in, "list.txt");
}

std::string refusal(const std::string& text) {
  try {
    parse(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(ShsList, TrainAndTestLists) {
  const auto works = parse(
      "# comment\n%72636,4253, My Sweet Lord\n"
      "TRPYNNL12903CAF506<SEP>ARXJJSN1187B98CB37<SEP>46770\n"
      "TRFYRVZ128F92EF998<SEP>ARNUFGE1187B9B7881<SEP>-1\n"
      "%-17, my sweet lord\nTRXAJXI128F4267A92<SEP>AR7K9W71187B9AF065<SEP>76190\n"
      "%99, 99 Luftballons\r\nTRAAABD128F429CF47<SEP>A<SEP>1\r\n");
  ASSERT_EQ(works.size(), 3u);
  EXPECT_EQ(works[0].work_id, "72636+4253");
  EXPECT_EQ(works[0].title, "My Sweet Lord");
  ASSERT_EQ(works[0].tracks.size(), 2u);
  EXPECT_EQ(works[0].tracks[0].track_id, "TRPYNNL12903CAF506");
  EXPECT_EQ(works[0].tracks[0].artist_id, "ARXJJSN1187B98CB37");
  EXPECT_EQ(works[0].tracks[0].performance, 46770);
  EXPECT_EQ(works[0].tracks[1].performance, -1);
  EXPECT_EQ(works[1].work_id, "-17");
  EXPECT_EQ(works[2].work_id, "99");
  EXPECT_EQ(works[2].title, "99 Luftballons");
}

TEST(ShsList, PrunedListsNameWorksByTheirPlace) {
  const auto works = parse("%Yesterday\nTRPYNNL12903CAF506\n\n%Yesterday\nTRFYRVZ128F92EF998\n");
  ASSERT_EQ(works.size(), 2u);
  EXPECT_EQ(works[0].work_id, "0_Yesterday");
  EXPECT_EQ(works[1].work_id, "1_Yesterday");
  EXPECT_EQ(works[1].tracks[0].artist_id, "");
  // Bytes that are not UTF-8 become the replacement character.
  EXPECT_EQ(parse("%Caf\xe9\nTRFYRVZ128F92EF998\n")[0].title, "Caf\xef\xbf\xbd");
}

TEST(ShsList, QueriesBecomeWorks) {
  const auto list = parse(
      "%1\nTRQUERY1\nTRCOVER1\nTROTHER1\n%2\nTRQUERY2\nTRCOVER1\nTROTHER2\n%3\nTRQUERY3\nTRCOVER3\n"
      "TRQUERY1\n");
  const auto works = works_of_queries(list, "list.txt");
  ASSERT_EQ(works.size(), 4u);
  EXPECT_EQ(works[0].work_id, "query-1");
  ASSERT_EQ(works[0].tracks.size(), 3u);  // the second block shares the cover
  EXPECT_EQ(works[0].tracks[2].track_id, "TRQUERY2");
  EXPECT_EQ(works[1].work_id, "other-1");
  EXPECT_EQ(works[3].work_id, "query-3");
  EXPECT_EQ(works[3].tracks.size(), 2u);  // the third block's other song is known
  EXPECT_THROW(works_of_queries(parse("%1\nTRQUERY1\nTRCOVER1\n"), "list.txt"), Error);
}

TEST(ShsList, RefusesOtherText) {
  EXPECT_EQ(refusal(""), "list.txt: expected works (lines with %), found none");
  EXPECT_EQ(refusal("TRPYNNL12903CAF506\n"),
            "list.txt: line 1: expected a line of a work (%) before the first track, found "
            "'TRPYNNL12903CAF506'");
  EXPECT_EQ(refusal("%1, a\n../../etc/passwd\n"),
            "list.txt: line 2: expected a track id of letters and digits, found "
            "'../../etc/passwd'");
  EXPECT_EQ(refusal("%1, a\nTRPYNNL12903CAF506<SEP>A<SEP>x\n"),
            "list.txt: line 2: expected a performance number after the second <SEP>, found "
            "'TRPYNNL12903CAF506<SEP>A<SEP>x'");
  EXPECT_EQ(refusal("%1, a\n%1, b\n"),
            "list.txt: line 2: expected works of different ids, found '1'");
  EXPECT_NE(refusal("%" + std::string(2 << 20, 'x')).find("expected at most 1048576 bytes"),
            std::string::npos);
}

TEST(ShsList, SplitOfTheName) {
  EXPECT_EQ(split_of_name("/train/shs_dataset_test.txt"), "test");
  EXPECT_EQ(split_of_name("shs_dataset_train.txt"), "train");
  EXPECT_EQ(split_of_name("shs_pruned.txt"), "");
}

}  // namespace
}  // namespace reprise
