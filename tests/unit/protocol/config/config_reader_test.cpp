#include <celeriac/config_reader.h>
#include <celeriac/error.h>
#include <gtest/gtest.h>

#include <map>

namespace celeriac {
namespace {

using namespace std::chrono_literals;

std::unique_ptr<ConfigDocument> read(std::string_view text,
                                     std::map<std::string, std::string> variables = {}) {
  return read_config(text, "alerts.yaml",
                     [variables](const std::string& name) -> std::optional<std::string> {
                       const auto found = variables.find(name);
                       if (found == variables.end()) return std::nullopt;
                       return found->second;
                     });
}

std::string mistakes_of(const ConfigDocument& document) {
  std::string text;
  for (const auto& mistake : document.mistakes()) text += to_string(mistake) + "\n";
  return text;
}

TEST(ConfigReader, ReadsEveryTypeOfValue) {
  auto file = read(
      "name: cpu\nenabled: yes\ncount: 7\nratio: 0.5\ndedupe_for: 1h30m\nsize: 64k\n"
      "severity: high\nhosts: [a, b]\nlimits: {x: 1, a: 2}\n");
  ConfigMapView top = file->root().map("the file");
  EXPECT_EQ(top.get("name").text(), "cpu");
  EXPECT_EQ(top.get("enabled").flag(), true);
  EXPECT_EQ(top.get("count").integer(1, 10), 7);
  EXPECT_EQ(top.get("ratio").number(0, 1), 0.5);
  EXPECT_EQ(top.get("dedupe_for").duration(), 90min);
  EXPECT_EQ(top.get("size").size(), 65536u);
  EXPECT_EQ(top.get("severity").one_of<int>({{"low", 1}, {"high", 2}}), 2);
  EXPECT_EQ(top.get("hosts").texts(), (std::vector<std::string>{"a", "b"}));
  std::string keys;
  for (const auto& entry : top.get("limits").entries()) keys += entry.key;
  EXPECT_EQ(keys, "xa");
  top.finish();
  EXPECT_EQ(mistakes_of(*file), "");
}

TEST(ConfigReader, NamesAnUnknownKeyAndTheOneThatWasMeant) {
  auto file = read("rules:\n  cpu:\n    source: influx\n    dedup_for: 30m\n");
  ConfigMapView top = file->root().map("the file");
  ConfigMapView rule = top.get("rules").entries().at(0).value.map("rule 'cpu'");
  rule.require("source").text();
  rule.get("dedupe_for").duration();
  rule.finish();
  EXPECT_EQ(mistakes_of(*file),
            "alerts.yaml:4:5: unknown key 'dedup_for' in rule 'cpu'; did you mean 'dedupe_for'?\n");
}

TEST(ConfigReader, ReportsAllMistakesInTheOrderOfTheirPlaces) {
  auto file = read("channels: 5\nwait: soon\nprefetch: 0\nsevrity: high\nlevel: hihg\nwait: 1s\n");
  ConfigMapView top = file->root().map("the file");
  top.get("level").one_of<int>({{"low", 1}, {"high", 2}});
  top.get("prefetch").integer(1, 65535);
  top.get("wait").duration();
  top.get("channels").entries();
  top.get("severity");
  top.require("source");
  top.finish();
  EXPECT_EQ(mistakes_of(*file),
            "alerts.yaml:1:1: the file has no 'source'; add it\n"
            "alerts.yaml:1:11: channels of the file is '5'; it must be a map of names to values\n"
            "alerts.yaml:2:7: wait of the file is 'soon'; it must be a duration such as 30s, 5m, "
            "2h or 1d, or a number of seconds\n"
            "alerts.yaml:3:11: prefetch of the file is '0'; it must be a whole number from 1 to "
            "65535\n"
            "alerts.yaml:4:1: unknown key 'sevrity' in the file; did you mean 'severity'?\n"
            "alerts.yaml:5:8: level of the file is 'hihg'; did you mean 'high'? It takes low or "
            "high\n"
            "alerts.yaml:6:1: duplicate key 'wait'; it was first written on line 2\n");
}

TEST(ConfigReader, ThrowsAllMistakesAsOneError) {
  auto file = read("a: 1\nb: 2\n");
  file->root().map("the file").finish();
  try {
    file->throw_mistakes();
    FAIL() << "nothing was thrown";
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(),
                 "alerts.yaml:1:1: unknown key 'a' in the file; look its name up, or remove it\n"
                 "alerts.yaml:2:1: unknown key 'b' in the file; look its name up, or remove it");
  }
}

TEST(ConfigReader, ReportsASyntaxErrorWithItsPlace) {
  auto file = read("rules:\n  cpu: [1, 2\n  mem: 3\n");
  ASSERT_EQ(file->mistakes().size(), 1u);
  EXPECT_EQ(file->mistakes()[0].line, 3);
  EXPECT_NE(file->mistakes()[0].text.find("not valid YAML"), std::string::npos);
}

TEST(ConfigReader, SaysWhatToDoAboutBrokenYaml) {
  const std::map<std::string, std::string> cases = {
      {"a: [1, 2\n",
       "alerts.yaml:2:1: this is not valid YAML: end of sequence flow not found; "
       "close the [\n"},
      {"a: { b: 1\n",
       "alerts.yaml:2:1: this is not valid YAML: end of map flow not found; "
       "close the {\n"},
      {"a: b\n  c: d\n",
       "alerts.yaml:2:4: this is not valid YAML: illegal map value; check the "
       "indentation, and quote a value that holds \": \"\n"},
      {"a:\n  b:\n \tc: 1\n",
       "alerts.yaml:3:2: a tab indents this line; YAML takes blanks "
       "alone\n"},
      {"a: 1\n---\nb: 2\n",
       "alerts.yaml:2:1: a second document begins here, and only one is "
       "read; join them\n"},
      {"a: ${NAME\n",
       "alerts.yaml:1:4: a variable without its }; write ${NAME}, or $${ to mean "
       "the text itself\n"}};
  for (const auto& [text, expected] : cases) EXPECT_EQ(mistakes_of(*read(text)), expected) << text;
}

TEST(ConfigReader, SaysWhatToDoAboutAnUnknownAnchor) {
  const std::string mistakes = mistakes_of(*read("a: *b\n"));
  const std::string begin =
      "alerts.yaml:1:4: this is not valid YAML: the referenced anchor is not defined";
  const std::string end = "; write & and the name before the value that is meant\n";
  EXPECT_TRUE(mistakes == begin + end || mistakes == begin + ": b" + end)  // yaml-cpp 0.8
      << mistakes;
}

TEST(ConfigReader, ReadsWhatOtherLanguagesWriteInBraces) {
  EXPECT_EQ(mistakes_of(*read("query: '\"${r.host} is ${\"'\n...\n")), "");
}

TEST(ConfigReader, RefusesEndlessNesting) {
  const auto file = read("rules: " + std::string(5000, '[') + "\n");
  ASSERT_EQ(file->mistakes().size(), 1u);
  EXPECT_NE(file->mistakes()[0].text.find("nested too deeply"), std::string::npos)
      << mistakes_of(*file);
}

TEST(ConfigReader, ExpandsVariablesInValues) {
  auto file =
      read("url: redis://:${PASSWORD}@${HOST:-localhost}:${PORT:-6379}\nflux: '${r.host} $${x}'\n",
           {{"PASSWORD", "hunter2"}, {"PORT", ""}});
  ConfigMapView top = file->root().map("the file");
  EXPECT_EQ(top.get("url").text(), "redis://:hunter2@localhost:6379");
  EXPECT_EQ(top.get("flux").text(), "${r.host} ${x}");
  EXPECT_TRUE(top.get("url").node()->from_environment);
  EXPECT_FALSE(top.get("flux").node()->from_environment);
  EXPECT_TRUE(file->ok());
}

TEST(ConfigReader, ReportsAVariableThatIsNotSet) {
  auto file = read("url: ${INFLUX_URL}\n");
  EXPECT_EQ(mistakes_of(*file),
            "alerts.yaml:1:6: the environment variable 'INFLUX_URL' is not set; set it, give a "
            "default with ${INFLUX_URL:-default}, or write $${INFLUX_URL} to mean the text "
            "itself\n");
}

TEST(ConfigReader, AVariableThatIsNotSetHidesOnlyWhatFollowsFromIt) {
  auto file = read("every: ${EVERY}\nretries: many\n");
  ConfigMapView top = file->root().map("the file");
  top.get("every").duration();
  top.get("retries").integer();
  const auto mistakes = file->mistakes();
  ASSERT_EQ(mistakes.size(), 2u);
  EXPECT_NE(mistakes[0].text.find("'EVERY' is not set"), std::string::npos);
  EXPECT_EQ(mistakes[1].line, 2);
}

TEST(ConfigReader, NeverShowsAValueFromTheEnvironment) {
  auto file = read("count: ${TOKEN}\nmode: x${TOKEN}\n", {{"TOKEN", "hunter2"}});
  ConfigMapView top = file->root().map("the file");
  top.get("count").integer();
  top.get("mode").one_of<int>({{"hunter3", 1}});
  EXPECT_EQ(file->mistakes().size(), 2u);
  EXPECT_EQ(mistakes_of(*file).find("hunter2"), std::string::npos);
}

TEST(ConfigReader, ResolvesAliasesAndMergesAsPyYaml) {
  auto file = read(
      "base: &base {source: influx, severity: low}\n"
      "cpu:\n  <<: *base\n  severity: high\nagain: *base\n");
  const Json json = file->root().json();
  EXPECT_EQ(json["cpu"], Json::object({{"source", "influx"}, {"severity", "high"}}));
  EXPECT_EQ(json["again"]["severity"], Json("low"));
  EXPECT_TRUE(file->ok());
}

TEST(ConfigReader, BoundsWhatAliasesGrowTo) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 9; ++j) text += last + ", ";
    text += last + "]\n";
  }
  auto file = read(text);
  ASSERT_FALSE(file->ok());
  EXPECT_NE(mistakes_of(*file).find("aliases"), std::string::npos);
}

