// SPDX-License-Identifier: Apache-2.0
#include "engine/dispatch/Unit.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "core/Error.hpp"
#include "engine/dispatch/Graphs.hpp"

namespace aocq::engine {
namespace {

using test::make_unit;

std::string problem_of(std::vector<Unit> units) {
    try {
        const UnitGraph graph(std::move(units));
        return "";
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::internal);
        return error.what();
    }
}

TEST(UnitGraph, LinksDependentsAndSortsNeedsFirst) {
    // 3 -> 1 -> {0, 2}, written in an order that is not topological
    const UnitGraph graph(
        {make_unit(0, {1}), make_unit(1, {3}), make_unit(2, {1, 3}), make_unit(3, {})});
    const auto dependents = graph.dependents(1);
    EXPECT_EQ(std::vector(dependents.begin(), dependents.end()),
              (std::vector<std::uint32_t>{0, 2}));
    EXPECT_TRUE(graph.dependents(0).empty());
    std::vector<std::size_t> place(graph.size());
    for (std::size_t i = 0; i < graph.size(); ++i) place[graph.order()[i]] = i;
    for (const Unit& unit : graph.units()) {
        for (const auto need : unit.needs) EXPECT_LT(place[need], place[unit.index]);
    }
}

TEST(UnitGraph, MayBeEmpty) {
    EXPECT_EQ(UnitGraph({}).size(), 0u);
}

TEST(UnitGraph, NamesAUnitOfACircle) {
    const auto problem = problem_of({make_unit(0, {}), make_unit(1, {2}), make_unit(2, {1})});
    EXPECT_NE(problem.find("circle"), std::string::npos) << problem;
    EXPECT_NE(problem.find("work 1"), std::string::npos) << problem;
}

TEST(UnitGraph, RefusesWhatIsNotAGraphOfUnits) {
    EXPECT_NE(problem_of({make_unit(0, {0})}).find("circle"), std::string::npos);
    EXPECT_NE(problem_of({make_unit(0, {7})}).find("does not exist"), std::string::npos);
    EXPECT_NE(problem_of({make_unit(0, {}), make_unit(1, {0, 0})}).find("twice"),
              std::string::npos);
    EXPECT_NE(problem_of({make_unit(1, {})}).find("position"), std::string::npos);
    auto same = make_unit(1, {});
    same.key = make_unit(0, {}).key;
    EXPECT_NE(problem_of({make_unit(0, {}), same}).find("same key"), std::string::npos);
    auto endless = make_unit(0, {});
    endless.cost = std::numeric_limits<double>::infinity();
    EXPECT_NE(problem_of({endless}).find("seconds"), std::string::npos);
}

TEST(UnitGraph, FingerprintFollowsKeysAndNeeds) {
    const UnitGraph graph({make_unit(0, {}), make_unit(1, {0})});
    const UnitGraph same({make_unit(0, {}), make_unit(1, {0})});
    const UnitGraph other_needs({make_unit(0, {}), make_unit(1, {})});
    auto unit = make_unit(1, {0});
    unit.key += "x";
    const UnitGraph other_key({make_unit(0, {}), unit});
    EXPECT_EQ(graph.fingerprint(), same.fingerprint());
    EXPECT_NE(graph.fingerprint(), other_needs.fingerprint());
    EXPECT_NE(graph.fingerprint(), other_key.fingerprint());
}

}  // namespace
}  // namespace aocq::engine
