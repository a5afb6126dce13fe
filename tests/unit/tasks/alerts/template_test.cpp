#include "tasks/alerts/template.h"

#include <gtest/gtest.h>

namespace celeriac::alerts {
namespace {

const JsonObject kFields = {
    {"host", "a"}, {"usage", 91.2345}, {"big", 9007199254740993}, {"up", true}, {"gone", nullptr}};

std::optional<Json> lookup(std::string_view name) {
  const auto* found = kFields.find(name);
  if (found == nullptr) return std::nullopt;
  return *found;
}

std::string rendered(std::string_view text) {
  auto parsed = Template::parse(text);
  if (const auto* mistake = std::get_if<Mistake>(&parsed)) return "mistake: " + mistake->text;
  return std::get<Template>(parsed).render(lookup).text;
}

TEST(Template, FillsInFields) {
  EXPECT_EQ(rendered("{host}: {usage} %"), "a: 91.2345 %");
  EXPECT_EQ(rendered("{big} {up} {gone}"), "9007199254740993 true null");
  EXPECT_EQ(rendered(""), "");
}

TEST(Template, RoundsToDecimals) {
  EXPECT_EQ(rendered("{usage:.1f}"), "91.2");
  EXPECT_EQ(rendered("{usage:.0f}"), "91");
  EXPECT_EQ(rendered("{host:.1f}"), "a");
}

TEST(Template, DoubledBracesAreBraces) {
  EXPECT_EQ(rendered("{{{host}}}"), "{a}");
}

TEST(Template, NamesWhatIsMissingAndGoesOn) {
  const auto parsed = Template::parse("{host} {nowhere}");
  const auto result = std::get<Template>(parsed).render(lookup);
  EXPECT_EQ(result.text, "a ?");
  EXPECT_EQ(result.missing, std::vector<std::string>{"nowhere"});
}

TEST(Template, TellsWhatIsWrong) {
  EXPECT_EQ(rendered("{host"), "mistake: a { without its }; write {{ for the brace itself");
  EXPECT_EQ(rendered("host}"), "mistake: a } without its {; write }} for the brace itself");
  EXPECT_EQ(rendered("{}"), "mistake: {}, which names no field; write it like {host}");
  EXPECT_EQ(rendered("{usage:5d}"),
            "mistake: {usage:5d}, whose format is not known; write decimals like {usage:.1f}");
}

}  // namespace
}  // namespace celeriac::alerts