TEST(ConfigReader, ReadsNullAsAbsent) {
  auto file = read("a: null\nb:\nc: ~\nd: 'null'\n");
  ConfigMapView top = file->root().map("the file");
  EXPECT_EQ(top.get("a").text(), std::nullopt);
  EXPECT_EQ(top.get("b").integer(), std::nullopt);
  EXPECT_FALSE(top.get("c").present());
  EXPECT_EQ(top.get("d").text(), "null");
  EXPECT_TRUE(file->ok());
  top.require("b");
  EXPECT_EQ(mistakes_of(*file), "alerts.yaml:2:1: b of the file is empty; give it a value\n");
}

TEST(ConfigReader, TypesJsonAsYamlDoes) {
  auto file = read("i: 5\nf: 1.5\nb: true\ns: '5'\nn: null\nl: [1, x]\n");
  EXPECT_EQ(file->root().json(), Json::object({{"i", 5},
                                               {"f", 1.5},
                                               {"b", true},
                                               {"s", "5"},
                                               {"n", nullptr},
                                               {"l", Json::array({1, "x"})}}));
}

TEST(ConfigReader, ReadsAnEmptyFileAsAnEmptyMap) {
  auto file = read("# nothing yet\n");
  ConfigMapView top = file->root().map("the file");
  EXPECT_FALSE(top.present());
  EXPECT_EQ(top.get("x").text(), std::nullopt);
  top.finish();
  EXPECT_TRUE(file->ok());
}

