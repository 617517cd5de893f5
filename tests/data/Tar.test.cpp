// SPDX-License-Identifier: Apache-2.0
// Tar archives: what GNU tar and Python write is read as they mean it, everything else is refused.
#include <gmock/gmock.h>

#include "DatasetChecks.hpp"
#include "TarText.hpp"
#include "data/TarReader.hpp"
#include "support/TempFolder.hpp"

namespace aocq::data {
namespace {

using test::error_of;
using test::gnu_tar;
using test::pax_record;
using test::tar_end;
using test::tar_header;
using test::tar_member;
using testing::ElementsAre;
using testing::HasSubstr;

class Tar : public testing::Test {
  protected:
    // "name=text" of every member.
    std::vector<std::string> read(std::string_view archive) const {
        write_text(folder_ / "a.tar", archive);
        const PreadFile file(folder_ / "a.tar");
        TarReader reader(file);
        std::vector<std::string> all;
        while (const auto member = reader.next()) {
            EXPECT_LE(member->offset + member->bytes, file.size());
            all.push_back(member->name + "=" + reader.text(*member, 1 << 20));
        }
        EXPECT_FALSE(reader.next().has_value());
        return all;
    }

    Error refusal(std::string_view archive) const {
        Error error = error_of([&] { read(archive); });
        EXPECT_EQ(error.kind(), ErrorKind::input) << error.what();
        EXPECT_EQ(error.field("file"), (folder_ / "a.tar").string()) << error.what();
        EXPECT_NE(error.field("byte"), "") << error.what();
        return error;
    }

    std::string reason(std::string_view archive) const { return refusal(archive).reason(); }

