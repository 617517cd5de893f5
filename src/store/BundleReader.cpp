// SPDX-License-Identifier: Apache-2.0
// Reading: the seal first, then HDF5 with every size compared with the file's before anything is
// allocated, then the digest over what was read.
#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <span>

#include "core/Error.hpp"
#include "core/Files.hpp"
#include "store/ArrayType.hpp"
#include "store/Bundle.hpp"
#include "store/Hdf5.hpp"
#include "store/Seal.hpp"

namespace aocq::store {
namespace {

using detail::checked;
using detail::Handle;
using detail::Hdf5Failure;

class Reader {
  public:
    Reader(const fs::path& file, std::uint64_t size)
        : bytes_left_(size),
          objects_left_(size / 16),
          file_(H5Fopen(file.c_str(), H5F_ACC_RDONLY, detail::file_access()), H5Fclose,
                "open a file") {}

    std::string text_attribute(const char* name) {
        const Handle attribute(H5Aopen(file_, name, H5P_DEFAULT), H5Aclose, "open an attribute");
        const Handle type(H5Aget_type(attribute), H5Tclose, "read a type");
        const Handle space(H5Aget_space(attribute), H5Sclose, "read a data space");
        std::string text = room_for_text(type, space);
        checked(H5Aread(attribute, type, text.data()), "read an attribute");
        return text;
    }

    std::string header() {
        const Handle dataset = open_dataset(file_, "header");
        const Handle type(H5Dget_type(dataset), H5Tclose, "read a type");
        const Handle space(H5Dget_space(dataset), H5Sclose, "read a data space");
        std::string text = room_for_text(type, space);
        checked(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, text.data()),
                "read the header");
        return text;
    }

    std::vector<Array> arrays() {
        std::vector<Array> all;
        const Handle root(H5Gopen2(file_, "arrays", H5P_DEFAULT), H5Gclose, "open a group");
        read_group(root, "", 0, all);
        std::sort(all.begin(), all.end(),
                  [](const Array& a, const Array& b) { return a.name < b.name; });
        return all;
    }

  private:
    // Links form a graph, so that a crafted file may have cycles: depth and number are bounded.
    void read_group(hid_t group, const std::string& prefix, int depth, std::vector<Array>& all) {
        if (depth > 32) throw Hdf5Failure("groups are nested too deeply");
        for (const std::string& name : hard_links(group)) {
            if (objects_left_-- == 0) throw Hdf5Failure("more objects than the file can hold");
            const Handle object(H5Oopen(group, name.c_str(), H5P_DEFAULT), H5Oclose,
                                "open an object");
            const H5I_type_t type = H5Iget_type(object);
            if (type == H5I_GROUP) {
                read_group(object, prefix + name + "/", depth + 1, all);
            } else if (type == H5I_DATASET) {
                all.push_back(read_array(group, name, prefix + name));
            } else {
                throw Hdf5Failure("an object is neither group nor dataset");
            }
        }
    }

    static herr_t note_link(hid_t, const char* name, const H5L_info_t* info,
                            void* client) noexcept {
        if (info->type != H5L_TYPE_HARD) return -1;
        try {
            static_cast<std::vector<std::string>*>(client)->emplace_back(name);
        } catch (...) {
            return -1;
        }
        return 0;
    }

    static std::vector<std::string> hard_links(hid_t group) {
        std::vector<std::string> names;
        hsize_t position = 0;
        checked(H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, &position, note_link, &names),
                "list a group (links to elsewhere are refused)");
        return names;
    }

    // Only what the writer makes: contiguous, unfiltered, inside this file.
    static Handle open_dataset(hid_t group, const std::string& name) {
        Handle dataset(H5Dopen2(group, name.c_str(), H5P_DEFAULT), H5Dclose, "open a dataset");
        const Handle creation(H5Dget_create_plist(dataset), H5Pclose, "read a layout");
        if (H5Pget_layout(creation) != H5D_CONTIGUOUS || H5Pget_external_count(creation) != 0) {
            throw Hdf5Failure("a dataset is not stored in one piece");
        }
        return dataset;
    }

    void take(std::uint64_t bytes) {
        if (bytes > bytes_left_) throw Hdf5Failure("an object is larger than the file");
        bytes_left_ -= bytes;
    }

    std::string room_for_text(hid_t type, hid_t space) {
        if (H5Tget_class(type) != H5T_STRING || H5Tis_variable_str(type) != 0 ||
            H5Sget_simple_extent_type(space) != H5S_SCALAR) {
            throw Hdf5Failure("a text is not stored as one");
        }
        const std::size_t size = H5Tget_size(type);
        take(size);
        return std::string(size, '\0');
    }

