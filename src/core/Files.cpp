// SPDX-License-Identifier: Apache-2.0
#include "core/Files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "core/Error.hpp"
#include "core/TemporaryFiles.hpp"

namespace aocq {
namespace {

// O_NONBLOCK: opening a pipe must not wait for its writer; it means nothing for a regular file.
constexpr int read_flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;

class Descriptor {
  public:
    Descriptor(const fs::path& file, int flags, mode_t mode = 0)
        : fd_(open(file.c_str(), flags, mode)) {}
    ~Descriptor() {
        if (fd_ >= 0) close(fd_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int get() const { return fd_; }

  private:
    int fd_;
};

[[noreturn]] void fail(const char* what, const fs::path& file) {
    const int code = errno;
    Error error = Error::environment(what);
    error.because(std::strerror(code));
    if (code == ENOSPC || code == EDQUOT) error.advise("make room and run the same command again");
    if (code == EROFS || code == EACCES) error.advise("choose a folder that you may write to");
    throw error.at("file", file.string());
}

[[noreturn]] void fail_reading(const fs::path& file) {
    const int code = errno;
    Error error = Error::input("cannot read a file").because(std::strerror(code));
    if (code == ENOENT) error.advise("check the path");
    throw error.at("file", file.string());
}

std::uint64_t regular_size(int fd, const fs::path& file) {
    struct stat info {};
    if (fstat(fd, &info) != 0) fail_reading(file);
    if (!S_ISREG(info.st_mode)) {
        throw Error::input("not a regular file").at("file", file.string());
    }
    return static_cast<std::uint64_t>(info.st_size);
}

void sync_path(const fs::path& path, int flags) {
    const Descriptor descriptor(path, flags);
    if (descriptor.get() < 0) fail("cannot open for syncing", path);
    // Some network filesystems cannot sync a folder and say EINVAL; the rename is all they offer.
    if (fsync(descriptor.get()) != 0 && errno != EINVAL) fail("cannot sync to disk", path);
}

// For filesystems without hard links: two writers at the same instant may both take themselves for
// the first, and the file is the last one's.
bool rename_once(const fs::path& temporary, const fs::path& file) {
    if (fs::exists(file)) {
        if (unlink(temporary.c_str()) != 0) fail("cannot remove a temporary file", temporary);
        return false;
    }
    if (std::rename(temporary.c_str(), file.c_str()) != 0) fail("cannot rename a file", file);
    return true;
}

// `place` gives the finished temporary file its name and says whether it did.
bool write_and_place(const fs::path& file, const std::function<void(const fs::path&)>& write,
                     const std::function<bool(const fs::path&)>& place) {
    const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
    make_folder(folder);
    const fs::path temporary = temporary_name(file);
    try {
        write(temporary);
        sync_path(temporary, O_RDONLY | O_CLOEXEC);
        const bool placed = place(temporary);
        sync_path(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return placed;
    } catch (...) {
        std::error_code ignored;
        fs::remove(temporary, ignored);
        throw;
    }
}

}  // namespace

std::string read_text(const fs::path& file, std::uint64_t limit) {
    const Descriptor descriptor(file, read_flags);
    if (descriptor.get() < 0) fail_reading(file);
    const std::uint64_t size = regular_size(descriptor.get(), file);
    if (size > limit) {
        throw Error::input("file is too large")
            .at("file", file.string())
            .found(fmt::format("{} bytes", size))
            .wanted(fmt::format("at most {} bytes", limit));
    }
    std::string text(size, '\0');
    std::size_t done = 0;
    while (done < size) {
        const ssize_t count = read(descriptor.get(), text.data() + done, size - done);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) fail_reading(file);
        if (count == 0) break;
        done += static_cast<std::size_t>(count);
    }
    text.resize(done);
    return text;
}

FileMap::FileMap(const fs::path& file) {
    const Descriptor descriptor(file, read_flags);
    if (descriptor.get() < 0) fail_reading(file);
    size_ = regular_size(descriptor.get(), file);
    if (size_ == 0) return;
    void* address = mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, descriptor.get(), 0);
    if (address == MAP_FAILED) fail("cannot map a file into memory", file);
    data_ = static_cast<const std::byte*>(address);
}

FileMap::~FileMap() {
    if (data_) munmap(const_cast<std::byte*>(data_), size_);
}

FileMap::FileMap(FileMap&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

void make_folder(const fs::path& folder) {
    std::error_code code;
    fs::create_directories(folder, code);
    std::error_code ignored;  // the throwing form would answer EACCES with a foreign exception
    if (code && !fs::is_directory(folder, ignored)) {
        throw Error::environment("cannot make a folder")
            .because(code.message())
            .advise("choose a folder that you may write to")
            .at("file", folder.string());
    }
}

void write_aside(const fs::path& file, const std::function<void(const fs::path&)>& write) {
    write_and_place(file, write, [&](const fs::path& temporary) {
        if (std::rename(temporary.c_str(), file.c_str()) != 0) fail("cannot rename a file", file);
        return true;
    });
}

bool write_aside_once(const fs::path& file, const std::function<void(const fs::path&)>& write) {
    return write_and_place(file, write, [&](const fs::path& temporary) {
        // A link, unlike a rename, refuses an existing name, and is atomic.
        const bool linked = link(temporary.c_str(), file.c_str()) == 0;
        if (!linked && (errno == EPERM || errno == ENOTSUP || errno == ENOSYS)) {
            return rename_once(temporary, file);
        }
        if (!linked && errno != EEXIST) fail("cannot put a file in its place", file);
        if (unlink(temporary.c_str()) != 0) fail("cannot remove a temporary file", temporary);
        return linked;
    });
}

void write_new(const fs::path& file, std::span<const std::string_view> parts,
               const fs::path& named) {
    const Descriptor descriptor(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (descriptor.get() < 0) fail("cannot write a file", named);
    for (const std::string_view part : parts) {
        std::size_t done = 0;
        while (done < part.size()) {
            const ssize_t count = ::write(descriptor.get(), part.data() + done, part.size() - done);
            if (count < 0 && errno == EINTR) continue;
            if (count < 0) fail("cannot write a file", named);
            done += static_cast<std::size_t>(count);
        }
    }
}

void write_text(const fs::path& file, std::string_view text) {
    write_aside(file, [&](const fs::path& temporary) { write_new(temporary, {&text, 1}, file); });
}

}  // namespace aocq
