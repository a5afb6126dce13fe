#include "protocol/message/result.h"

#include <celeriac/error.h>
#include <gtest/gtest.h>

namespace celeriac::protocol {
namespace {

// The documents are captures of Celery 5.6.
TEST(Result, IsWrittenAsCeleryWritesASuccess) {
  ResultDocument document;
  document.status = "SUCCESS";
  document.result = 5;
  document.date_done = parse_iso8601("2026-11-23T00:37:33.087386+00:00");
  document.task_id = "d454";
  EXPECT_EQ(encode_result(document),
            R"({"status": "SUCCESS", "result": 5, "traceback": null, "children": [], )"
            R"("date_done": "2026-11-23T00:37:33.087386+00:00", "task_id": "d454"})");
}

TEST(Result, IsWrittenAsCeleryWritesAFailure) {
  ResultDocument document;
  document.status = "FAILURE";
  document.result = ExceptionInfo{"ValueError", {"boom", 1}, "builtins", ""}.to_json();
  document.traceback = "Traceback";
  document.children = nullptr;
  document.group_id = "G";
  document.parent_id = "P";
  document.extended = {{"name", "wapp.fail"}, {"retries", 0}};
  document.task_id = "d1b9";
  EXPECT_EQ(encode_result(document),
            R"({"status": "FAILURE", "result": {"exc_type": "ValueError", "exc_message": )"
            R"(["boom", 1], "exc_module": "builtins"}, "traceback": "Traceback", )"
            R"("children": null, "date_done": null, "group_id": "G", "parent_id": "P", )"
            R"("name": "wapp.fail", "retries": 0, "task_id": "d1b9"})");
}

TEST(Result, ReadsBackWhatItWrites) {
  const char* text =
      R"({"status": "SUCCESS", "result": 2, "traceback": null, "children": [[["d739", null], null]], )"
      R"("date_done": "2026-11-23T00:37:33.087386+00:00", "group_id": "G", "parent_id": "P", )"
      R"("name": "n", "task_id": "T"})";
  EXPECT_EQ(encode_result(decode_result(text)), text);
}

TEST(Result, RefusesWhatIsNone) {
  for (const char* text : {"", "{}", "[]", "1", R"({"status": 1})"}) {
    EXPECT_THROW(decode_result(text), MessageError) << text;
  }
}

TEST(Result, KnowsTheStates) {
  for (const char* state : {"SUCCESS", "FAILURE", "REVOKED"}) EXPECT_TRUE(is_ready_state(state));
  for (const char* state : {"PENDING", "STARTED", "RETRY", "CUSTOM"}) {
    EXPECT_FALSE(is_ready_state(state));
  }
  for (const char* state : {"RETRY", "FAILURE", "REVOKED"}) EXPECT_TRUE(is_exception_state(state));
  EXPECT_FALSE(is_exception_state("SUCCESS"));
}

TEST(Result, KeysHaveAnUnderscoreBehindAPrefixWithoutSeparator) {
  EXPECT_EQ(task_meta_key("", "T"), "celery-task-meta-T");
  EXPECT_EQ(task_meta_key("rp", "T"), "rp_celery-task-meta-T");
  for (const char* prefix : {"rp:", "rp_", "rp-", "rp."}) {
    EXPECT_EQ(group_meta_key(prefix, "G"), std::string(prefix) + "celery-taskset-meta-G");
  }
}

TEST(Result, TuplesStandForChildren) {
  EXPECT_EQ(dump_json(result_tuple("T")), R"([["T", null], null])");
  EXPECT_EQ(dump_json(result_tuple("T", result_tuple("P"))),
            R"([["T", [["P", null], null]], null])");
  EXPECT_EQ(dump_json(group_result_tuple("G", {result_tuple("A"), result_tuple("B")})),
            R"([["G", null], [[["A", null], null], [["B", null], null]]])");
}

TEST(ExceptionInfo, IsShownAsPythonReprShowsIt) {
  EXPECT_EQ((ExceptionInfo{"ValueError", {"boom", 1}, "builtins", ""}.repr()),
            "ValueError('boom', 1)");
  EXPECT_EQ((ExceptionInfo{"Exception", {}, "builtins", ""}.repr()), "Exception()");
}

TEST(ExceptionInfo, ReadsWhatItWrites) {
  const ExceptionInfo exception{"KeyError", {"x"}, "builtins", ""};
  const auto read = ExceptionInfo::from_json(exception.to_json());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->repr(), exception.repr());
  EXPECT_EQ(read->module, "builtins");
}

TEST(ExceptionInfo, ReadsASingleMessage) {
  const auto read =
      ExceptionInfo::from_json(parse_json(R"({"exc_type": "E", "exc_message": "text"})"));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->args, Json::Array{"text"});
  EXPECT_FALSE(ExceptionInfo::from_json(parse_json(R"({"pid": 1})")));
  EXPECT_FALSE(ExceptionInfo::from_json(Json("text")));
}

}  // namespace
}  // namespace celeriac::protocol
