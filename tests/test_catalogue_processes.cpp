// Several programs at one catalogue, and programs that die.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "catalogue_fixture.h"
#include "index/catalogue_schema.h"
#include "reprise/error.h"

namespace reprise {
namespace {

using Clock = std::chrono::steady_clock;

class CatalogueProcesses : public CatalogueTest {
 protected:
  /// Starts the real program; its output goes to `output` in the folder.
  pid_t start(std::vector<std::string> arguments, const std::string& output = "out.txt") const {
    const pid_t child = ::fork();
    if (child != 0) return child;
    const int out = ::open(path(output).c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(out, STDERR_FILENO);
    arguments.insert(arguments.begin(), REPRISE_PROGRAM);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  static int wait_for(pid_t child) {
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  std::int64_t log_bytes() const {
    std::error_code none;
    const auto bytes = std::filesystem::file_size(catalogue + "-wal", none);
    return none ? 0 : static_cast<std::int64_t>(bytes);
  }

  /// Runs a command over and over from the state `before`, killing it at random moments: what it
  /// leaves is `before` or `after`, and sound. Returns how often it was killed in its work.
  int kill_at_random(const std::vector<std::string>& command, const std::string& before,
                     const CatalogueContents& old_state, const CatalogueContents& new_state,
                     int times) {
    const auto restore = [&] {
      for (const char* log : {"-wal", "-shm"}) std::filesystem::remove(catalogue + log);
      write(catalogue, before);
    };
    restore();
    const auto begin = Clock::now();
    EXPECT_EQ(wait_for(start(command)), 0) << read(path("out.txt"));
    const std::chrono::duration<double> whole = Clock::now() - begin;
    EXPECT_EQ(contents_of(catalogue), new_state);
    int killed = 0;
    for (int i = 0; i < times; ++i) {
      restore();
      const pid_t child = start(command);
      if (i % 2 == 0) {
        std::this_thread::sleep_for(whole * random.uniform());
      } else {
        // Once it writes: commit and checkpoint come soon after.
        const auto late = Clock::now() + 2 * whole;
        while (log_bytes() == 0 && Clock::now() < late) std::this_thread::yield();
        std::this_thread::sleep_for(std::chrono::microseconds(random.below(8000)));
      }
      ::kill(child, SIGKILL);
      killed += wait_for(child) == -1;
      const auto problems = verify_catalogue(catalogue);
      EXPECT_TRUE(problems.empty()) << problems.front();
      const CatalogueContents found = contents_of(catalogue);
      EXPECT_TRUE(found == old_state || found == new_state) << "round " << i;
      old_states += found == old_state;
    }
    return killed;
  }

  Random random{7};
  int old_states = 0;
};

// REPRISE_KILLS=N asks for about N kills instead of 24.
TEST_F(CatalogueProcesses, KilledAnywhereLeaveTheOldOrTheNewState) {
  const char* asked = std::getenv("REPRISE_KILLS");
  const int times = asked ? std::max(1, (std::atoi(asked) + 2) / 3) : 8;
  const SongSet set = small_set(20, 3);
  SongSet changed = set;
  changed.title.assign(changed.title.size(), "Another title");
  for (float& value : changed.chroma_float) value *= value;
  write_song_set(path("set.h5"), set);
  write_song_set(path("changed.h5"), changed);
  // Songs are fingerprinted by the program as they are read back from their file.
  const std::string empty = read(catalogue);
  const CatalogueContents nothing = contents_of(catalogue);
  ASSERT_EQ(wait_for(start({"index", "add", catalogue, "--data", path("set.h5")})), 0);
  const std::string full = read(catalogue);
  const CatalogueContents all = contents_of(catalogue);
  ASSERT_EQ(wait_for(start({"index", "add", catalogue, "--data", path("changed.h5"), "--replace"})),
            0);
  const CatalogueContents others = contents_of(catalogue);
  write(catalogue, full);
  std::vector<std::string> remove{"index", "remove", catalogue};
  for (std::size_t i = 0; i < set.song_id.size(); i += 2) remove.push_back(set.song_id[i]);
  ASSERT_EQ(wait_for(start(remove)), 0);
  const CatalogueContents half = contents_of(catalogue);

  int killed = kill_at_random({"index", "add", catalogue, "--data", path("set.h5")}, empty, nothing,
                              all, times);
  killed += kill_at_random({"index", "add", catalogue, "--data", path("changed.h5"), "--replace"},
                           full, all, others, times);
  killed += kill_at_random(remove, full, all, half, times);
  EXPECT_GT(killed, 4) << "the kills came too late to mean anything";
  RecordProperty("killed", killed);
  RecordProperty("old_states", old_states);
  std::printf("%d of %d killed in time; %d left the old state, %d the new one\n", killed, 3 * times,
              old_states, 3 * times - old_states);
}

TEST_F(CatalogueProcesses, KilledCreationLeavesAWholeCatalogueOrNone) {
  for (int i = 0; i < 6; ++i) {
    const std::string fresh = path("fresh.reprise");
    std::filesystem::remove(fresh);
    const pid_t child = start({"index", "create", fresh, "--model", path("m.safetensors")});
    std::this_thread::sleep_for(std::chrono::milliseconds(random.below(80)));
    ::kill(child, SIGKILL);
    wait_for(child);
    if (std::filesystem::exists(fresh)) {
      EXPECT_TRUE(verify_catalogue(fresh).empty());
    }
  }
}

TEST_F(CatalogueProcesses, TwoWritersWaitForEachOther) {
  const auto part = [&](const std::string& name) {
    SongSet set = small_set(15, 3);
    for (std::string& id : set.song_id) id = name + "-" + id;
    write_song_set(path(name + ".h5"), set);
    return set.songs();
  };
  const std::int64_t songs = part("one") + part("two");
  const pid_t one = start({"index", "add", catalogue, "--data", path("one.h5")}, "one.txt");
  const pid_t two = start({"index", "add", catalogue, "--data", path("two.h5")}, "two.txt");
  EXPECT_EQ(wait_for(one), 0) << read(path("one.txt"));
  EXPECT_EQ(wait_for(two), 0) << read(path("two.txt"));
  EXPECT_EQ(Catalogue(catalogue).size(), songs);
  EXPECT_TRUE(verify_catalogue(catalogue).empty());
}

TEST_F(CatalogueProcesses, AWriterThatNeverEndsIsNamedAsTheCause) {
  Database other(catalogue, Database::Mode::write, 0);
  const Transaction endless(other);
  const SongSet set = small_set(1, 1, 30);
  Catalogue writer(catalogue, Catalogue::Mode::write, 0.1);
  const std::string message = error_of([&] { writer.add(set, candidates_of(model, set), false); });
  EXPECT_NE(message.find("expected to write within 0.1 s, found another program writing"),
            std::string::npos)
      << message;
  EXPECT_EQ(Catalogue(catalogue).size(), 0);  // readers do not mind
}

TEST_F(CatalogueProcesses, ReadersKeepTheirStateWhileOneWrites) {
  SongSet set = small_set(3, 2);
  add(set);
  const Catalogue early(catalogue);
  const auto vectors = early.fingerprints(early.songs()).values;
  SongSet more = set;
  for (std::string& id : more.song_id) id = "more-" + id;
  Catalogue writer(catalogue, Catalogue::Mode::write);
  writer.add(more, candidates_of(model, more), false);
  writer.remove(std::span(set.song_id).first(4));
  EXPECT_EQ(early.size(), set.songs());
  EXPECT_EQ(early.fingerprints(early.songs()).values, vectors);
  EXPECT_EQ(early.song_set(early.songs()).song_id, set.song_id);
  EXPECT_EQ(Catalogue(catalogue).size(), 2 * set.songs() - 4);
  EXPECT_TRUE(verify_catalogue(catalogue).empty());
}

// Readers and a writer that do not stop: every reader sees a whole state.
TEST_F(CatalogueProcesses, ReadersSeeWholeStatesOnly) {
  const SongSet set = small_set(2, 2);
  const Fingerprints fingerprints = candidates_of(model, set);
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    Catalogue to(catalogue, Catalogue::Mode::write);
    while (!stop) {
      to.add(set, fingerprints, false);
      to.remove(set.song_id);
    }
  });
  for (int i = 0; i < 60; ++i) {
    const Catalogue reader(catalogue);
    const std::int64_t size = reader.size();
    EXPECT_TRUE(size == 0 || size == set.songs()) << size;
    EXPECT_EQ(static_cast<std::int64_t>(reader.songs().size()), size);
    EXPECT_EQ(reader.fingerprints(reader.songs()).songs, size);
    if (i % 10 == 0) {
      EXPECT_TRUE(verify_catalogue(catalogue).empty());
    }
  }
  stop = true;
  writer.join();
}

}  // namespace
}  // namespace reprise
