// SPDX-License-Identifier: Apache-2.0
// Names of enum values and the way back.
// The table is the only place where a name is spelled.
#include "core/EnumTable.hpp"

#include <gmock/gmock.h>

namespace aocq {
namespace {

enum class Fruit { apple, pear, plum };
constexpr EnumTable<Fruit, 2> fruits{{{{Fruit::apple, "apple"}, {Fruit::pear, "pear"}}}};

TEST(EnumTable, NamesAndFindsEachRow) {
    static_assert(fruits.name(Fruit::pear) == "pear");
    static_assert(fruits.find("apple") == Fruit::apple);
    EXPECT_EQ(fruits.name(Fruit::apple), "apple");
    EXPECT_EQ(fruits.find("pear"), Fruit::pear);
}

TEST(EnumTable, AnUnknownNameIsNothing) {
    EXPECT_FALSE(fruits.find("Pear"));
    EXPECT_FALSE(fruits.find(""));
    EXPECT_FALSE(fruits.find("pea"));
}

TEST(EnumTable, AValueWithoutRowShowsAsQuestionMark) {
    EXPECT_EQ(fruits.name(Fruit::plum), "?");
}

TEST(EnumTable, ListsNamesInTheOrderOfItsRows) {
    EXPECT_THAT(fruits.names(), testing::ElementsAre("apple", "pear"));
}

}  // namespace
}  // namespace aocq
