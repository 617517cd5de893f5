// SPDX-License-Identifier: Apache-2.0
#include "nn/ZipArchive.hpp"

#include <zip.h>

#include "core/Error.hpp"

namespace aocq::nn {
namespace {

constexpr zip_int64_t most_files = 1 << 20;

Error damaged(const std::filesystem::path& file, const std::string& reason) {
    Error error = Error::input("damaged PyTorch file");
    return error.because(reason).at("file", file.string());
}

struct FileCloser {
    void operator()(zip_file_t* file) const { zip_fclose(file); }
};

}  // namespace

struct ZipArchive::Handle {
    zip_t* zip;
    explicit Handle(zip_t* opened) : zip(opened) {}
    ~Handle() { zip_discard(zip); }
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
};

ZipArchive::ZipArchive(const std::filesystem::path& file) : file_(file) {
    int code = 0;
    zip_t* opened = zip_open(file.c_str(), ZIP_RDONLY, &code);
    if (!opened) {
        zip_error_t error;
        zip_error_init_with_code(&error, code);
        const std::string text = zip_error_strerror(&error);
        zip_error_fini(&error);
        throw damaged(file, "the zip archive cannot be opened: " + text);
    }
    handle_ = std::make_unique<Handle>(opened);
    const std::uint64_t all = std::filesystem::file_size(file);
    const zip_int64_t count = zip_get_num_entries(opened, 0);
    if (count > most_files) throw damaged(file, "the zip archive has too many files");
    for (zip_int64_t i = 0; i < count; ++i) {
        zip_stat_t entry;
        if (zip_stat_index(opened, static_cast<zip_uint64_t>(i), 0, &entry) != 0 ||
            !(entry.valid & ZIP_STAT_NAME) || !(entry.valid & ZIP_STAT_SIZE) ||
            !(entry.valid & ZIP_STAT_COMP_METHOD)) {
            throw damaged(file, "an entry of the zip archive cannot be read");
        }
        if (entry.comp_method != ZIP_CM_STORE || ((entry.valid & ZIP_STAT_ENCRYPTION_METHOD) &&
                                                  entry.encryption_method != ZIP_EM_NONE)) {
            throw damaged(file, "a file in the archive is compressed or encrypted")
                .at("entry", entry.name)
                .wanted("stored, as torch.save writes it");
        }
        if (entry.size > all) {
            throw damaged(file, "a file in the archive claims to be larger than the archive")
                .at("entry", entry.name);
        }
        if (!sizes_.emplace(entry.name, entry.size).second)
            throw damaged(file, "a name comes twice in the archive").at("entry", entry.name);
        indices_[entry.name] = static_cast<std::uint64_t>(i);
    }
}

ZipArchive::~ZipArchive() = default;
ZipArchive::ZipArchive(ZipArchive&&) noexcept = default;

std::vector<std::byte> ZipArchive::read(const std::string& name) const {
    const auto known = sizes_.find(name);
    AOCQ_EXPECT(known != sizes_.end());
    const std::unique_ptr<zip_file_t, FileCloser> entry(
        zip_fopen_index(handle_->zip, indices_.at(name), 0));
    if (!entry) {
        throw damaged(file_, std::string("a file in the archive cannot be opened: ") +
                                 zip_strerror(handle_->zip))
            .at("entry", name);
    }
    std::vector<std::byte> bytes(known->second);
    std::uint64_t done = 0;
    while (done < bytes.size()) {
        const zip_int64_t got = zip_fread(entry.get(), bytes.data() + done, bytes.size() - done);
        if (got <= 0) throw damaged(file_, "a file in the archive is cut off").at("entry", name);
        done += static_cast<std::uint64_t>(got);
    }
    // Reading beyond the end makes libzip compare the checksum.
    std::byte beyond{};
    if (zip_fread(entry.get(), &beyond, 1) != 0)
        throw damaged(file_, "the checksum of a file in the archive is wrong").at("entry", name);
    return bytes;
}

}  // namespace aocq::nn
