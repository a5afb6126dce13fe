#include <celeriac/json.h>
#include <gtest/gtest.h>

namespace celeriac {
namespace {

// The expected texts are what celery.utils.saferepr of Celery 5.7 gives.
struct ReprCase {
  const char* json;
  std::size_t max_length;
  const char* repr;
};

TEST(PythonRepr, ShowsWhatCeleryShows) {
  const ReprCase cases[] = {
      {R"([1, 2, 3])", 1024, "[1, 2, 3]"},
      {R"({"a": [1, [2, [3, [4]]]]})", 1024, "{'a': [1, [2, [...]]]}"},
      {R"({"a": {"b": {"c": {"d": 1}}}})", 1024, "{'a': {'b': {'c': {...}}}}"},
      {R"("it's\n \u00e9")", 1024, "'it\\'s\n \u00e9'"},
      {R"([true, null, 1.5, 1e+16, 1e-05, NaN, -Infinity])", 1024,
       "[True, None, 1.5, 1e+16, 1e-05, nan, -inf]"},
      {R"([])", 1024, "[]"},
      {R"({})", 1024, "{}"},
      {R"("")", 1024, "''"},
  };
  for (const ReprCase& c : cases) EXPECT_EQ(python_repr(parse_json(c.json), c.max_length), c.repr);
}

TEST(PythonRepr, IsCutWhereCeleryCutsIt) {
  const ReprCase cases[] = {
      {R"(["abc def ghiabc def ghiabc def ghi", "abc"])", 20, "['abc def ghiabc def...', ...]"},
      {R"({"key": "vvvvvvvvvv", "b": 1})", 8, "{'key': , ...}"},
      {R"([[1, 2, 3], [4, 5, 6]])", 9, "[[1, 2, 3...], ...]"},
      {R"(["éééééééééééééééééééé"])", 10, "['ééééééééé...']"},
      {R"([])", 1, "[]"},
      {R"([[]])", 1, "[, ...]"},
      {R"([12345678901234567890123])", 5, "[1234...]"},
      {R"({"aa": 1, "bb": [1, 2]})", 7, "{'aa': , ...}"},
      {R"([[[1, 2], [3, 4]], 5])", 7, "[[[1, 2...], ...]]"},
  };
  for (const ReprCase& c : cases) EXPECT_EQ(python_repr(parse_json(c.json), c.max_length), c.repr);
}

TEST(PythonRepr, ShowsTypedValuesAsTheObjectsTheyAre) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"__type__": "datetime", "__value__": "2026-01-02T00:00:00"})",
       "datetime.datetime(2026, 1, 2, 0, 0)"},
      {R"({"__type__": "datetime", "__value__": "2026-01-02T03:04:05+02:00"})",
       "datetime.datetime(2026, 1, 2, 3, 4, 5, "
       "tzinfo=datetime.timezone(datetime.timedelta(seconds=7200)))"},
      {R"({"__type__": "datetime", "__value__": "2026-01-02T03:04:00.000006-05:30"})",
       "datetime.datetime(2026, 1, 2, 3, 4, 0, 6, "
       "tzinfo=datetime.timezone(datetime.timedelta(days=-1, seconds=66600)))"},
      {R"({"__type__": "time", "__value__": "03:00:00"})", "datetime.time(3, 0)"},
      {R"({"__type__": "base64", "__value__": "//4="})", "b'fffe'"},
      {R"({"__type__": "other", "__value__": 1})", "{'__type__': 'other', '__value__': 1}"},
      {R"({"__type__": "date", "__value__": "soon"})", "{'__type__': 'date', '__value__': 'soon'}"},
  };
  for (const auto& [json, repr] : cases) EXPECT_EQ(python_repr(parse_json(json)), repr);
}

TEST(PythonRepr, ShowsArgumentsAsATuple) {
  EXPECT_EQ(python_repr_tuple({}), "()");
  EXPECT_EQ(python_repr_tuple({5}), "(5,)");
  EXPECT_EQ(python_repr_tuple({2, "a"}), "(2, 'a')");
  EXPECT_EQ(python_repr_tuple({1}, 2), "(1...,)");
}

}  // namespace
}  // namespace celeriac
