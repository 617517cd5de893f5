// SPDX-License-Identifier: Apache-2.0
#include "engine/StudyLock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/Error.hpp"
#include "core/Json.hpp"
#include "core/Log.hpp"

namespace aocq::engine {
namespace {

constexpr std::size_t longest_note = 1000;

std::string host_name() {
    char host[256] = {};
    if (gethostname(host, sizeof host - 1) != 0) return "?";
    return host;
}

// "process 4711 on host 'node3'", as the holder wrote it.
std::string holder_of(int descriptor) {
    std::string text(longest_note, '\0');
    const ssize_t count = pread(descriptor, text.data(), text.size(), 0);
    text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    try {
        const Json note = parse_json(text, "lock");
        return fmt::format("process {} on host '{}'", note.at("pid").get<int>(),
                           note.at("host").get<std::string>());
    } catch (const std::exception&) {
        return "a process that has not written its name";
    }
}

void write_note(int descriptor, const fs::path& file) {
    const std::string note =
        canonical_json({{"pid", static_cast<int>(getpid())}, {"host", host_name()}}) + "\n";
    const bool written =
        ftruncate(descriptor, 0) == 0 &&
        pwrite(descriptor, note.data(), note.size(), 0) == static_cast<ssize_t>(note.size());
    if (written) return;
    throw Error::environment("cannot write a file")
        .because(std::strerror(errno))
        .advise("check the free space and permissions")
        .at("file", file.string());
}

}  // namespace

StudyLock::StudyLock(fs::path file) : file_(std::move(file)) {
    make_folder(file_.parent_path());
    descriptor_ = open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (descriptor_ < 0) {
        throw Error::environment("cannot write to the results folder")
            .because(std::strerror(errno))
            .advise("choose a folder that you may write to, with --results")
            .at("file", file_.string());
    }
    try {
        if (flock(descriptor_, LOCK_EX | LOCK_NB) == 0) {
            write_note(descriptor_, file_);
        } else if (errno == EWOULDBLOCK) {
            throw Error::environment("the study is running already")
                .because(holder_of(descriptor_) + " works on it")
                .advise("wait for it, stop it, or choose another folder with --results")
                .at("file", file_.string());
        } else {
            log_warning("this filesystem has no locks ({}): do not start a study twice",
                        std::strerror(errno));
        }
    } catch (...) {
        close(descriptor_);
        throw;
    }
}

StudyLock::~StudyLock() {
    close(descriptor_);
}

void StudyLock::require_in_place() const {
    struct stat ours {
    }, theirs{};
    const bool same = fstat(descriptor_, &ours) == 0 && stat(file_.c_str(), &theirs) == 0 &&
                      ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
    if (same) return;
    throw Error::environment("the results folder has gone")
        .because("somebody removed or moved it while the study runs")
        .advise("run the study again")
        .at("file", file_.parent_path().string());
}

bool StudyLock::is_held(const fs::path& file) {
    const int descriptor = open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return false;
    const bool held = flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    close(descriptor);
    return held;
}

}  // namespace aocq::engine
