// SPDX-License-Identifier: Apache-2.0
#include "store/Seal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <span>
#include <vector>

#include "core/Sha256.hpp"
#include "core/Text.hpp"

namespace aocq::store::detail {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view magic = "aocq bundle";

std::string compose(const Seal& seal) {
    std::string text = fmt::format("{}\nformat {}\nkind {}\nbytes {}\nsha256 {}\n", magic,
                                   format_version, seal.kind, seal.body_size, seal.body_sha256);
    AOCQ_ENSURE(text.size() <= seal_size);
    text.resize(seal_size, '\0');
    return text;
}

struct Body {
    std::uint64_t size = 0;
    std::string sha256;
};

// Everything from the stream's position to the end.
Body hash_rest(std::istream& stream) {
    Body body;
    Sha256 hash;
    std::vector<char> buffer(1U << 20);
    while (stream) {
        stream.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
        const auto count = static_cast<std::size_t>(stream.gcount());
        hash.update(std::as_bytes(std::span(buffer.data(), count)));
        body.size += count;
    }
    body.sha256 = hash.hex();
    return body;
}

void require_regular(const fs::path& file) {
    std::error_code code;
    const fs::file_status status = fs::status(file, code);
    if (status.type() == fs::file_type::not_found) {
        throw Error::input("cannot read a file")
            .because(std::strerror(ENOENT))
            .advise("check the path")
            .at("file", file.string());
    }
    if (status.type() != fs::file_type::regular) {
        throw Error::input("not a regular file")
            .because(code ? code.message() : "a bundle is an ordinary file")
            .advise("check the path")
            .at("file", file.string());
    }
}

// The rest of the line that starts with `word`; "" where the line is another.
std::string field(const std::vector<std::string>& lines, std::size_t index, std::string_view word) {
    if (index >= lines.size()) return {};
    const std::string& line = lines[index];
    if (line.size() <= word.size() + 1 || !line.starts_with(word) || line[word.size()] != ' ') {
        return {};
    }
    return line.substr(word.size() + 1);
}

std::uint64_t whole_number(const std::string& text) {
    std::uint64_t value = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
    return result.ec == std::errc() && result.ptr == text.data() + text.size() ? value : 0;
}

Seal parse(const fs::path& file, const std::string& text) {
    const std::vector<std::string> lines = split(text.substr(0, text.find('\0')), '\n');
    const std::uint64_t version = whole_number(field(lines, 1, "format"));
    if (version > static_cast<std::uint64_t>(format_version)) {
        throw Error::input("a file was written by a newer version of this program")
            .advise("update the program, or delete the file and let it be recomputed")
            .at("file", file.string())
            .found(fmt::format("format {}", version))
            .wanted(fmt::format("at most {}", format_version));
    }
    const Seal seal{field(lines, 2, "kind"), whole_number(field(lines, 3, "bytes")),
                    field(lines, 4, "sha256")};
    if (seal.kind.size() > 64 || seal.body_sha256.size() != 64 || compose(seal) != text) {
        throw damaged(file, "its first lines are not what this program writes");
    }
    return seal;
}

}  // namespace

Error damaged(const fs::path& file, std::string reason) {
    return Error::input("damaged: " + reason)
        .advise("delete it; it will be recomputed")
        .at("file", file.string());
}

Seal seal_for(std::string_view kind, std::span<const std::byte> body) {
    return {std::string(kind), body.size(), sha256_hex(body)};
}

std::string to_text(const Seal& seal) {
    return compose(seal);
}

Seal check_seal(const fs::path& file) {
    require_regular(file);
    std::ifstream stream(file, std::ios::binary);
    if (!stream) {
        throw Error::input("cannot read a file")
            .because(std::strerror(errno))
            .at("file", file.string());
    }
    std::string text(seal_size, '\0');
    stream.read(text.data(), static_cast<std::streamsize>(text.size()));
    const auto count = static_cast<std::size_t>(stream.gcount());
    if (count < magic.size() && magic.starts_with(text.substr(0, count))) {
        throw damaged(file, fmt::format("only {} bytes are left of it", count));
    }
    if (!text.starts_with(magic)) {
        throw Error::input("not a file of this program")
            .because(fmt::format("it does not start with \"{}\"", magic))
            .advise("check the path; a damaged file of a run may be deleted and will be recomputed")
            .at("file", file.string());
    }
    if (count < seal_size) throw damaged(file, fmt::format("only {} bytes are left of it", count));
    Seal seal = parse(file, text);
    const Body body = hash_rest(stream);
    if (stream.bad() || body.size != seal.body_size) {
        throw damaged(file, fmt::format("{} bytes after the first 512, it should have {}",
                                        body.size, seal.body_size));
    }
    if (body.sha256 != seal.body_sha256) throw damaged(file, "its checksum does not fit");
    return seal;
}

}  // namespace aocq::store::detail
