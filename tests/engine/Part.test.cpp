// SPDX-License-Identifier: Apache-2.0
#include "engine/Part.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "core/Error.hpp"
#include "engine/Facts.hpp"
#include "engine/ToyStudy.hpp"
#include "engine/Work.hpp"

namespace aocq::engine {
namespace {

TEST(Part, IsReadFromIndexAndCount) {
    EXPECT_EQ(parse_part("3/10").index, 3);
    EXPECT_EQ(parse_part("3/10").count, 10);
    EXPECT_EQ(parse_part("3/10").name(), "part-3-of-10");
    EXPECT_EQ(parse_part("0/1").name(), "");
    for (const char* text : {"", "3", "10/10", "-1/10", "1/0", "1/2/3", "a/b", "1/ 2"}) {
        EXPECT_THROW(parse_part(text), Error) << text;
    }
}

TEST(Part, PartsTogetherAreTheStudyWithTheSameKeys) {
    const test::ToyStudy toy;
    const config::Study study = toy.study();
    const Json facts = gather_facts(study);
    const Work whole = make_work(study, facts, "test");
    std::map<std::string, int> found;
    for (int index = 0; index < 3; ++index) {
        const config::Study part = select(study, {index, 3});
        EXPECT_TRUE(part.experiments.front().bits.is_float());  // what the others are compared with
        const Work work = make_work(part, facts, "test");
        for (const auto& experiment : work.experiments) ++found[experiment.result_key];
    }
    std::set<std::string> wanted;
    for (std::size_t i = 0; i < whole.experiments.size(); ++i) {
        wanted.insert(whole.experiments[i].result_key);
        const bool is_float = study.experiments[i].bits.is_float();
        EXPECT_EQ(found[whole.experiments[i].result_key], is_float ? 3 : 1);
    }
    EXPECT_EQ(found.size(), wanted.size());
}

}  // namespace
}  // namespace aocq::engine
