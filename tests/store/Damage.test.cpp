// SPDX-License-Identifier: Apache-2.0
// Whatever happens to a file, reading it ends in an Error that names it, or in the same contents.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <hdf5.h>
#include <sys/stat.h>

#include <fstream>

#include "core/Error.hpp"
#include "core/Files.hpp"
#include "core/Sha256.hpp"
#include "store/Bundle.hpp"
#include "support/TempFolder.hpp"

namespace aocq::store {
namespace {

Bundle example() {
    Bundle bundle;
    bundle.kind = "statistics";
    bundle.attributes = {{"model", "deit_tiny"}};
    bundle.arrays = {{"blocks.0:input/max", {3}, std::vector<float>{1, 2, 3}},
                     {"blocks.0:input/sum", {2}, std::vector<double>{1, 2}},
                     {"empty", {0}, std::vector<std::int32_t>{}}};
    return bundle;
}

void put(const fs::path& file, const std::string& bytes) {
    std::ofstream(file, std::ios::binary) << bytes;
}

// The error of reading; fails the test where there is none.
Error refusal(const fs::path& file) {
    try {
        read_bundle(file, "statistics");
    } catch (const Error& error) {
        return error;
    }
    ADD_FAILURE() << "was read without an error";
    return Error::internal("none");
}

// A body with a seal that fits it, as somebody would make who means harm.
std::string sealed(const std::string& body) {
    std::string seal = fmt::format("aocq bundle\nformat 1\nkind statistics\nbytes {}\nsha256 {}\n",
                                   body.size(), sha256_hex(body));
    seal.resize(512, '\0');
    return seal + body;
}

TEST(Damage, ATruncatedFileIsRefusedAtEveryLength) {
    const test::TempFolder folder;
    const fs::path file = folder / "a.h5";
    write_bundle(file, example());
    const std::string whole = read_text(file);
    for (std::size_t size = 0; size < whole.size(); size += size < 600 ? 7 : 97) {
        put(file, whole.substr(0, size));
        const Error error = refusal(file);
        ASSERT_EQ(error.kind(), ErrorKind::input) << size;
        ASSERT_TRUE(error.problem().starts_with("damaged: ")) << size << ' ' << error.what();
        ASSERT_EQ(error.remedy(), "delete it; it will be recomputed");
        ASSERT_EQ(error.field("file"), file.string());
    }
    put(file, whole + "x");
    EXPECT_TRUE(refusal(file).problem().starts_with("damaged: "));
}

TEST(Damage, AFlippedBitIsFoundAnywhere) {
    const test::TempFolder folder;
    const fs::path file = folder / "a.h5";
    write_bundle(file, example());
    const std::string whole = read_text(file);
    for (std::size_t at = 0; at < whole.size(); at += at < 512 ? 1 : 13) {
        std::string changed = whole;
        changed[at] = static_cast<char>(changed[at] ^ (1 << (at % 8)));
        put(file, changed);
        ASSERT_EQ(refusal(file).kind(), ErrorKind::input) << at;
    }
}

TEST(Damage, AFlippedBitUnderAFittingSealIsAnErrorOrHarmless) {
    const test::TempFolder folder;
    const fs::path file = folder / "a.h5";
    write_bundle(file, example());
    const std::string body = read_text(file).substr(512);
    const std::string original = digest(example());
    int refused = 0, harmless = 0;
    for (std::size_t at = 0; at < body.size(); at += 5) {
        std::string changed = body;
        changed[at] = static_cast<char>(changed[at] ^ (1 << (at % 8)));
        put(file, sealed(changed));
        try {
            ASSERT_EQ(digest(read_bundle(file, "statistics")), original) << at;
            ++harmless;
        } catch (const Error& error) {
            ASSERT_EQ(error.kind(), ErrorKind::input) << at << ' ' << error.what();
            ++refused;
        }
    }
    EXPECT_GT(refused, 50);
    EXPECT_GT(harmless, 0);  // bytes that nothing uses
}

TEST(Damage, AnUnchangedBodyUnderThatSealIsRead) {  // or the test above could not fail
    const test::TempFolder folder;
    write_bundle(folder / "a.h5", example());
    put(folder / "b.h5", sealed(read_text(folder / "a.h5").substr(512)));
    EXPECT_EQ(digest(read_bundle(folder / "b.h5", "statistics")), digest(example()));
}

TEST(Damage, HDF5sReasonIsPassedOn) {
    const test::TempFolder folder;
    put(folder / "a.h5", sealed("this is not HDF5"));
    const Error error = refusal(folder / "a.h5");
    EXPECT_TRUE(error.problem().starts_with("damaged: "));
    EXPECT_NE(error.reason().find("HDF5 could not open a file: "), std::string::npos)
        << error.reason();
}

TEST(Damage, AnArrayThatClaimsMoreThanTheFileHoldsIsNotAllocated) {
    const test::TempFolder folder;
    const fs::path file = folder / "a.h5";
    const hid_t out = H5Fcreate(file.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    const auto text = [&](hid_t object, const char* name, const std::string& value) {
        const hid_t type = H5Tcopy(H5T_C_S1);
        H5Tset_size(type, value.size());
        const hid_t space = H5Screate(H5S_SCALAR);
        const hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
        H5Awrite(attribute, type, value.data());
        H5Aclose(attribute);
        H5Sclose(space);
        H5Tclose(type);
    };
    text(out, "kind", "statistics");
    text(out, "digest", std::string(64, '0'));
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, 2);
    const hid_t scalar = H5Screate(H5S_SCALAR);
    const hid_t header =
        H5Dcreate2(out, "header", type, scalar, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Dwrite(header, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, "{}");
    const hid_t group = H5Gcreate2(out, "arrays", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    const hsize_t extents[2] = {hsize_t{1} << 32, hsize_t{1} << 26};
    const hid_t space = H5Screate_simple(2, extents, nullptr);
    // Never written, hence never allocated: 2^60 bytes in a file of a few thousand.
    const hid_t dataset =
        H5Dcreate2(group, "x", H5T_IEEE_F32LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    for (const hid_t id : {dataset, header}) H5Dclose(id);
    for (const hid_t id : {space, scalar}) H5Sclose(id);
    H5Tclose(type);
    H5Gclose(group);
    ASSERT_GE(H5Fclose(out), 0);

    put(file, sealed(read_text(file)));
    EXPECT_NE(refusal(file).reason().find("larger than the file"), std::string::npos)
        << refusal(file).reason();
}

TEST(Damage, AnotherKindIsNamed) {
    const test::TempFolder folder;
    write_bundle(folder / "a.h5", example());
    try {
        read_bundle(folder / "a.h5", "artefact");
        FAIL() << "was read";
    } catch (const Error& error) {
        EXPECT_EQ(error.field("found"), "statistics");
        EXPECT_EQ(error.field("wanted"), "artefact");
    }
}

TEST(Damage, ANewerFormatAsksForANewerProgram) {
    const test::TempFolder folder;
    write_bundle(folder / "a.h5", example());
    std::string bytes = read_text(folder / "a.h5");
    bytes.replace(bytes.find("format 1"), 8, "format 2");
    put(folder / "a.h5", bytes);
    const Error error = refusal(folder / "a.h5");
    EXPECT_EQ(error.field("found"), "format 2");
    EXPECT_NE(error.remedy().find("update the program"), std::string::npos);
}

TEST(Damage, WhatIsNoFileOfThisProgramIsNotCalledDamaged) {
    const test::TempFolder folder;
    put(folder / "notes.txt", "somebody's notes, not to be deleted");
    EXPECT_EQ(refusal(folder / "notes.txt").problem(), "not a file of this program");
    EXPECT_EQ(refusal(folder.path()).problem(), "not a regular file");
    EXPECT_EQ(refusal(folder / "missing.h5").problem(), "cannot read a file");
    ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
    EXPECT_EQ(refusal(folder / "pipe").problem(), "not a regular file");
}

}  // namespace
}  // namespace aocq::store
