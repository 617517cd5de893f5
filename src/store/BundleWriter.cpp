// SPDX-License-Identifier: Apache-2.0
// Writing: objects in name order without times, so that equal bundles become equal files.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <set>
#include <span>
#include <utility>

#include "core/Error.hpp"
#include "core/Files.hpp"
#include "core/Log.hpp"
#include "core/Text.hpp"
#include "store/ArrayType.hpp"
#include "store/Bundle.hpp"
#include "store/Hdf5.hpp"
#include "store/Seal.hpp"

namespace aocq::store {
namespace {

using detail::checked;
using detail::Handle;

bool good_kind(std::string_view kind) {
    return !kind.empty() && kind.size() <= 64 && std::all_of(kind.begin(), kind.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || c == '_';
    });
}

// Groups that `name` lies in: "a/b/c" -> "a", "a/b".
std::vector<std::string> parents(const std::string& name) {
    std::vector<std::string> all;
    for (auto at = name.find('/'); at != std::string::npos; at = name.find('/', at + 1)) {
        all.push_back(name.substr(0, at));
    }
    return all;
}

bool good_name(const std::string& name) {
    const auto parts = split(name, '/');
    return name.find('\0') == std::string::npos && parts.size() <= 32 &&
           std::all_of(parts.begin(), parts.end(),
                       [](const std::string& part) { return !part.empty() && part != "."; });
}

bool shape_fits(const Array& array) {
    const auto count = detail::element_count(array.data);
    if (std::find(array.shape.begin(), array.shape.end(), 0U) != array.shape.end()) return !count;
    std::uint64_t left = count;
    for (const auto extent : array.shape) {
        if (left % extent != 0) return false;
        left /= extent;
    }
    return left == 1;
}

// Arrays in name order; a bundle that cannot become a file is the caller's mistake.
std::vector<const Array*> sorted_arrays(const Bundle& bundle) {
    AOCQ_EXPECT(good_kind(bundle.kind));
    std::set<std::string> names;
    std::vector<const Array*> sorted;
    for (const Array& array : bundle.arrays) {
        AOCQ_EXPECT(good_name(array.name));
        AOCQ_EXPECT(array.shape.size() <= H5S_MAX_RANK);
        AOCQ_EXPECT(shape_fits(array));
        const bool is_new = names.insert(array.name).second;
        AOCQ_EXPECT(is_new);
        sorted.push_back(&array);
    }
    for (const Array* array : sorted) {
        for (const auto& group : parents(array->name)) AOCQ_EXPECT(!names.contains(group));
    }
    std::sort(sorted.begin(), sorted.end(),
              [](const Array* a, const Array* b) { return a->name < b->name; });
    return sorted;
}

Handle without_times(hid_t property_class) {
    Handle properties(H5Pcreate(property_class), H5Pclose, "make properties");
    checked(H5Pset_obj_track_times(properties, false), "leave out times");
    return properties;
}

Handle scalar_space() {
    return {H5Screate(H5S_SCALAR), H5Sclose, "make a data space"};
}

void write_attribute(hid_t object, const char* name, hid_t type, const void* value) {
    const Handle space = scalar_space();
    const Handle attribute(H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT),
                           H5Aclose, "make an attribute");
    checked(H5Awrite(attribute, type, value), "write an attribute");
}

void write_attribute(hid_t object, const char* name, const std::string& text) {
    write_attribute(object, name, detail::fixed_string_type(text.size()), text.data());
}

void write_dataset(hid_t parent, const std::string& name, hid_t type, hid_t space,
                   const void* data) {
    const Handle creation = without_times(H5P_DATASET_CREATE);
    checked(H5Pset_layout(creation, H5D_CONTIGUOUS), "set a layout");
    const Handle dataset(
        H5Dcreate2(parent, name.c_str(), type, space, H5P_DEFAULT, creation, H5P_DEFAULT), H5Dclose,
        "make a dataset");
    if (data) {
        checked(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data), "write a dataset");
    }
}

void write_array(hid_t parent, const Array& array) {
    const std::array<hid_t, 5> types{H5T_IEEE_F32LE, H5T_IEEE_F64LE, H5T_STD_I32LE, H5T_STD_I64LE,
                                     H5T_STD_U8LE};
    const std::vector<hsize_t> extents(array.shape.begin(), array.shape.end());
    const Handle space =
        extents.empty()
            ? scalar_space()
            : Handle(H5Screate_simple(static_cast<int>(extents.size()), extents.data(), nullptr),
                     H5Sclose, "make a data space");
    const void* data = std::visit(
        [](const auto& values) -> const void* { return values.empty() ? nullptr : values.data(); },
        array.data);
    write_dataset(parent, array.name, types[array.data.index()], space, data);
}

