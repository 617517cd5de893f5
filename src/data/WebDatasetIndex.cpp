// SPDX-License-Identifier: Apache-2.0
#include "data/WebDatasetIndex.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "core/Error.hpp"
#include "core/Text.hpp"
#include "data/ImageFiles.hpp"
#include "data/ShardFiles.hpp"
#include "data/Synsets.hpp"
#include "data/TarReader.hpp"

namespace aocq::data {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t longest_label = 256;  // bytes

// "a/b.seg.png": key "a/b", field "seg.png".
std::pair<std::string, std::string> key_and_field(const std::string& name) {
    const std::size_t slash = name.rfind('/');
    const std::size_t dot = name.find('.', slash == std::string::npos ? 0 : slash + 1);
    if (dot == std::string::npos) return {name, ""};
    return {name.substr(0, dot), lower_case(std::string_view(name).substr(dot + 1))};
}

struct Sample {
    std::string name;  // of the image; empty until it is found
    std::uint64_t bytes = 0;
    ShardPlace place;
    std::optional<int> label;
    std::uint32_t shard = 0;  // of whichever part came first
};

class Indexer {
  public:
    explicit Indexer(const fs::path& synsets) : classes_(synsets) {
        folders_.resize(static_cast<std::size_t>(classes_.count()));
        for (const auto& [name, index] : classes_.indices()) {
            folders_[static_cast<std::size_t>(index)] = name;
        }
    }

    void add_shard(const fs::path& path) {
        const PreadFile file(path);
        shards_.push_back({path, file.size()});
        TarReader reader(file);
        while (const auto member = reader.next()) add(reader, *member);
    }

    WebDatasetIndex finish(const fs::path& source, int classes) {
        std::vector<Sample> samples = complete_samples();
        std::sort(samples.begin(), samples.end(),
                  [](const Sample& a, const Sample& b) { return comes_before(a.name, b.name); });
        WebDatasetIndex index{{{}, {}, 0, source}, std::move(shards_), {}};
        int highest = -1;
        for (Sample& sample : samples) {
            highest = std::max(highest, *sample.label);
            auto& entries = index.list.entries;
            if (!entries.empty() && entries.back().name == sample.name) {
                fail("two images have the same name", sample.name, index.shards[sample.shard]);
            }
            entries.push_back({std::move(sample.name), sample.bytes, *sample.label, {}});
            index.places.push_back(sample.place);
        }
        index.list.classes = checked_classes(std::max(highest + 1, classes_.count()), classes);
        return index;
    }

  private:
    [[noreturn]] static void fail(const char* problem, const std::string& member,
                                  const Shard& shard) {
        throw Error::input(problem).at("file", shard.file.string()).at("member", member);
    }

    void add(TarReader& reader, const TarMember& member) {
        const auto [key, field] = key_and_field(member.name);
        const bool hidden = key.empty() || key.ends_with('/');  // a file manager's shadow
        const bool image = field == "jpg" || field == "jpeg" || field == "png";
        if (hidden || (!image && field != "cls")) return;
        const auto shard = static_cast<std::uint32_t>(shards_.size() - 1);
        Sample& sample = samples_.try_emplace(key).first->second;
        if (sample.name.empty() && !sample.label) sample.shard = shard;
        if (image ? !sample.name.empty() : sample.label.has_value()) {
            throw Error::input("an image or label comes twice")
                .because("every name is for one image, in all shards together")
                .at("file", shards_[shard].file.string())
                .at("member", member.name)
                .at("other", shards_[sample.shard].file.string());
        }
        if (!image) {
            sample.label = read_label(reader, member);
            return;
        }
        sample.name = member.name;
        sample.bytes = member.bytes;
        sample.place = {shard, member.offset};
    }

    int read_label(TarReader& reader, const TarMember& member) const {
        try {
            const std::string text = reader.text(member, longest_label);
            const std::string_view word = trim(text);
            if (const auto label = classes_.label_of(word)) return *label;
            throw Error::input("label is not a class")
                .found(std::string(word))
                .wanted(classes_.wanted());
        } catch (Error& error) {
            throw error.at("file", shards_.back().file.string()).at("member", member.name);
        }
    }

    std::vector<Sample> complete_samples() {
        std::vector<Sample> all;
        for (auto& [key, sample] : samples_) {
            const Shard& shard = shards_[sample.shard];
            if (sample.name.empty()) fail("a label has no image (.jpg, .jpeg or .png)", key, shard);
            if (!sample.label) fail("an image has no label (.cls)", sample.name, shard);
            if (!folders_.empty() && sample.name.find('/') == std::string::npos) {
                sample.name = folders_[static_cast<std::size_t>(*sample.label)] + "/" + sample.name;
            }
            all.push_back(std::move(sample));
        }
        return all;
    }

    ClassNames classes_;
    std::vector<std::string> folders_;  // class names by index
    std::vector<Shard> shards_;
    std::map<std::string, Sample> samples_;  // by key
};

}  // namespace

WebDatasetIndex index_web_dataset(const fs::path& shards, const fs::path& synsets, int classes) {
    Indexer indexer(synsets);
    for (const fs::path& shard : find_shards(shards)) indexer.add_shard(shard);
    return indexer.finish(shards, classes);
}

}  // namespace aocq::data
