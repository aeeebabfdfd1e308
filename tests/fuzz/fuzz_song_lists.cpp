// Any bytes as each of the text files that collections come with: the first byte chooses which.

#include <sstream>

#include "collections/chroma_table.h"
#include "collections/da_tacos.h"
#include "collections/shs_list.h"
#include "collections/song_files.h"
#include "core/text.h"
#include "fuzz.h"

namespace {

using namespace reprise;

constexpr std::uint8_t kKinds = 9;

void read(std::uint8_t kind, const std::string& text) {
  std::istringstream in(text);
  switch (kind % kKinds) {
    case 0:
      read_shs_list(in, "input");
      break;
    case 1:
      works_of_queries(read_shs_list(in, "input"), "input");
      break;
    case 2:
      read_chroma_csv(in, "input", FirstLine::automatic, false);
      break;
    case 3:
      read_chroma_csv(in, "input", FirstLine::header, true);
      break;
    case 4:
      read_track_numbers(in, "input");
      break;
    case 5: {
      ClyChroma songs(in, "input");
      std::int64_t number = 0;
      std::vector<float> chroma;
      while (songs.next(number, chroma)) {
      }
      break;
    }
    case 6:
      parse_song_list(text, "input", "folder");
      break;
    case 7:
      parse_acoss_list(text, "input", "root", ".h5");
      break;
    default: {
      std::vector<SongFile> songs = {{"P_15", "W_14", "W_14/P_15.h5"}, {"P_1", "W_2", "x"}};
      add_da_tacos_titles(std::vector<std::uint8_t>(text.begin(), text.end()), "input", songs);
      if (!is_utf8(songs[0].song.title)) throw std::logic_error("a title that is not UTF-8");
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  fuzz::read_or_refuse([&] { read(data[0], text); });
  return 0;
}

std::vector<fuzz::Bytes> reprise::fuzz::seeds() {
  const std::string frame = "0,0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9,1,0.5";
  const std::string texts[] = {
      "# comment\n%72636,4253, My Sweet Lord\nTRPYNNL12903CAF506<SEP>ARXJJSN1187B98CB37<SEP>46770\n"
      "%Yesterday\nTRFYRVZ128F92EF998\n%-17, x\n",
      "%1\nTRQUERY1\nTRCOVER1\nTROTHER1\n%2\nTRQUERY2\nTRCOVER1\nTROTHER2\n",
      "C,C#,D\n" + frame + "\n" + frame + "\n",
      "\n0.5," + frame + "\n",
      "TRAAAAA,0\nTRBBBBB,7\n",
      "chroma\n7\n" + frame + "," + frame + "\n8\n" + frame + ",\n",
      "song_id,work_id,path,split,title\r\ns,w,a.wav,test,\"One, \"\"two\"\"\"\r\n",
      "work_id,track_id\nw1,a\nw1,b\n",
      R"({"W_14": {"P_15": {"perf_title": "Y\u00e9s", "perf_artist": "It"}}, "W_2": {"P_1": 3}})"};
  std::vector<Bytes> seeds;
  for (std::uint8_t kind = 0; kind < kKinds; ++kind) {
    seeds.push_back({kind});
    seeds.back().insert(seeds.back().end(), texts[kind].begin(), texts[kind].end());
  }
  return seeds;
}
