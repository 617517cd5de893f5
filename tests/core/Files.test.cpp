// SPDX-License-Identifier: Apache-2.0
// Whole files: what is read is bounded and regular; what is written is whole or not there.
// Paths below a regular file stand for unwritable places: permissions mean nothing to root.
#include "core/Files.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <stdexcept>
#include <thread>
#include <vector>

#include "core/Error.hpp"
#include "core/TemporaryFiles.hpp"
#include "support/TempFolder.hpp"

namespace aocq {
namespace {

using test::TempFolder;
using testing::HasSubstr;

std::vector<std::string> names_in(const fs::path& folder) {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder)) {
        names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
}

template <class Action>
Error error_of(const Action& action) {
    try {
        action();
    } catch (const Error& error) {
        return error;
    }
    ADD_FAILURE() << "no error was thrown";
    return Error::internal("none");
}

TEST(Files, WhatWasWrittenIsReadBackByteByByte) {
    const TempFolder folder;
    std::string bytes(100'000, '\0');
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 7 % 256);
    write_text(folder / "a", bytes);
    EXPECT_EQ(read_text(folder / "a"), bytes);
    write_text(folder / "empty", "");
    EXPECT_EQ(read_text(folder / "empty"), "");
}

TEST(Files, AMissingFileIsTheUsersFaultAndIsNamed) {
    const TempFolder folder;
    const Error error = error_of([&] { read_text(folder / "none.toml"); });
    EXPECT_EQ(error.kind(), ErrorKind::input);
    EXPECT_EQ(error.field("file"), (folder / "none.toml").string());
    EXPECT_EQ(error.reason(), "No such file or directory");
    EXPECT_EQ(error_of([&] { FileMap(folder / "none"); }).kind(), ErrorKind::input);
}

TEST(Files, AFileBeyondTheLimitIsRefusedAndOneAtTheLimitIsRead) {
    const TempFolder folder;
    write_text(folder / "a", "12345");
    EXPECT_EQ(read_text(folder / "a", 5), "12345");
    const Error error = error_of([&] { read_text(folder / "a", 4); });
    EXPECT_EQ(error.field("found"), "5 bytes");
    EXPECT_EQ(error.field("wanted"), "at most 4 bytes");
}

TEST(Files, FoldersAndPipesAreNotFiles) {
    const TempFolder folder;
    EXPECT_EQ(error_of([&] { read_text(folder.path()); }).problem(), "not a regular file");
    ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
    EXPECT_EQ(error_of([&] { read_text(folder / "pipe"); }).problem(), "not a regular file");
    EXPECT_EQ(error_of([&] { FileMap(folder / "pipe"); }).problem(), "not a regular file");
}

TEST(Files, MappingShowsTheBytesAndMovesWithItsOwner) {
    const TempFolder folder;
    write_text(folder / "a", "abc");
    FileMap first(folder / "a");
    const FileMap second(std::move(first));
    ASSERT_EQ(second.bytes().size(), 3U);
    EXPECT_EQ(static_cast<char>(second.bytes()[2]), 'c');
    EXPECT_TRUE(first.bytes().empty());  // NOLINT(bugprone-use-after-move): promised empty
}

TEST(Files, MappingAnEmptyFileGivesNoBytes) {
    const TempFolder folder;
    write_text(folder / "empty", "");
    EXPECT_TRUE(FileMap(folder / "empty").bytes().empty());
}

TEST(Files, AFileBeingWrittenIsNotSeenUnderItsName) {
    const TempFolder folder;
    write_text(folder / "a", "old");
    write_aside(folder / "a", [&](const fs::path& temporary) {
        std::ofstream(temporary) << "new";
        EXPECT_EQ(temporary.parent_path(), folder.path());  // else the rename could not be atomic
        EXPECT_EQ(read_text(folder / "a"), "old");
    });
    EXPECT_EQ(read_text(folder / "a"), "new");
    EXPECT_THAT(names_in(folder.path()), testing::ElementsAre("a"));
}

TEST(Files, AFailedWriteLeavesTheOldFileAndNothingElse) {
    const TempFolder folder;
    write_text(folder / "a", "old");
    const auto half = [](const fs::path& temporary) {
        std::ofstream(temporary) << "half";
        throw std::runtime_error("disk full");
    };
    EXPECT_THROW(write_aside(folder / "a", half), std::runtime_error);
    EXPECT_THROW(write_aside(folder / "b", half), std::runtime_error);
    EXPECT_EQ(read_text(folder / "a"), "old");
    EXPECT_THAT(names_in(folder.path()), testing::ElementsAre("a"));
}

TEST(Files, AWriterThatMakesNoFileIsAnError) {
    const TempFolder folder;
    EXPECT_THROW(write_aside(folder / "a", [](const fs::path&) {}), Error);
    EXPECT_TRUE(names_in(folder.path()).empty());
}

TEST(Files, AFolderInTheWayIsAnErrorAndLeavesNoTemporaryFile) {
    const TempFolder folder;
    make_folder(folder / "taken" / "inside");
    const Error error = error_of([&] { write_text(folder / "taken", "text"); });
    EXPECT_EQ(error.kind(), ErrorKind::environment);
    EXPECT_EQ(error.field("file"), (folder / "taken").string());
    EXPECT_THAT(names_in(folder.path()), testing::ElementsAre("taken"));
}

TEST(Files, APlaceThatCannotBeWrittenIsAnErrorThatNamesIt) {
    const TempFolder folder;
    write_text(folder / "file", "");
    const fs::path below = folder / "file" / "results";
    const Error error = error_of([&] { write_text(below / "a", "text"); });
    EXPECT_EQ(error.kind(), ErrorKind::environment);
    EXPECT_EQ(error.field("file"), below.string());
    EXPECT_EQ(error.remedy(), "choose a folder that you may write to");
}

TEST(Files, WritingMakesTheFoldersOnItsWay) {
    const TempFolder folder;
    write_text(folder / "x" / "y" / "a", "text");
    EXPECT_EQ(read_text(folder / "x" / "y" / "a"), "text");
}

TEST(Files, MakingAFolderTwiceOrThroughALinkIsNoError) {
    const TempFolder folder;
    make_folder(folder / "a" / "b");
    make_folder(folder / "a" / "b");
    fs::create_directory_symlink(folder / "a", folder / "link");
    EXPECT_NO_THROW(make_folder(folder / "link"));
    make_folder(folder / "link" / "c");
    EXPECT_TRUE(fs::is_directory(folder / "a" / "c"));
}

TEST(Files, WritersOfOneNameNeverMixTheirBytes) {
    const TempFolder folder;
    {
        std::vector<std::jthread> writers;
        for (char letter = 'a'; letter < 'e'; ++letter) {
            writers.emplace_back([&folder, letter] {
                for (int i = 0; i < 8; ++i) write_text(folder / "a", std::string(5000, letter));
            });
        }
    }
    const std::string text = read_text(folder / "a");
    EXPECT_EQ(text, std::string(5000, text.at(0)));
    EXPECT_THAT(names_in(folder.path()), testing::ElementsAre("a"));
}

TEST(Files, TemporaryFilesOfDeadProcessesOfThisHostAreRemoved) {
    const test::TempFolder folder;
    char host[64] = {};
    ASSERT_EQ(gethostname(host, sizeof host - 1), 0);
    const pid_t child = fork();
    if (child == 0) _exit(0);
    ASSERT_EQ(waitpid(child, nullptr, 0), child);
    const auto name = [&](const std::string& where, pid_t process) {
        return folder / fmt::format("sub/.a.h5.{}.{}.3.part", where, process);
    };
    const fs::path dead = name(host, child), living = name(host, getpid()),
                   foreign = name("elsewhere", child), mine = folder / "sub/.notes.part";
    for (const auto& file : {dead, living, foreign, mine}) write_text(file, "half");
    remove_abandoned(folder.path());
    EXPECT_FALSE(fs::exists(dead));
    EXPECT_TRUE(fs::exists(living));
    EXPECT_TRUE(fs::exists(foreign));
    EXPECT_TRUE(fs::exists(mine));
}

TEST(Files, AFileThatIsThereIsNotWrittenOnceMore) {
    const test::TempFolder folder;
    const auto writes = [](const char* text) {
        return [text](const fs::path& temporary) {
            const std::string_view part = text;
            write_new(temporary, {&part, 1}, temporary);
        };
    };
    EXPECT_TRUE(write_aside_once(folder / "a", writes("first")));
    EXPECT_FALSE(write_aside_once(folder / "a", writes("second")));
    EXPECT_EQ(read_text(folder / "a"), "first");
    EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 1);
}

}  // namespace
}  // namespace aocq