// A file that HDF5 writes to memory, and that is ours once HDF5 has closed it: HDF5 cannot be
// trusted to survive a disk that fills up while it writes.
class MemoryFile {
  public:
    MemoryFile() = default;
    MemoryFile(MemoryFile&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
    MemoryFile& operator=(MemoryFile&&) = delete;
    ~MemoryFile() { std::free(data_); }

    Handle access() {
        constexpr std::size_t increment = 4096;  // the file's size is a multiple of it
        Handle access = detail::file_access();
        checked(H5Pset_fapl_core(access, increment, false), "write to memory");
        H5FD_file_image_callbacks_t callbacks{allocate, copy, resize, release, same, forget, this};
        checked(H5Pset_file_image_callbacks(access, &callbacks), "write to memory");
        return access;
    }
    std::span<const std::byte> bytes() const {
        return {static_cast<const std::byte*>(data_), size_};
    }

  private:
    using Op = H5FD_file_image_op_t;
    static void* allocate(std::size_t size, Op, void* self) {
        return resize(nullptr, size, {}, self);
    }
    static void* copy(void* to, const void* from, std::size_t size, Op, void*) {
        return std::memcpy(to, from, size);
    }
    static void* resize(void* data, std::size_t size, Op, void* self) {
        void* moved = std::realloc(data, size);
        if (moved) static_cast<MemoryFile*>(self)->size_ = size;
        return moved;
    }
    static herr_t release(void* data, Op operation, void* self) {
        if (operation == H5FD_FILE_IMAGE_OP_FILE_CLOSE) {
            static_cast<MemoryFile*>(self)->data_ = data;
        } else {
            std::free(data);
        }
        return 0;
    }
    static void* same(void* self) { return self; }
    static herr_t forget(void*) { return 0; }

    void* data_ = nullptr;
    std::size_t size_ = 0;
};

void write_body(MemoryFile& memory, const Bundle& bundle, const std::vector<const Array*>& arrays) {
    const detail::Hdf5Session session;
    const Handle creation = without_times(H5P_FILE_CREATE);
    checked(H5Pset_userblock(creation, detail::seal_size), "leave room for the seal");
    const Handle access = memory.access();
    Handle out(H5Fcreate("bundle", H5F_ACC_TRUNC, creation, access), H5Fclose, "make a file");
    {
        const std::int32_t version = detail::format_version;
        write_attribute(out, "format", H5T_STD_I32LE, &version);
        write_attribute(out, "kind", bundle.kind);
        write_attribute(out, "digest", digest(bundle));
        const std::string header = header_text(bundle);
        write_dataset(out, "header", detail::fixed_string_type(header.size()), scalar_space(),
                      header.data());

        const Handle group_creation = without_times(H5P_GROUP_CREATE);
        const auto make_group = [&](hid_t parent, const std::string& name) {
            return Handle(
                H5Gcreate2(parent, name.c_str(), H5P_DEFAULT, group_creation, H5P_DEFAULT),
                H5Gclose, "make a group");
        };
        const Handle root = make_group(out, "arrays");
        std::set<std::string> groups;
        for (const Array* array : arrays) {
            for (const auto& group : parents(array->name)) {
                if (groups.insert(group).second) make_group(root, group);
            }
            write_array(root, *array);
        }
    }
    out.close("write a file to the end");
}

struct Composed {
    MemoryFile file;  // with room for the seal at its beginning
    detail::Seal seal;

    static std::span<const std::byte> body_of(const MemoryFile& file) {
        return file.bytes().subspan(detail::seal_size);
    }
    void write(const fs::path& path, const fs::path& named) const {
        const std::string head = detail::to_text(seal);
        const auto body = body_of(file);
        const std::string_view parts[] = {
            head, {reinterpret_cast<const char*>(body.data()), body.size()}};
        write_new(path, parts, named);
    }
};

// `file`: what errors name.
Composed compose(const fs::path& file, const Bundle& bundle) {
    try {
        MemoryFile memory;
        write_body(memory, bundle, sorted_arrays(bundle));
        detail::Seal seal = detail::seal_for(bundle.kind, Composed::body_of(memory));
        return {std::move(memory), std::move(seal)};
    } catch (const detail::Hdf5Failure& failure) {
        throw Error::environment("cannot compose a file")
            .because(failure.what())
            .advise("give the job more memory")
            .at("file", file.string());
    }
}

Error differs(const fs::path& file, const std::string& ours, const std::string& theirs) {
    return Error::environment("a stage gave other bits than the ones that are kept")
        .because(
            "the machine, its libraries or its memory are not what the kept file was made with")
        .advise(
            "find out which is right: remove the file and run again, on another host if need be")
        .at("file", file.string())
        .found("sha256 " + ours)
        .wanted("sha256 " + theirs);
}

}  // namespace

void write_bundle(const fs::path& file, const Bundle& bundle) {
    const Composed composed = compose(file, bundle);
    write_aside(file, [&](const fs::path& temporary) { composed.write(temporary, file); });
}

void keep_bundle(const fs::path& file, const Bundle& bundle) {
    constexpr int attempts = 3;  // somebody may remove or replace it between our looks
    const Composed composed = compose(file, bundle);
    for (int attempt = 0; attempt < attempts; ++attempt) {
        if (write_aside_once(file,
                             [&](const fs::path& temporary) { composed.write(temporary, file); })) {
            return;
        }
        if (condition_of(file, bundle.kind) == Condition::sound) {
            const std::string theirs = detail::check_seal(file).body_sha256;
            if (theirs == composed.seal.body_sha256) return;
            throw differs(file, composed.seal.body_sha256, theirs);
        }
        log_warning("a kept file is damaged: it is replaced [file={}]", file.string());
        std::error_code ignored;
        fs::remove(file, ignored);
    }
    throw Error::environment("a file is damaged again and again").at("file", file.string());
}

Condition condition_of(const fs::path& file, std::string_view kind) {
    std::error_code code;
    if (!fs::exists(file, code)) return Condition::absent;
    try {
        return detail::check_seal(file).kind == kind ? Condition::sound : Condition::damaged;
    } catch (const Error&) {
        return Condition::damaged;
    }
}

}  // namespace aocq::store
