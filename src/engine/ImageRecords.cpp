// SPDX-License-Identifier: Apache-2.0
#include "engine/ImageRecords.hpp"

#include <cstring>

namespace aocq::engine {
namespace {

// One record on the wire, without padding: index, label, five classes, kl, agrees.
constexpr std::size_t record_size = 4 + 4 + 5 * 4 + 8 + 1;

template <class T>
void put(std::byte*& out, const T& value) {
    std::memcpy(out, &value, sizeof value);
    out += sizeof value;
}
template <class T>
void take(const std::byte*& in, T& value) {
    std::memcpy(&value, in, sizeof value);
    in += sizeof value;
}

}  // namespace

std::vector<std::byte> encode(const std::vector<metrics::ImageResult>& records) {
    std::vector<std::byte> payload(records.size() * record_size);
    std::byte* out = payload.data();
    for (const auto& record : records) {
        put(out, record.index);
        put(out, record.label);
        put(out, record.top5);
        put(out, record.kl);
        put(out, static_cast<std::uint8_t>(record.agrees));
    }
    return payload;
}

std::vector<metrics::ImageResult> decode_records(std::span<const std::byte> payload) {
    if (payload.size() % record_size != 0) {
        throw Error::input("damaged evaluation result").because("it is no whole number of records");
    }
    std::vector<metrics::ImageResult> records(payload.size() / record_size);
    const std::byte* in = payload.data();
    for (auto& record : records) {
        std::uint8_t agrees = 0;
        take(in, record.index);
        take(in, record.label);
        take(in, record.top5);
        take(in, record.kl);
        take(in, agrees);
        record.agrees = agrees != 0;
    }
    return records;
}

store::Bundle to_bundle(const std::vector<metrics::ImageResult>& records, Json attributes) {
    std::vector<std::int64_t> index;
    std::vector<std::int32_t> label, top5;
    std::vector<double> kl;
    std::vector<std::uint8_t> agrees;
    for (const auto& record : records) {
        index.push_back(record.index);
        label.push_back(record.label);
        top5.insert(top5.end(), record.top5.begin(), record.top5.end());
        kl.push_back(record.kl);
        agrees.push_back(record.agrees ? 1 : 0);
    }
    const std::uint64_t n = records.size();
    store::Bundle bundle{"result", std::move(attributes), {}};
    bundle.arrays.push_back({"index", {n}, std::move(index)});
    bundle.arrays.push_back({"label", {n}, std::move(label)});
    bundle.arrays.push_back({"top5", {n, 5}, std::move(top5)});
    bundle.arrays.push_back({"kl", {n}, std::move(kl)});
    bundle.arrays.push_back({"agrees", {n}, std::move(agrees)});
    return bundle;
}

std::vector<metrics::ImageResult> records_from_bundle(const store::Bundle& bundle) {
    const auto& index = bundle.values<std::int64_t>("index");
    const auto& label = bundle.values<std::int32_t>("label");
    const auto& top5 = bundle.values<std::int32_t>("top5");
    const auto& kl = bundle.values<double>("kl");
    const auto& agrees = bundle.values<std::uint8_t>("agrees");
    const std::size_t n = index.size();
    if (label.size() != n || top5.size() != 5 * n || kl.size() != n || agrees.size() != n) {
        throw Error::input("damaged result file").because("its columns differ in length");
    }
    std::vector<metrics::ImageResult> records(n);
    for (std::size_t i = 0; i < n; ++i) {
        records[i].index = static_cast<std::uint32_t>(index[i]);
        records[i].label = label[i];
        for (std::size_t k = 0; k < 5; ++k) records[i].top5[k] = top5[5 * i + k];
        records[i].kl = kl[i];
        records[i].agrees = agrees[i] != 0;
    }
    return records;
}

}  // namespace aocq::engine