TEST(ParseDuration, TakesUnitsAndSeconds) {
  EXPECT_EQ(parse_duration("30s"), 30s);
  EXPECT_EQ(parse_duration("500ms"), 500ms);
  EXPECT_EQ(parse_duration("5m"), 5min);
  EXPECT_EQ(parse_duration("2h"), 2h);
  EXPECT_EQ(parse_duration("1d"), 24h);
  EXPECT_EQ(parse_duration("1h30m"), 90min);
  EXPECT_EQ(parse_duration("0.5"), 500ms);
  for (const char* wrong : {"", "s", "5x", "-5s", "5s 3", "1e400", "99999999999999d", "nan"}) {
    EXPECT_EQ(parse_duration(wrong), std::nullopt) << wrong;
  }
}

TEST(ParseSize, TakesUnits) {
  EXPECT_EQ(parse_size("4096"), 4096u);
  EXPECT_EQ(parse_size("64k"), 65536u);
  EXPECT_EQ(parse_size("12MB"), 12582912u);
  EXPECT_EQ(parse_size("1GiB"), 1073741824u);
  for (const char* wrong : {"", "k", "5x", "-1", "1 2", "99999999T"}) {
    EXPECT_EQ(parse_size(wrong), std::nullopt) << wrong;
  }
}

TEST(NearestName, FindsWhatWasMeantAndNothingFar) {
  const std::vector<std::string> names{"channels", "dedupe_for", "severity"};
  EXPECT_EQ(nearest_name("chanels", names), "channels");
  EXPECT_EQ(nearest_name("Severity", names), "severity");
  EXPECT_EQ(nearest_name("xyz", names), std::nullopt);
  EXPECT_EQ(nearest_name("concurency", {"worker_concurrency", "task_routes"}),
            "worker_concurrency");
}

}  // namespace
}  // namespace celeriac