    test::TempFolder folder_;
};

TEST_F(Tar, GivesItsFilesInTheirOrder) {
    EXPECT_THAT(read(tar_member("b", "two") + tar_member("a/c", "") + tar_end()),
                ElementsAre("b=two", "a/c="));
    EXPECT_THAT(read(tar_end()), ElementsAre());
}

TEST_F(Tar, PassesOverFoldersAndLeadingDots) {
    EXPECT_THAT(read(tar_header("./", 0, '5') + tar_member("./a/b", "x") + tar_end()),
                ElementsAre("a/b=x"));
}

TEST_F(Tar, ReadsThePrefixOfPosixOnly) {
    std::string posix = tar_header("name", 0), gnu = tar_header("name", 0, '0', gnu_tar);
    test::put_text(posix, 345, "long/folder");
    test::put_text(gnu, 345, "14001234567");  // a time of access
    EXPECT_THAT(read(test::sealed_header(posix) + test::sealed_header(gnu) + tar_end()),
                ElementsAre("long/folder/name=", "name="));
}

TEST_F(Tar, ReadsLongNamesOfBothKinds) {
    const std::string name = std::string(150, 'd') + "/" + std::string(150, 'n');
    const std::string gnu =
        tar_member("././@LongLink", name + std::string(1, '\0'), 'L') + tar_member("cut", "x");
    const std::string pax =
        tar_member("PaxHeaders/cut", pax_record("path", name), 'x') + tar_member("cut", "y");
    EXPECT_THAT(read(gnu + pax + tar_member("after", "z") + tar_end()),
                ElementsAre(name + "=x", name + "=y", "after=z"));
}

TEST_F(Tar, PaxSizeCountsBeforeTheHeaders) {
    const std::string pax =
        tar_member("p", pax_record("mtime", "1.5") + pax_record("size", "3"), 'x');
    EXPECT_THAT(read(pax + tar_header("a", 0) + test::tar_padded("abc") + tar_end()),
                ElementsAre("a=abc"));
}

TEST_F(Tar, ReadsSizesInBinary) {
    std::string header = tar_header("a", 0);
    test::put_text(header, 124, std::string("\x80\0\0\0\0\0\0\0\0\0\0\x03", 12));
    EXPECT_THAT(read(test::sealed_header(header) + test::tar_padded("abc") + tar_end()),
                ElementsAre("a=abc"));
}

TEST_F(Tar, PassesOverGlobalCommentsButNotGlobalPaths) {
    EXPECT_THAT(
        read(tar_member("g", pax_record("comment", "x"), 'g') + tar_member("a", "b") + tar_end()),
        ElementsAre("a=b"));
    EXPECT_THAT(reason(tar_member("g", pax_record("path", "x"), 'g') + tar_end()),
                HasSubstr("global"));
}

TEST_F(Tar, RefusesEveryDamagedByteOfAHeader) {
    const std::string good = tar_member("folder/name.jpg", "text") + tar_end();
    for (std::size_t at = 0; at < 512; ++at) {
        if (at >= 148 && at < 156) continue;  // the checksum itself
        std::string bad = good;
        bad[at] = static_cast<char>(bad[at] ^ 0x10);
        refusal(bad);
    }
}

TEST_F(Tar, RefusesEveryTruncation) {
    const std::string good =
        tar_member("a", std::string(600, 'x')) + tar_member("b", "y") + tar_end();
    for (std::size_t size = 0; size < good.size(); size += 100) refusal(good.substr(0, size));
    EXPECT_EQ(reason(tar_member("a", "x")), "its end is missing, it was cut off");
}

TEST_F(Tar, RefusesSizesBeyondTheFileBeforeAllocating) {
    EXPECT_THAT(reason(tar_header("a", 077777777777) + tar_end()), HasSubstr("beyond the end"));
    EXPECT_THAT(reason(tar_header("a", 1025) + tar_end()), HasSubstr("beyond the end"));
    for (const char type : {'L', 'x'}) {
        EXPECT_THAT(reason(tar_header("a", 077777777777, type) + tar_end()),
                    HasSubstr("beyond the end"));
    }
    const std::string huge = pax_record("size", "18446744073709551615");
    EXPECT_THAT(reason(tar_member("p", huge, 'x') + tar_member("a", "b") + tar_end()),
                HasSubstr("beyond the end"));
    std::string header = tar_header("a", 0);
    test::put_text(header, 124, std::string("\x80\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff", 12));
    EXPECT_THAT(reason(test::sealed_header(header) + tar_end()), HasSubstr("size is beyond"));
    test::put_text(header, 124, std::string(12, '\xff'));
    EXPECT_THAT(reason(test::sealed_header(header) + tar_end()), HasSubstr("negative"));
}

TEST_F(Tar, RefusesNamesThatLeadElsewhere) {
    for (const char* name :
         {"/etc/passwd", "../a", "a/../../b", "a//b", "a/", "", "./", "a/./b", ".."}) {
        EXPECT_EQ(refusal(tar_member(name, "x") + tar_end()).field("member"), name);
    }
    refusal(tar_member("p", pax_record("path", "../a"), 'x') + tar_member("a", "x") + tar_end());
    refusal(tar_member("p", pax_record("path", std::string("a\0b", 3)), 'x') +
            tar_member("a", "x") + tar_end());
    refusal(tar_member("l", "/a", 'L') + tar_member("a", "x") + tar_end());
}

TEST_F(Tar, RefusesLinksAndSpecialFiles) {
    for (const char type : {'1', '2', '3', '4', '6', '7', 'K', 'S', 'M', 'V'}) {
        EXPECT_EQ(refusal(tar_header("a", 0, type) + tar_end()).field("member"), "a") << type;
    }
    EXPECT_THAT(reason(tar_header("a", 0, '2') + tar_end()), HasSubstr("a link"));
    EXPECT_THAT(reason(tar_member("p", pax_record("GNU.sparse.major", "1"), 'x') + tar_end()),
                HasSubstr("sparse"));
}

TEST_F(Tar, RefusesDamagedPaxRecords) {
    for (const char* text :
         {"x", "9 path=a\n ", "99 path=a\n", "0 path=a\n", "2 \n", "7 patha\n", "8 path=ab",
          "-9 path=a\n", "10 size=-3\n", "10 size=1x\n", " a=b\n", "99999999999999999999 a=b\n"}) {
        refusal(tar_member("p", text, 'x') + tar_member("a", "x") + tar_end());
    }
}

TEST_F(Tar, RefusesWhatFollowsTheEnd) {
    const std::string one = tar_member("a", "x") + tar_end();
    EXPECT_THAT(reason(one + one), HasSubstr("two archives joined"));
    EXPECT_THAT(reason(tar_member("a", "x") + std::string(512, '\0') + one), HasSubstr("follows"));
    EXPECT_THAT(read(one + std::string(20 * 512 + 7, '\0')), ElementsAre("a=x"));
    EXPECT_THAT(reason(tar_member("p", pax_record("path", "b"), 'x') + tar_end()),
                HasSubstr("no member"));
}

TEST_F(Tar, RefusesOtherFormatsAndSaysWhatToDo) {
    EXPECT_THAT(refusal("\x1f\x8b" + std::string(2000, 'x')).remedy(), HasSubstr("unpacked"));
    EXPECT_THAT(refusal(std::string(1024, 'x')).problem(), HasSubstr("not a tar archive"));
    refusal("");
    EXPECT_EQ(error_of([&] { PreadFile(folder_ / "none.tar"); }).kind(), ErrorKind::input);
    EXPECT_EQ(error_of([&] { PreadFile{folder_.path()}; }).problem(), "not a regular file");
}

TEST_F(Tar, LimitsTheTextsItReads) {
    write_text(folder_ / "a.tar", tar_member("a", "four") + tar_end());
    const PreadFile file(folder_ / "a.tar");
    TarReader reader(file);
    const auto member = reader.next();
    EXPECT_EQ(reader.text(*member, 4), "four");
    EXPECT_THROW(reader.text(*member, 3), Error);
    refusal(tar_member("l", std::string(5000, 'a'), 'L') + tar_member("a", "x") + tar_end());
}

// Archives by GNU tar and by Python, in all their formats; expected.json is Python's reading.
TEST_F(Tar, GoldenArchivesAreReadAsPythonReadsThem) {
    const fs::path shards = test::golden_folder() / "shards";
    const Json expected = parse_json(read_text(shards / "expected.json"), "expected.json");
    EXPECT_GE(expected.size(), 6U);
    for (const auto& [name, members] : expected.items()) {
        const PreadFile file(shards / name);
        TarReader reader(file);
        Json found = Json::array();
        while (const auto member = reader.next()) {
            std::vector<std::byte> bytes(member->bytes);
            file.read(member->offset, bytes);
            found.push_back({member->name, member->offset, member->bytes, sha256_hex(bytes)});
        }
        EXPECT_EQ(found, members) << name;
        EXPECT_FALSE(found.empty()) << name;
    }
}

}  // namespace
}  // namespace aocq::data
