#include "protocol/serialization/yaml.h"

#include <celeriac/error.h>
#include <celeriac/typed_json.h>
#include <gtest/gtest.h>

namespace celeriac::protocol {
namespace {

std::string read(std::string_view yaml) {
  return dump_json(parse_yaml(yaml));
}

// What yaml.safe_dump of PyYAML 6 gives for the body of add(2, 3, k='x').
TEST(Yaml, ReadsWhatPythonWrites) {
  EXPECT_EQ(read("- - 2\n  - 3\n- k: x\n- callbacks: null\n  chain: null\n  chord: null\n"
                 "  errbacks: null\n"),
            R"([[2, 3], {"k": "x"}, {"callbacks": null, "chain": null, "chord": null, )"
            R"("errbacks": null}])");
}

TEST(Yaml, ResolvesPlainScalarsAsPyYaml) {
  EXPECT_EQ(read("[~, null, '', True, yes, off, 12, -3, +4, 017, 0x1F, 0b11, 1_000]"),
            R"([null, null, "", true, true, false, 12, -3, 4, 15, 31, 3, 1000])");
  EXPECT_EQ(read("[1.5, -2.0e+3, .5, 1., .inf, -.inf, .nan, 1e5, 1.5e3, '1.5', 09, 1.2.3]"),
            R"([1.5, -2000.0, 0.5, 1.0, Infinity, -Infinity, NaN, "1e5", "1.5e3", "1.5", "09", )"
            R"("1.2.3"])");
  EXPECT_EQ(read("123456789012345678901234567890"), "123456789012345678901234567890");
}

TEST(Yaml, ReadsTimesBytesAndSets) {
  EXPECT_EQ(parse_yaml("2026-01-02"), typed_json("date", "2026-01-02"));
  EXPECT_EQ(parse_yaml("2026-01-02 03:04:05.678901"),
            typed_json("datetime", "2026-01-02T03:04:05.678901"));
  EXPECT_EQ(parse_yaml("2026-01-02 03:04:05+00:00"),
            typed_json("datetime", "2026-01-02T03:04:05+00:00"));
  EXPECT_EQ(parse_yaml("!!binary |\n  //4=\n"), typed_json("base64", "//4="));
  EXPECT_EQ(read("!!set {a: null, b: null}"), R"(["a", "b"])");
}

TEST(Yaml, ReadsBackWhatItWrites) {
  const char* json =
      R"([null, true, -3, 1.5, 1e+16, 1e-05, "", "yes", "1", "a: b", "line\nbreak", "\u00e9\ud83d\ude00", )"
      R"("~", "2026-01-02", [], {}, {"k: y": {"null": [1]}}, 123456789012345678901234567890, )"
      R"({"__type__": "datetime", "__value__": "2026-01-02T03:04:05+00:00"}, )"
      R"({"__type__": "base64", "__value__": "//4="}, )"
      R"({"__type__": "decimal", "__value__": "1.50"}])";
  EXPECT_EQ(dump_json(parse_yaml(dump_yaml(parse_json(json)))), json);
}

TEST(Yaml, RefusesWhatIsNotSafe) {
  for (const char* yaml : {"!!python/object/apply:os.system ['ls']", "!!python/name:os.system ''",
                           "!custom 1", "!custom [1]", "!custom {a: 1}"}) {
    EXPECT_THROW(parse_yaml(yaml), MessageError) << yaml;
  }
}

TEST(Yaml, RefusesWhatIsNone) {
  for (const char* yaml : {"[", "{a: 1", "a: b: c", "\"open", "*alias", "1: 2", "--- 1\n--- 2\n",
                           "\xFF", "!!binary '!'", "\t- x"}) {
    EXPECT_THROW(parse_yaml(yaml), MessageError) << yaml;
  }
}

TEST(Yaml, RefusesAliasesThatStandForBillions) {
  std::string yaml = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    yaml += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last;
    for (int k = 0; k < 9; ++k) yaml += ", " + last;
    yaml += "]\n";
  }
  EXPECT_THROW(parse_yaml(yaml), MessageError);
}

TEST(Yaml, RefusesNestingWithoutEnd) {
  EXPECT_THROW(parse_yaml(std::string(100000, '[')), MessageError);
  EXPECT_THROW(parse_yaml("&a [*a]"), MessageError);
}

TEST(Yaml, EscapesWhatPyYamlRefusesToRead) {
  for (char c : dump_yaml("\x7F \xC2\x85 \xEF\xBF\xBE \xF0\x9F\x98\x80")) {
    EXPECT_TRUE((c >= ' ' && c <= '~') || c == '\n') << int{c};
  }
}

TEST(Yaml, RefusesToWriteWhatIsNotUtf8) {
  EXPECT_THROW(dump_yaml("\xFF"), EncodeError);
}

}  // namespace
}  // namespace celeriac::protocol
