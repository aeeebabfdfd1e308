// What somebody else's program does with the library: fingerprint two songs and compare them.

#include <reprise/reprise.h>

#include <cstdio>

int main() {
  reprise::SongSet set;
  for (int i = 0; i < 200 * 12; ++i) set.chroma_float.push_back(float(i * i % 17) / 16);
  set.offsets = {0, 100, 200};
  set.song_id = {"one", "two"};
  set.work_id = {"work", "work"};
  set.split = {"test", "test"};
  const auto backend = reprise::make_cpu_backend();
  const auto method = reprise::make_fingerprinter("cov", *backend, set, {});
  const std::int64_t songs[] = {0, 1};
  const reprise::Index index(*backend, method->compute(set, songs, reprise::Keys::candidate));
  const auto found = index.search(method->compute(set, songs, reprise::Keys::query), 1);
  std::printf("reprise %s: similarity %.3f\n", reprise::kVersion, double(found[0][0].score));
  return found[0][0].candidate == 0 ? 0 : 1;
}
