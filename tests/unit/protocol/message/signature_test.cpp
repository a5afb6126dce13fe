#include <celeriac/error.h>
#include <celeriac/signature.h>
#include <gtest/gtest.h>

namespace celeriac {
namespace {

Signature add(Json::Array args) {
  return Signature("wapp.add", std::move(args));
}

TEST(Signature, IsWrittenAsPythonWritesIt) {
  EXPECT_EQ(dump_json(add({2, 2}).to_json()),
            R"({"task": "wapp.add", "args": [2, 2], "kwargs": {}, "options": {}, )"
            R"("subtask_type": null, "immutable": false})");
  EXPECT_EQ(dump_json(add({1}).set("countdown", 3).set_immutable(true).to_json()),
            R"({"task": "wapp.add", "args": [1], "kwargs": {}, "options": {"countdown": 3}, )"
            R"("subtask_type": null, "immutable": true})");
}

TEST(Signature, ReadsMissingMembersAsEmpty) {
  const Signature signature = Signature::from_json(parse_json(R"({"task": "t"})"));
  EXPECT_EQ(signature, Signature("t"));
}

TEST(Signature, KeepsMembersItDoesNotKnow) {
  const char* text =
      R"({"task": "t", "args": [], "kwargs": {}, "options": {}, "subtask_type": null, )"
      R"("immutable": false, "chord_size": 2})";
  EXPECT_EQ(dump_json(Signature::from_json(parse_json(text)).to_json()), text);
}

TEST(Signature, RefusesWhatIsNone) {
  for (const char* text : {"1", "[]", "{}", R"({"task": 1})", R"({"task": "t", "args": {}})",
                           R"({"task": "t", "kwargs": []})", R"({"task": "t", "options": 1})",
                           R"({"task": "t", "subtask_type": []})"}) {
    EXPECT_THROW(Signature::from_json(parse_json(text)), MessageError) << text;
  }
}

TEST(Signature, LinksACallbackOnce) {
  Signature signature = add({1});
  signature.link(add({2})).link(add({2})).link_error(add({3}));
  EXPECT_EQ(signature.options().find("link")->as_array()->size(), 1U);
  EXPECT_EQ(signature.options().find("link_error")->as_array()->size(), 1U);
}

TEST(Signature, TurnsASingleLinkIntoAList) {
  Signature signature = add({1});
  signature.set("link", add({2}).to_json()).link(add({3}));
  EXPECT_EQ(signature.options().find("link")->as_array()->size(), 2U);
}

TEST(Signature, GroupLinksToItsFirstTaskAndErrbacksToAll) {
  Signature both = group({add({1}), add({2})});
  both.link(add({3})).link_error(add({4}));
  const Json json = both.to_json();
  const Json::Array& tasks = *json["kwargs"]["tasks"].as_array();
  EXPECT_EQ((*tasks[0]["options"]["link"].as_array())[0]["immutable"], Json(true));
  EXPECT_TRUE(tasks[1]["options"]["link"].is_null());
  EXPECT_TRUE(tasks[0]["options"]["link_error"].is_array());
  EXPECT_TRUE(tasks[1]["options"]["link_error"].is_array());
}

TEST(Signature, ChordLinksToItsBody) {
  Signature both = chord({add({1})}, Signature("wapp.xsum"));
  both.link(add({3})).link_error(add({4}));
  const Json json = both.to_json();
  EXPECT_TRUE(json["kwargs"]["body"]["options"]["link"].is_array());
  EXPECT_TRUE(json["kwargs"]["body"]["options"]["link_error"].is_array());
  EXPECT_TRUE((*json["kwargs"]["header"].as_array())[0]["options"].as_object()->empty());
}

TEST(Signature, CompositionsHaveCelerysForm) {
  EXPECT_EQ(chain({add({1}), add({2})}).to_json()["task"], Json("celery.chain"));
  EXPECT_EQ(group({add({1})}).subtask_type(), "group");
  const Json json = chord({add({1})}, Signature("wapp.xsum")).to_json();
  EXPECT_EQ(json["task"], Json("celery.chord"));
  EXPECT_EQ(json["kwargs"]["body"]["task"], Json("wapp.xsum"));
}

}  // namespace
}  // namespace celeriac