    std::vector<std::uint64_t> shape_of(hid_t dataset) {
        const Handle space(H5Dget_space(dataset), H5Sclose, "read a data space");
        const H5S_class_t kind = H5Sget_simple_extent_type(space);
        if (kind == H5S_SCALAR) return {};
        if (kind != H5S_SIMPLE) throw Hdf5Failure("a dataset has no shape");
        const int rank = checked(H5Sget_simple_extent_ndims(space), "read a shape");
        std::vector<hsize_t> extents(static_cast<std::size_t>(rank));
        checked(H5Sget_simple_extent_dims(space, extents.data(), nullptr), "read a shape");
        return {extents.begin(), extents.end()};
    }

    template <class T>
    std::vector<T> read_values(hid_t dataset, hid_t type, const std::vector<std::uint64_t>& shape) {
        std::uint64_t count = 1;
        const bool empty = std::find(shape.begin(), shape.end(), 0U) != shape.end();
        for (const std::uint64_t extent : shape) {
            if (!empty && extent > bytes_left_ / count) {
                throw Hdf5Failure("an array is larger than the file");
            }
            count = empty ? 0 : count * extent;
        }
        if (count > bytes_left_ / sizeof(T)) throw Hdf5Failure("an array is larger than the file");
        take(count * sizeof(T));
        std::vector<T> values(count);
        if (count == 0) return values;
        checked(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()),
                "read a dataset");
        return values;
    }

    Array read_array(hid_t group, const std::string& link, std::string name) {
        const Handle dataset = open_dataset(group, link);
        const Handle type(H5Dget_type(dataset), H5Tclose, "read a type");
        Array array{std::move(name), shape_of(dataset), {}};
        const auto is = [&](hid_t candidate) {
            return checked(H5Tequal(type, candidate), "compare types") > 0;
        };
        if (is(H5T_IEEE_F32LE)) {
            array.data = read_values<float>(dataset, type, array.shape);
        } else if (is(H5T_IEEE_F64LE)) {
            array.data = read_values<double>(dataset, type, array.shape);
        } else if (is(H5T_STD_I32LE)) {
            array.data = read_values<std::int32_t>(dataset, type, array.shape);
        } else if (is(H5T_STD_I64LE)) {
            array.data = read_values<std::int64_t>(dataset, type, array.shape);
        } else if (is(H5T_STD_U8LE)) {
            array.data = read_values<std::uint8_t>(dataset, type, array.shape);
        } else {
            throw Hdf5Failure("an array has an unknown element type");
        }
        return array;
    }

    std::uint64_t bytes_left_;    // how much more data this file can hold
    std::uint64_t objects_left_;  // every object takes at least 16 bytes
    Handle file_;
};

Json parse_header(const std::string& text) {
    try {
        return parse_json(text, "header");
    } catch (const Error& error) {
        throw Hdf5Failure(error.problem() + " in the header");
    }
}

enum class What { everything, header };

// The bundle and the digest that the file claims for it.
std::pair<Bundle, std::string> read_body(const fs::path& file, std::uint64_t size, What what) {
    const detail::Hdf5Session session;
    Reader reader(file, size);
    Bundle bundle;
    bundle.kind = reader.text_attribute("kind");
    std::string claimed = reader.text_attribute("digest");
    bundle.attributes = parse_header(reader.header());
    if (bundle.attributes.is_object() && bundle.attributes.contains("identity")) {
        bundle.identity = bundle.attributes["identity"];
        bundle.attributes.erase("identity");
    }
    if (what == What::everything) bundle.arrays = reader.arrays();
    return {std::move(bundle), std::move(claimed)};
}

Bundle read_parts(const fs::path& file, std::string_view kind, What what) {
    const detail::Seal seal = detail::check_seal(file);
    if (seal.kind != kind) {
        throw Error::input("a file is of another kind")
            .advise("check the path")
            .at("file", file.string())
            .found(seal.kind)
            .wanted(std::string(kind));
    }
    try {
        auto [bundle, claimed] = read_body(file, seal.body_size, what);
        if (bundle.kind != kind) throw detail::damaged(file, "it names two kinds");
        if (what == What::everything && digest(bundle) != claimed) {
            throw detail::damaged(file, "its digest does not fit");
        }
        return std::move(bundle);
    } catch (const Hdf5Failure& failure) {
        throw detail::damaged(file, "its contents cannot be read").because(failure.what());
    } catch (const std::bad_alloc&) {
        throw Error::environment("not enough memory to read a file")
            .at("file", file.string())
            .found(fmt::format("{} bytes", seal.body_size));
    }
}

}  // namespace

Bundle read_bundle(const fs::path& file, std::string_view kind) {
    return read_parts(file, kind, What::everything);
}

Bundle read_header(const fs::path& file, std::string_view kind) {
    return read_parts(file, kind, What::header);
}

}  // namespace aocq::store
